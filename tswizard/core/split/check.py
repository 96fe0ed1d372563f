"""The check of a split migration: as strict as that of a full one, though hypertables and chunks
were recreated on the target."""

from dataclasses import replace
from functools import partial

from psycopg import Error

from tswizard.core.catalog.catalog_shape import read_shape
from tswizard.core.catalog.inventory import Job
from tswizard.core.catalog.jobs import read_jobs
from tswizard.core.db.connection import Connection, connected
from tswizard.core.db.errors import message_of
from tswizard.core.model.plan import Task
from tswizard.core.run.context import Context
from tswizard.core.split.ledger.table_stats import TableTotals, read_table_totals
from tswizard.core.split.policies.comparison import with_jobs
from tswizard.core.split.policies.recreate import possible_jobs
from tswizard.core.split.policies.statements import read_job_api
from tswizard.core.split.schema.hypertable_facts import read_hypertable_facts
from tswizard.core.split.schema.normalize import NotMigrated, normalize, read_not_migrated
from tswizard.core.split.schema.toc_selection import Selection, read_selection
from tswizard.core.steps.compare import compare_ends
from tswizard.core.verify import Comparability
from tswizard.core.verify.database_reader import DatabaseReader
from tswizard.core.verify.rows.row_sets import RowSet, SetKind
from tswizard.core.verify.schema.read import Schema

_CAGGS_ON_TARGET = """
SELECT user_view_schema || '.' || user_view_name FROM _timescaledb_catalog.continuous_agg
"""


async def check(ctx: Context) -> None:
    """Compare both ends, and add what copying each table took to the compared tables.

    Continuous aggregates that were not migrated, and what depends on them, are not expected on
    the target.
    """
    caggs = frozenset(cagg.label for cagg in ctx.task.inventory.caggs)
    migrated = _Migrated(ctx.task, await read_selection(ctx), caggs)
    await compare_ends(ctx, Comparability(migrated.schemas, migrated.has_rows))
    await _add_table_totals(ctx)


class _Migrated:
    """What the split method has brought to the target."""

    def __init__(self, task: Task, selection: Selection, caggs: frozenset[str]) -> None:
        self._task = task
        self._selection = selection
        self._caggs = caggs
        self._not_migrated = NotMigrated()

    async def schemas(
        self, source: DatabaseReader, target: DatabaseReader, ours: Schema, theirs: Schema
    ) -> tuple[Schema, Schema]:
        """Both schemas in a form in which only what did not arrive differs."""
        on_target = [name for (name,) in await target.fetch(_CAGGS_ON_TARGET)]
        self._not_migrated = await source.run(
            lambda connection: read_not_migrated(connection, self._selection, on_target)
        )
        ours, theirs = normalize(
            (ours, await source.run(read_hypertable_facts)),
            (theirs, await target.run(read_hypertable_facts)),
            self._not_migrated,
        )
        functions = self._task.target_server.timescaledb_schema or "public"
        api = await target.run(partial(read_job_api, schema=functions))
        return (
            with_jobs(ours, possible_jobs(self._task, on_target), api),
            with_jobs(theirs, await target.run(_read_jobs), api),
        )

    def has_rows(self, rows: RowSet) -> bool:
        """Were these rows to arrive? Call it after `schemas`."""
        if rows.name in self._caggs:
            return False
        if rows.kind is not SetKind.MATVIEW:
            return True
        absent = {identity.replace('"', "") for identity in self._not_migrated.identities}
        return rows.name not in absent


async def _read_jobs(connection: Connection) -> tuple[Job, ...]:
    return await read_jobs(connection, await read_shape(connection))


async def _add_table_totals(ctx: Context) -> None:
    try:
        async with connected(ctx.task.target) as target:
            totals = await read_table_totals(target)
    except Error as error:
        ctx.say(f"pieces and retries are missing in the report: {message_of(error)}")
        return
    record = ctx.run_folder.record
    tables = tuple(
        replace(
            table,
            pieces=total.pieces,
            pieces_failed=total.failed,
            retries=total.retries,
            bytes_copied=total.bytes,
        )
        for table in record.tables
        # A table without pieces is a hypertable without chunks.
        for total in (totals.get(table.name, TableTotals()),)
    )
    ctx.run_folder.save(replace(record, tables=tables))
