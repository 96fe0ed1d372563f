"""Compression settings of hypertables, and chunk skipping, which needs compression enabled.

Settings are written out in full, empty lists too: where they are left out, newer versions choose
(https://docs.timescale.com/api/latest/compression/alter_table_compression/).
"""

from collections.abc import Iterable
from dataclasses import replace

from tswizard.core.catalog.hypertable_model import Compression, OrderByColumn
from tswizard.core.db.connection import connected
from tswizard.core.db.identifiers import identifier, literal
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.wording import plural
from tswizard.core.run.context import Context, StepSkipped
from tswizard.core.split.schema.constraints import read_compressed_last
from tswizard.core.split.schema.execute import Change, run_changes
from tswizard.core.split.schema.hypertable_facts import (
    HypertableFacts,
    TimescaleApi,
    read_api,
    read_hypertable_facts,
)
from tswizard.core.split.schema.target_session import schema_session


def compression_statements(table: HypertableFacts, api: TimescaleApi) -> tuple[str, ...]:
    """The SQL that sets a hypertable's settings; none when it has none."""
    statements = []
    if table.compression is not None:
        options = ", ".join(compression_options(table.compression))
        statements.append(f"ALTER TABLE {table.sql} SET ({options})")
    if table.skipping and api.has("enable_chunk_skipping"):
        statements.append("SET LOCAL timescaledb.enable_chunk_skipping = on")
        statements += [
            f"SELECT {api.call('enable_chunk_skipping')}({literal(table.sql)}, {literal(column)})"
            for column in table.skipping
        ]
    return tuple(statements)


def compression_options(settings: Compression) -> list[str]:
    """Options of ALTER TABLE or ALTER MATERIALIZED VIEW. All in one statement: 2.15 to 2.19 reset
    those of a continuous aggregate that are left out."""
    options = ["timescaledb.compress"]
    if settings.chosen:
        order = ", ".join(orderby_clauses(settings.orderby))
        segments = ", ".join(map(identifier, settings.segmentby))
        options.append(f"timescaledb.compress_segmentby = {literal(segments)}")
        if order:  # an empty one is refused; without it the server chooses for each chunk
            options.append(f"timescaledb.compress_orderby = {literal(order)}")
    if settings.merge_interval:
        options.append(
            f"timescaledb.compress_chunk_time_interval = {literal(settings.merge_interval)}"
        )
    return options


def orderby_clauses(order: Iterable[OrderByColumn]) -> list[str]:
    """The columns as ORDER BY names them, one clause each."""
    return [
        f"{identifier(by.column)} {'DESC' if by.descending else 'ASC'} "
        f"NULLS {'FIRST' if by.nulls_first else 'LAST'}"
        for by in order
    ]


def settings_differ(wanted: HypertableFacts, existing: HypertableFacts) -> bool:
    """Do the target's settings differ? Sparse indexes are left to it."""
    if set(wanted.skipping) - set(existing.skipping):
        return True
    return wanted.compression != without_defaults(existing.compression, wanted.compression)


def without_defaults(
    existing: Compression | None, wanted: Compression | None
) -> Compression | None:
    """A target's settings without what it chose by itself where the source leaves the choice to
    the server (older versions store their choice at once, newer ones choose for each chunk)."""
    if existing is None or wanted is None:
        return existing
    return replace(
        existing,
        segmentby=existing.segmentby if wanted.chosen else (),
        orderby=existing.orderby if wanted.orderby else (),
        sparse=wanted.sparse,
    )


async def set_compression(ctx: Context, *, last: bool = False) -> None:
    """Set every hypertable's settings; report what is refused.

    Older versions refuse to add constraints where compression is enabled: hypertables that are
    compressed last get their settings by a second call with `last`, once all constraints exist.
    Raises StepFailed, StepSkipped, CannotConnect, psycopg.Error.
    """
    async with connected(ctx.task.source) as source:
        after_constraints = await read_compressed_last(
            source, ctx.task.inventory.hazards.compressed_late
        )
        wanted = [
            table
            for table in await read_hypertable_facts(source)
            if (table.compression or table.skipping) and (table.key in after_constraints) == last
        ]
    if not wanted:
        raise StepSkipped("no hypertable has compression settings to set now")
    async with schema_session(ctx) as target:
        api = await read_api(target, ctx.task.target_server.timescaledb_schema or "public")
        existing = {table.key: table for table in await read_hypertable_facts(target)}
        changes = [
            Change(table.label, compression_statements(table, api))
            for table in wanted
            if (found := existing.get(table.key)) is None or settings_differ(table, found)
        ]
        refused = await run_changes(ctx, target, changes)
        existing = {table.key: table for table in await read_hypertable_facts(target)}
    refused_labels = {refusal.change.label for refusal in refused}
    differing = [
        table.label
        for table in wanted
        if (found := existing.get(table.key))
        and settings_differ(table, found)
        and table.label not in refused_labels
    ]
    if refused or differing:
        ctx.found(
            Finding(
                Level.FAIL,
                "compression-settings",
                f"Compression settings of {plural(len(refused) + len(differing), 'hypertable')} "
                "differ from the source's.",
                where=ctx.task.target.label,
                why="The server's message follows each hypertable that it refused.",
                todo="Set them by ALTER TABLE … SET (timescaledb.compress, …) as on the source.",
                details=(*(refusal.labeled for refusal in refused), *differing),
            )
        )
    sparse = [t.label for t in wanted if t.compression and t.compression.sparse]
    if sparse:
        ctx.found(
            Finding(
                Level.LOOK,
                "sparse-indexes",
                f"Sparse indexes of {plural(len(sparse), 'hypertable')} are left to the target's "
                "choice.",
                where=ctx.task.target.label,
                why="They speed up queries on compressed chunks and hold no rows.",
                todo="Set them by ALTER TABLE … SET (timescaledb.sparse_index = …) as on the "
                "source.",
                details=tuple(sparse),
            )
        )
