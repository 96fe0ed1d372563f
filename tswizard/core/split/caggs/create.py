"""Continuous aggregates recreated on the empty hypertables, parents first.

A hypertable with row-level security takes none, and one with raw rows would have to be read: so
they come right behind the hypertables, without data. Each is one transaction.
https://docs.timescale.com/api/latest/continuous-aggregates/create_materialized_view/
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from psycopg import Error, sql

from tswizard.core.catalog.cagg_model import WINDOW_FUNCTIONS, Cagg
from tswizard.core.catalog.hypertable_model import Compression
from tswizard.core.db.connection import Connection, connected, value
from tswizard.core.db.identifiers import identifier, literal
from tswizard.core.dump.toc import PRE
from tswizard.core.model.events import Unit
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.object_selection import chosen_caggs
from tswizard.core.model.plan import Task
from tswizard.core.model.wording import plural
from tswizard.core.run.context import Context, StepSkipped
from tswizard.core.split.caggs.dependents import ON_CAGGS
from tswizard.core.split.schema.cagg_facts import CaggFacts, read_cagg_facts
from tswizard.core.split.schema.compression import compression_options, without_defaults
from tswizard.core.split.schema.execute import refusal_message, run_statements
from tswizard.core.split.schema.restore import restore_entries
from tswizard.core.split.schema.restore_state import read_restore_state, write_restore_state
from tswizard.core.split.schema.target_session import schema_session
from tswizard.core.split.schema.toc_selection import read_selection


def index_statements(facts: CaggFacts, made: CaggFacts) -> tuple[str, ...]:
    """The SQL that makes the materialization's indexes those of the source."""
    wanted = facts.indexes(made.cagg.materialization_name)
    schema = identifier(made.cagg.materialization_schema)
    drop = [i for i in made.cagg.indexes if i not in wanted]
    create = [i for i in wanted if i not in made.cagg.indexes]
    return (
        *(f"DROP INDEX {schema}.{identifier(i.name)}" for i in drop),
        *(f"CREATE INDEX {identifier(i.name)} ON {made.cagg.sql} {i.definition}" for i in create),
    )


def interval_statement(facts: CaggFacts, made: CaggFacts, schema: str) -> str:
    """The SQL that gives it the source's chunk interval: by the materialization's name in every
    version, by its own only since 2.12."""
    return (
        f"SELECT {identifier(schema)}.set_chunk_time_interval("
        f"{literal(made.materialization.sql)}, {facts.chunk_interval})"
    )


def compression_statement(cagg: Cagg, settings: Compression) -> str:
    """The SQL that gives it the source's compression settings."""
    options = ", ".join(compression_options(settings))
    return f"ALTER MATERIALIZED VIEW {cagg.sql} SET ({options})"


def preview_caggs(task: Task) -> tuple[str, ...]:
    """What Review shows; names of indexes and of the materialization are only known in the run."""
    settings = {table.cagg: table.compression for table in task.inventory.hypertables if table.cagg}
    return (
        "-- Each as its owner where the target has that role; then its indexes, those of the\n"
        "-- source and no others, its chunk interval, comments and grants.",
        *(
            ";\n".join(
                (
                    cagg.create_statement,
                    *(compression_statement(cagg, s) for s in (settings.get(cagg.label),) if s),
                )
            )
            + ";"
            for cagg in chosen_caggs(task.inventory, task.answers)
        ),
    )


@dataclass(slots=True)
class _Refused:
    """What could not be created, and why."""

    caggs: dict[str, str] = field(default_factory=dict)
    old: list[str] = field(default_factory=list)
    """In the old format, which preflight named."""
    settings: list[str] = field(default_factory=list)


async def create_caggs(ctx: Context) -> None:
    """Create every chosen continuous aggregate that is not there, with its grants and comments.

    What the target refuses is named and left out, as is what is built on it. Raises StepFailed.
    """
    chosen = {cagg.label for cagg in chosen_caggs(ctx.task.inventory, ctx.task.answers)}
    if not chosen:
        raise StepSkipped("no continuous aggregate is migrated")
    async with connected(ctx.task.source) as source:
        wanted = [f for f in (await read_cagg_facts(source)).values() if f.cagg.label in chosen]
    refused = _Refused()
    await _create_all(ctx, wanted, refused)
    await _restore_marks(ctx)
    await _set_compression(ctx, wanted, refused)
    for finding in _findings(ctx.task, refused):
        ctx.found(finding)


async def _create_all(ctx: Context, wanted: Sequence[CaggFacts], refused: _Refused) -> None:
    async with schema_session(ctx) as target:
        there = await read_cagg_facts(target)
        for done, facts in enumerate(wanted):
            await ctx.unpaused()
            cagg = facts.cagg
            ctx.progress(done, len(wanted), Unit.ITEMS, cagg.label)
            if cagg.label in there:
                continue
            if cagg.parent in refused.caggs:
                refused.caggs[cagg.label] = f"it is built on {cagg.parent}"
                continue
            if not cagg.finalized:
                refused.old.append(cagg.label)
                refused.caggs[cagg.label] = "it is of the old format (finalized = false)"
                continue
            try:
                await _create(ctx, target, facts)
            except Error as error:
                refused.caggs[cagg.label] = refusal_message(error)
    ctx.progress(len(wanted), len(wanted), Unit.ITEMS)


