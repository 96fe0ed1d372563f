"""Compression settings of hypertables, and what needs compression to be on.

Written out in full, empty lists too: where they are left out, newer versions choose by themselves
(https://docs.timescale.com/api/latest/compression/alter_table_compression/).
"""

from dataclasses import replace

from psycopg import Error

from tswizard.core.db.connection import connected
from tswizard.core.model.events import Unit
from tswizard.core.model.finding import Finding, Level
from tswizard.core.run.context import Context, StepSkipped
from tswizard.core.split.schema.constraints import read_compressed_last
from tswizard.core.split.schema.execute import identifier, literal, refusal, run_statements
from tswizard.core.split.schema.hypertable_facts import (
    Api,
    CompressionFacts,
    HypertableFacts,
    read_api,
    read_hypertable_facts,
)
from tswizard.core.split.schema.target_session import schema_session


def compression_statements(table: HypertableFacts, api: Api) -> tuple[str, ...]:
    """The SQL that gives a hypertable its settings; none when it has none."""
    statements = []
    if table.compression is not None:
        statements.append(f"ALTER TABLE {table.sql} SET ({', '.join(_options(table))})")
    if table.skipping and api.has("enable_chunk_skipping"):
        statements.append("SET LOCAL timescaledb.enable_chunk_skipping = on")
        statements += [
            f"SELECT {api.call('enable_chunk_skipping')}({literal(table.sql)}, {literal(column)})"
            for column in table.skipping
        ]
    return tuple(statements)


def _options(table: HypertableFacts) -> list[str]:
    settings = table.compression
    assert settings is not None
    options = ["timescaledb.compress"]
    if settings.chosen:
        order = ", ".join(
            f"{identifier(column)} {'DESC' if descending else 'ASC'} "
            f"NULLS {'FIRST' if nulls_first else 'LAST'}"
            for column, descending, nulls_first in settings.orderby
        )
        segments = ", ".join(map(identifier, settings.segmentby))
        options.append(f"timescaledb.compress_segmentby = {literal(segments)}")
        if order:  # an empty one is refused; without it the server chooses for each chunk
            options.append(f"timescaledb.compress_orderby = {literal(order)}")
    if settings.merge_interval:
        options.append(
            f"timescaledb.compress_chunk_time_interval = {literal(settings.merge_interval)}"
        )
    return options


def settings_differ(wanted: HypertableFacts, made: HypertableFacts) -> bool:
    """Must the settings be set? Sparse indexes are the target's own choice."""
    if set(wanted.skipping) - set(made.skipping):
        return True
    return wanted.compression != without_defaults(made.compression, wanted.compression)


def without_defaults(
    made: CompressionFacts | None, wanted: CompressionFacts | None
) -> CompressionFacts | None:
    """What a target has, without what it chose by itself where the source left it open (older
    versions write their choice down at once, newer ones choose for each chunk)."""
    if made is None or wanted is None:
        return made
    return replace(
        made,
        segmentby=made.segmentby if wanted.chosen else (),
        orderby=made.orderby if wanted.orderby else (),
        sparse=wanted.sparse,
    )


async def set_compression(ctx: Context, *, last: bool = False) -> None:
    """Give every hypertable its settings; name what is refused.

    Those that must be compressed last get theirs when all constraints stand, by a second call
    with `last`: older versions refuse constraints where compression is on.
    """
    async with connected(ctx.task.source) as source:
        waiting = await read_compressed_last(source)
        wanted = [
            table
            for table in await read_hypertable_facts(source)
            if (table.compression or table.skipping)
            and ((table.schema, table.name) in waiting) == last
        ]
    if not wanted:
        raise StepSkipped("no hypertable of the source has compression settings to set now")
    refused: list[str] = []
    async with schema_session(ctx) as target:
        api = await read_api(target, ctx.task.target_server.timescaledb_schema or "public")
        there = {(t.schema, t.name): t for t in await read_hypertable_facts(target)}
        for done, table in enumerate(wanted):
            await ctx.unpaused()
            ctx.progress(done, len(wanted), Unit.ITEMS, table.label)
            found = there.get((table.schema, table.name))
            if found is not None and not settings_differ(table, found):
                continue
            try:
                await run_statements(ctx, target, *compression_statements(table, api))
            except Error as error:
                refused.append(f"{table.label}: {refusal(error)}")
        there = {(t.schema, t.name): t for t in await read_hypertable_facts(target)}
    ctx.progress(len(wanted), len(wanted), Unit.ITEMS)
    differ = [
        table.label
        for table in wanted
        if (made := there.get((table.schema, table.name))) and settings_differ(table, made)
    ]
    if refused or differ:
        ctx.found(
            Finding(
                Level.FAIL,
                "compression-settings",
                f"Compression settings of {len(set(refused) | set(differ))} hypertables are not "
                "as on the source.",
                where=ctx.task.target.label,
                why="What the server said stands below.",
                todo="Set them by ALTER TABLE … SET (timescaledb.compress, …) as on the source.",
                details=(*refused, *differ),
            )
        )
    sparse = [t.label for t in wanted if t.compression and t.compression.sparse]
    if sparse:
        ctx.found(
            Finding(
                Level.LOOK,
                "sparse-indexes",
                f"Sparse indexes of {len(sparse)} hypertables are left to the target's choice.",
                where=ctx.task.target.label,
                todo="Set them by ALTER TABLE … SET (timescaledb.sparse_index = …) as on the "
                "source; they make queries faster and hold no rows.",
                details=tuple(sparse),
            )
        )
