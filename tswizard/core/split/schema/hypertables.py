"""Hypertables created on the target with every dimension, interval and function of the source.

`create_hypertable` has two forms: since 2.13 with dimension builders (`by_range`, `by_hash`),
before that with arguments (https://docs.timescale.com/api/latest/hypertable/create_hypertable/).
The target's catalog tells which one it has. Schema and name prefix of chunks can only be given in
the older form, which newer versions still have.
"""

from tswizard.core.catalog.hypertable_model import Dimension
from tswizard.core.db.connection import connected
from tswizard.core.db.identifiers import literal
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.wording import plural
from tswizard.core.run.context import Context, StepSkipped, failed
from tswizard.core.split.schema.execute import Change, run_changes
from tswizard.core.split.schema.hypertable_facts import (
    HypertableFacts,
    TimescaleApi,
    read_api,
    read_hypertable_facts,
)
from tswizard.core.split.schema.target_session import schema_session


def create_statements(table: HypertableFacts, api: TimescaleApi) -> tuple[str, ...]:
    """The SQL that turns a plain table into this hypertable, for one transaction.

    Default indexes are restored with the other indexes, under the source's names.
    """
    first, *others = table.dimensions
    builders = api.has("by_range") and not (table.associated_schema or table.associated_prefix)
    if builders:
        create, add = _hypertable_by_builder, _dimension_by_builder
    else:
        create, add = _hypertable_by_arguments, _dimension_by_arguments
    statements = [create(table, first, api)]
    statements += [add(table, dimension, api) for dimension in others]
    for dimension in table.dimensions:
        if dimension.integer_now:
            function = literal(dimension.integer_now)
            statements.append(
                f"SELECT {api.call('set_integer_now_func')}({literal(table.sql)}, {function})"
            )
    return tuple(statements)


def _hypertable_by_builder(table: HypertableFacts, dimension: Dimension, api: TimescaleApi) -> str:
    builder = _builder(dimension, api)
    return (
        f"SELECT {api.call('create_hypertable')}({literal(table.sql)}, {builder}, "
        "create_default_indexes => false)"
    )


def _dimension_by_builder(table: HypertableFacts, dimension: Dimension, api: TimescaleApi) -> str:
    return f"SELECT {api.call('add_dimension')}({literal(table.sql)}, {_builder(dimension, api)})"


def _builder(dimension: Dimension, api: TimescaleApi) -> str:
    column, function = literal(dimension.column), ""
    if dimension.partitioning_function:
        function = f", {literal(dimension.partitioning_function)}"
    if dimension.partitions is None:
        return f"{api.call('by_range')}({column}, {dimension.interval_sql}{function})"
    return f"{api.call('by_hash')}({column}, {dimension.partitions}{function})"


def _hypertable_by_arguments(
    table: HypertableFacts, dimension: Dimension, api: TimescaleApi
) -> str:
    arguments = [
        f"chunk_time_interval => {dimension.interval_sql}",
        "create_default_indexes => false",
    ]
    if dimension.partitioning_function:
        arguments.append(f"time_partitioning_func => {literal(dimension.partitioning_function)}")
    if table.associated_schema:
        arguments.append(f"associated_schema_name => {literal(table.associated_schema)}")
    if table.associated_prefix:
        arguments.append(f"associated_table_prefix => {literal(table.associated_prefix)}")
    return (
        f"SELECT {api.call('create_hypertable')}({literal(table.sql)}, "
        f"{literal(dimension.column)}, {', '.join(arguments)})"
    )


def _dimension_by_arguments(table: HypertableFacts, dimension: Dimension, api: TimescaleApi) -> str:
    if dimension.partitions is None:
        arguments = [f"chunk_time_interval => {dimension.interval_sql}"]
    else:
        arguments = [f"number_partitions => {dimension.partitions}"]
    if dimension.partitioning_function:
        arguments.append(f"partitioning_func => {literal(dimension.partitioning_function)}")
    return (
        f"SELECT {api.call('add_dimension')}({literal(table.sql)}, "
        f"{literal(dimension.column)}, {', '.join(arguments)})"
    )


async def create_hypertables(ctx: Context) -> None:
    """Create every hypertable that the target lacks.

    A table that stayed plain would take the rows and fail only in the final check: so all are
    tried, all failures reported, and the run stops. Raises StepFailed, StepSkipped, CannotConnect,
    psycopg.Error.
    """
    async with connected(ctx.task.source) as source:
        wanted = await read_hypertable_facts(source)
    if not wanted:
        raise StepSkipped("the source has no hypertables")
    async with schema_session(ctx) as target:
        api = await read_api(target, ctx.task.target_server.timescaledb_schema or "public")
        existing = {table.key for table in await read_hypertable_facts(target)}
        changes = [
            Change(table.label, create_statements(table, api))
            for table in wanted
            if table.key not in existing
        ]
        refused = await run_changes(ctx, target, changes)
        created = {table.key: table for table in await read_hypertable_facts(target)}
    problems = [refusal.labeled for refusal in refused]
    problems += [
        f"{table.label}: dimensions are {_text(found.dimensions)}, not {_text(table.dimensions)}"
        for table in wanted
        if (found := created.get(table.key)) and found.dimensions != table.dimensions
    ]
    if problems:
        raise failed(
            "hypertables-missing",
            f"{len(problems)} of {plural(len(wanted), 'hypertable')} could not be created as on "
            f"the source: {'; '.join(problems)}.",
            where=ctx.task.target.label,
            why="Their rows are not copied into tables of another kind.",
            todo="Fix the problem above, then resume.",
        )
    for finding in hypertable_settings_not_migrated(wanted):
        ctx.found(finding)


def _text(dimensions: tuple[Dimension, ...]) -> str:
    return ", ".join(
        " ".join(
            filter(
                None,
                (
                    dimension.quoted,
                    dimension.column_type,
                    dimension.interval_sql or f"{dimension.partitions} partitions",
                    dimension.partitioning_function,
                    dimension.integer_now,
                ),
            )
        )
        for dimension in dimensions
    )


def hypertable_settings_not_migrated(tables: tuple[HypertableFacts, ...]) -> list[Finding]:
    """Tablespaces, which belong to the source's machine, and adaptive chunk intervals."""
    findings = []
    tablespaces = tuple(f"{t.label}: {', '.join(t.tablespaces)}" for t in tables if t.tablespaces)
    if tablespaces:
        findings.append(
            Finding(
                Level.LOOK,
                "hypertable-tablespaces",
                f"Tablespaces of {plural(len(tablespaces), 'hypertable')} were not migrated.",
                why="Tablespaces are directories on the source's machine; a managed service has "
                "none. All chunks are created in the target's default tablespace.",
                todo="Nothing, unless the target has tablespaces of its own: "
                "SELECT attach_tablespace('…', '…');",
                details=tablespaces,
            )
        )
    adaptive = tuple(t.label for t in tables if t.adaptive)
    if adaptive:
        findings.append(
            Finding(
                Level.LOOK,
                "adaptive-chunking",
                f"Adaptive chunk intervals of {plural(len(adaptive), 'hypertable')} were not "
                "migrated.",
                why="Newer versions of TimescaleDB no longer have them; the current interval is "
                "kept.",
                todo="Change it with set_chunk_time_interval() where it does not fit.",
                details=adaptive,
            )
        )
    return findings