async def _create(ctx: Context, target: Connection, facts: CaggFacts) -> None:
    """One of them, all or nothing. Raises psycopg.Error."""
    label = facts.cagg.label
    schema = ctx.task.target_server.timescaledb_schema or "public"
    async with target.transaction():
        role = await owner_role(target, facts)
        reads = sql.Identifier(*facts.cagg.reads).as_string(None)
        lent = bool(role) and not await value(target, _MAY_TRIGGER, (role, reads))
        if role and lent:
            await run_statements(ctx, target, f"GRANT TRIGGER ON {reads} TO {identifier(role)}")
        if role:
            await run_statements(ctx, target, f"SET LOCAL ROLE {identifier(role)}")
        if await value(target, "SELECT pg_catalog.current_setting(%s, true)", (WINDOW_FUNCTIONS,)):
            await target.execute(f"SET LOCAL {WINDOW_FUNCTIONS} = on".encode())
        await run_statements(ctx, target, facts.cagg.create_statement)
        made = (await read_cagg_facts(target))[label]
        await run_statements(
            ctx, target, *index_statements(facts, made), interval_statement(facts, made, schema)
        )
        if role:
            await run_statements(ctx, target, "RESET ROLE")
        if role and lent:
            await run_statements(ctx, target, f"REVOKE TRIGGER ON {reads} FROM {identifier(role)}")


# Versions up to 2.22 make a trigger on what it reads, in its owner's name.
_MAY_TRIGGER = "SELECT pg_catalog.has_table_privilege(%s, %s, 'TRIGGER')"

# Whoever owns it refreshes it, hence has to read the raw rows.
MAY_OWN = """
SELECT r.rolname <> CURRENT_USER AND pg_catalog.pg_has_role(CURRENT_USER, r.oid, 'MEMBER')
  AND pg_catalog.has_schema_privilege(r.oid, n.oid, 'CREATE')
  AND pg_catalog.has_table_privilege(r.oid, pg_catalog.to_regclass(%(reads)s), 'SELECT')
FROM pg_catalog.pg_roles r, pg_catalog.pg_namespace n
WHERE r.rolname = %(owner)s AND n.nspname = %(schema)s
"""


async def owner_role(target: Connection, facts: CaggFacts) -> str | None:
    """The role to create it as: its owner's, where the target has that and we may act as it; None
    for our own, as tables are restored without their owners."""
    args = {
        "owner": facts.cagg.owner,
        "schema": facts.cagg.schema,
        "reads": sql.Identifier(*facts.cagg.reads).as_string(None),
    }
    return facts.cagg.owner if await value(target, MAY_OWN, args) else None


async def _restore_marks(ctx: Context) -> None:
    """Grants and comments: grants on a column are refused once compression is on."""
    chosen = await read_selection(ctx)
    run = ctx.run_folder.record.id
    async with connected(ctx.task.target) as target:
        there = set(await read_cagg_facts(target))
        state = await read_restore_state(target, run, ON_CAGGS)
        if state == "done":
            return
        await write_restore_state(target, run, ON_CAGGS, "begun")
    ready = [entry for entry in chosen.cagg_dependents if chosen.on_caggs.get(entry.id) in there]
    await restore_entries(ctx, ready, ON_CAGGS, PRE, drop_first=state == "begun")
    async with connected(ctx.task.target) as target:
        await write_restore_state(target, run, ON_CAGGS, "done")


async def _set_compression(ctx: Context, wanted: Sequence[CaggFacts], refused: _Refused) -> None:
    async with schema_session(ctx) as target:
        there = await read_cagg_facts(target)
        for facts in wanted:
            made = there.get(facts.cagg.label)
            settings = facts.materialization.compression
            if made is None or settings is None or not _settings_differ(facts, made):
                continue
            try:
                await run_statements(ctx, target, compression_statement(facts.cagg, settings))
            except Error as error:
                refused.settings.append(f"{facts.cagg.label}: {refusal_message(error)}")


def _settings_differ(wanted: CaggFacts, made: CaggFacts) -> bool:
    settings, now = wanted.materialization.compression, made.materialization.compression
    return settings != without_defaults(now, settings)


def _findings(task: Task, refused: _Refused) -> list[Finding]:
    found = []
    for level, labels in (
        (Level.FAIL, [name for name in refused.caggs if name not in refused.old]),
        (Level.LOOK, refused.old),
    ):
        if labels:
            found.append(
                Finding(
                    level,
                    "caggs-not-created",
                    f"{plural(len(labels), 'continuous aggregate')} could not be created on the "
                    "target.",
                    where=task.target.label,
                    why="See the server's message below.",
                    todo="Change the definition on the source so that the target's TimescaleDB "
                    f"({task.target_server.timescaledb}) takes it, or create another one on the "
                    "target.",
                    details=tuple(f"{name}: {refused.caggs[name]}" for name in labels),
                )
            )
    if refused.settings:
        found.append(
            Finding(
                Level.FAIL,
                "cagg-compression-settings",
                "Compression settings of "
                f"{plural(len(refused.settings), 'continuous aggregate')} are not as on the "
                "source.",
                where=task.target.label,
                why="See the server's message below.",
                todo="Set them by ALTER MATERIALIZED VIEW … SET (timescaledb.compress, …).",
                details=tuple(refused.settings),
            )
        )
    return found
