"""Hypertables made again on the target: every dimension, interval and function as on the source.

`create_hypertable` has two forms: since 2.13 a dimension builder (`by_range`, `by_hash`), before
that a list of arguments (https://docs.timescale.com/api/latest/hypertable/create_hypertable/).
Which one the target has is found out by looking. Names of chunks' tables and their schema can
only be given in the older form, which newer versions still have.
"""

from psycopg import Error

from tswizard.core.db.connection import connected
from tswizard.core.model.events import Unit
from tswizard.core.model.finding import Finding, Level
from tswizard.core.run.context import Context, StepSkipped, failed
from tswizard.core.split.schema.execute import literal, refusal, run_statements
from tswizard.core.split.schema.hypertable_facts import (
    Api,
    DimensionFacts,
    HypertableFacts,
    read_api,
    read_hypertable_facts,
)
from tswizard.core.split.schema.target_session import schema_session


def create_statements(table: HypertableFacts, api: Api) -> tuple[str, ...]:
    """The SQL that makes a plain table this hypertable; run in one transaction.

    The default indexes come with the other indexes, named as they are.
    """
    first, *others = table.dimensions
    builders = api.has("by_range") and not (table.associated_schema or table.associated_prefix)
    make, add = (_built, _built_dimension) if builders else (_listed, _listed_dimension)
    statements = [make(table, first, api)]
    statements += [add(table, dimension, api) for dimension in others]
    for dimension in table.dimensions:
        if dimension.integer_now:
            function = literal(dimension.integer_now)
            statements.append(
                f"SELECT {api.call('set_integer_now_func')}({literal(table.sql)}, {function})"
            )
    return tuple(statements)


def _built(table: HypertableFacts, dimension: DimensionFacts, api: Api) -> str:
    builder = _builder(dimension, api)
    return (
        f"SELECT {api.call('create_hypertable')}({literal(table.sql)}, {builder}, "
        "create_default_indexes => false)"
    )


def _built_dimension(table: HypertableFacts, dimension: DimensionFacts, api: Api) -> str:
    return f"SELECT {api.call('add_dimension')}({literal(table.sql)}, {_builder(dimension, api)})"


def _builder(dimension: DimensionFacts, api: Api) -> str:
    function = f", {literal(dimension.function)}" if dimension.function else ""
    column = literal(dimension.column)
    if dimension.partitions is None:
        return f"{api.call('by_range')}({column}, {dimension.interval}{function})"
    return f"{api.call('by_hash')}({column}, {dimension.partitions}{function})"


def _listed(table: HypertableFacts, dimension: DimensionFacts, api: Api) -> str:
    named = [f"chunk_time_interval => {dimension.interval}", "create_default_indexes => false"]
    if dimension.function:
        named.append(f"time_partitioning_func => {literal(dimension.function)}")
    if table.associated_schema:
        named.append(f"associated_schema_name => {literal(table.associated_schema)}")
    if table.associated_prefix:
        named.append(f"associated_table_prefix => {literal(table.associated_prefix)}")
    return (
        f"SELECT {api.call('create_hypertable')}({literal(table.sql)}, "
        f"{literal(dimension.column)}, {', '.join(named)})"
    )


def _listed_dimension(table: HypertableFacts, dimension: DimensionFacts, api: Api) -> str:
    if dimension.partitions is None:
        named = [f"chunk_time_interval => {dimension.interval}"]
    else:
        named = [f"number_partitions => {dimension.partitions}"]
    if dimension.function:
        named.append(f"partitioning_func => {literal(dimension.function)}")
    return (
        f"SELECT {api.call('add_dimension')}({literal(table.sql)}, "
        f"{literal(dimension.column)}, {', '.join(named)})"
    )


async def create_hypertables(ctx: Context) -> None:
    """Make every hypertable that is not there yet. Raises StepFailed when one cannot be made.

    A table that stayed plain would take the rows and be found wrong only at the end: so all are
    tried, all failures named, and the run stops.
    """
    async with connected(ctx.task.source) as source:
        wanted = await read_hypertable_facts(source)
    if not wanted:
        raise StepSkipped("the source has no hypertable")
    refused: list[str] = []
    async with schema_session(ctx) as target:
        api = await read_api(target, ctx.task.target_server.timescaledb_schema or "public")
        there = {(t.schema, t.name): t for t in await read_hypertable_facts(target)}
        for done, table in enumerate(wanted):
            await ctx.unpaused()
            ctx.progress(done, len(wanted), Unit.ITEMS, table.label)
            if (table.schema, table.name) in there:
                continue
            try:
                await run_statements(ctx, target, *create_statements(table, api))
            except Error as error:
                refused.append(f"{table.label}: {refusal(error)}")
        there = {(t.schema, t.name): t for t in await read_hypertable_facts(target)}
    ctx.progress(len(wanted), len(wanted), Unit.ITEMS)
    refused += [
        f"{table.label}: {difference}"
        for table in wanted
        if (made := there.get((table.schema, table.name)))
        and (difference := _difference(table, made))
    ]
    if refused:
        raise failed(
            "hypertables-not-made",
            f"{len(refused)} of {len(wanted)} hypertables could not be made as they are: "
            f"{'; '.join(refused)}.",
            where=ctx.task.target.label,
            why="Their rows are not copied into tables of another kind.",
            todo="Mend what the server says, then resume.",
        )
    for finding in hypertable_settings_not_migrated(wanted):
        ctx.found(finding)


def _difference(wanted: HypertableFacts, made: HypertableFacts) -> str:
    if wanted.dimensions == made.dimensions:
        return ""
    return f"dimensions are {made.dimensions}, not {wanted.dimensions}"


def hypertable_settings_not_migrated(tables: tuple[HypertableFacts, ...]) -> list[Finding]:
    """What of a hypertable belongs to the source's machine and is not made again."""
    findings = []
    spaces = tuple(f"{t.label}: {', '.join(t.tablespaces)}" for t in tables if t.tablespaces)
    if spaces:
        findings.append(
            Finding(
                Level.LOOK,
                "hypertable-tablespaces",
                f"Tablespaces of {len(spaces)} hypertables are not carried.",
                why="Tablespaces are folders of the source's machine; a managed service has none. "
                "All chunks are made in the target's default tablespace.",
                todo="Nothing, unless the target has tablespaces of its own: "
                "SELECT attach_tablespace('…', '…');",
                details=spaces,
            )
        )
    adaptive = tuple(t.label for t in tables if t.adaptive)
    if adaptive:
        findings.append(
            Finding(
                Level.LOOK,
                "adaptive-chunking",
                f"Adaptive chunk intervals of {len(adaptive)} hypertables are not carried.",
                why="Newer versions of TimescaleDB no longer have them; the interval of today is "
                "kept.",
                todo="Change it by set_chunk_time_interval() where it does not fit.",
                details=adaptive,
            )
        )
    return findings
