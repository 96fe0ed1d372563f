"""The steps on real servers: everything arrives, and whatever is missing is named."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import pytest_asyncio
from psycopg import Rollback

from tests.support.compared_ends import Comparer, differing
from tests.support.hard_schema import SCHEMAS, Ends
from tests.support.schema_mutations import GROUPS
from tests.support.schema_steps import run_all
from tests.support.step_context import StepRun, step_context
from tswizard.core.db.connection import Connection, connected, rows, value
from tswizard.core.model.finding import Level
from tswizard.core.split.caggs.dependents import restore_cagg_dependents
from tswizard.core.split.schema.cagg_dependents import DEPENDENTS_LIST
from tswizard.core.split.schema.large_object_grants import restore_large_object_grants
from tswizard.core.split.schema.restore import use_list_path
from tswizard.core.steps.refresh_views import refresh_views

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Moved:
    run: StepRun
    comparer: Comparer

    @asynccontextmanager
    async def changed(self, statement: str) -> AsyncIterator[Connection]:
        """The target with a change that is rolled back."""
        async with connected(self.run.task.target) as target, target.transaction():
            await target.execute(statement.encode())
            yield target
            raise Rollback()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def moved(ends: Ends, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Moved]:
    """All steps are through."""
    folder = tmp_path_factory.mktemp("moved")
    async with step_context(folder, ends.source, ends.target) as run:
        await run_all(run, schemas=SCHEMAS)
        yield Moved(run, await Comparer.of(run))


async def test_everything_arrives_without_an_unexplained_message(moved: Moved) -> None:
    assert [f for f in moved.run.findings if f.level is Level.FAIL] == []
    assert [j.message for j in moved.run.troubles] == []
    assert await differing(moved.comparer, moved.run.task.target) == set()


async def test_sequences_have_the_values_of_the_source(moved: Moved) -> None:
    query = (
        "SELECT (SELECT (last_value, is_called)::text FROM hard.free), "
        '(SELECT (last_value, is_called)::text FROM hard."Never Called"), '
        "(SELECT (last_value, is_called)::text FROM hard.readings_seq_seq)"
    )
    async with connected(moved.run.task.source) as source:
        wanted = await rows(source, query)
    async with connected(moved.run.task.target) as target:
        assert await rows(target, query) == wanted
    assert wanted[0][0] == "(3,t)"


async def test_repeated_steps_change_nothing(moved: Moved) -> None:
    async with connected(moved.run.task.target) as target:
        oids = "SELECT array_agg(oid ORDER BY oid) FROM pg_class WHERE relkind IN ('r', 'i', 'v')"
        before = await value(target, oids)
    moved.run.ctx.judged.clear()
    await run_all(moved.run, schemas=SCHEMAS)
    assert moved.run.troubles == []
    assert await differing(moved.comparer, moved.run.task.target) == set()
    async with connected(moved.run.task.target) as target:
        assert await value(target, oids) == before


# One object of each kind that the split method creates by statements of its own.
_MUTATIONS = (
    ('ALTER TABLE hard.readings DROP CONSTRAINT "Readings PK" CASCADE', "primary-key"),
    ("ALTER TABLE hard.marks DROP CONSTRAINT marks_once", "unique-constraint"),
    ("ALTER TABLE hard.marks DROP CONSTRAINT marks_apart", "exclusion-constraint"),
    ("ALTER TABLE hard.marks DROP CONSTRAINT marks_line", "foreign-key"),
    ("ALTER TABLE hard.marks DROP CONSTRAINT marks_lane", "check"),
    ("DROP INDEX hard.marks_by_step", "index"),
    ("ALTER TABLE hard.marks SET WITHOUT CLUSTER", "index"),
    ("ALTER TABLE hard.marks REPLICA IDENTITY DEFAULT", "index"),
    ("DROP TRIGGER marks_plain ON hard.marks", "trigger"),
    ("DROP POLICY marks_some ON hard.marks", "policy"),
    ("DROP RULE plain_keep ON hard.plain", "rule"),
    ("DROP STATISTICS hard.readings_stats", "statistics-object"),
    ("DROP VIEW hard.by_key", "view"),
    ("DROP MATERIALIZED VIEW hard.filled", "materialized-view"),
    ("DROP FUNCTION hard.note() CASCADE", "function"),
    ('ALTER TABLE hard.readings ALTER "select" DROP DEFAULT', "column"),
    ("ALTER TABLE hard.lines ALTER code DROP NOT NULL", "column"),
    ('DROP SEQUENCE hard."Never Called"', "sequence"),
    ("COMMENT ON TRIGGER marks_plain ON hard.marks IS NULL", "comment"),
    ("ALTER TABLE hard.plain ENABLE TRIGGER plain_off", "trigger"),
    ("SELECT public.set_chunk_time_interval('hard.marks', 7, 'step')", "dimension"),
    ("SELECT public.set_number_partitions('hard.marks', 3)", "dimension"),
    (
        "CREATE FUNCTION hard.recent() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT 1::bigint'; "
        "SELECT public.set_integer_now_func('hard.marks', 'hard.recent', true)",
        "dimension",
    ),
    ("SELECT public.drop_chunks('hard.marks', older_than => 1500)", "chunk"),
)


@pytest.mark.parametrize(("statement", "kind"), _MUTATIONS)
async def test_whatever_goes_missing_is_named(moved: Moved, statement: str, kind: str) -> None:
    async with moved.changed(statement) as target:
        found = await moved.comparer.differences(target)
        assert kind in {d.key.kind for d in found if d.level is Level.FAIL and "hard." in d.words}


@pytest.mark.parametrize("group", GROUPS, ids=range(len(GROUPS)))
async def test_each_change_by_hand_fails_and_is_named(
    moved: Moved, group: tuple[tuple[str, str, str], ...]
) -> None:
    writable = "SELECT has_table_privilege('_timescaledb_catalog.dimension', 'UPDATE')"
    async with connected(moved.run.task.target) as target:
        if not await value(target, writable):
            group = tuple(change for change in group if "_timescaledb_catalog." not in change[0])
    async with moved.changed("; ".join(statement for statement, _, _ in group)) as target:
        found = await moved.comparer.differences(target)
    failed = [(d.key.kind, d.words) for d in found if d.level is Level.FAIL]
    assert [
        statement
        for statement, kind, name in group
        if not any(of == kind and name in words for of, words in failed)
    ] == []


_OBJECT = 99  # below the numbers that PostgreSQL gives


async def test_grants_and_comments_of_large_objects_arrive(moved: Moved) -> None:
    task = moved.run.task
    create = f"SELECT lo_from_bytea({_OBJECT}, 'rows')"
    described = (
        f"COMMENT ON LARGE OBJECT {_OBJECT} IS 'it''s one'",
        f"GRANT SELECT ON LARGE OBJECT {_OBJECT} TO PUBLIC",
    )
    try:
        async with connected(task.source) as source, connected(task.target) as target:
            for statement in (create, *described):
                await source.execute(statement.encode())
            await target.execute(create.encode())
        comparer = await Comparer.of(moved.run)
        assert {text.partition(" ")[0] for text in await differing(comparer, task.target)} == {
            "comment",
            "grant",
        }
        for _ in range(2):
            await restore_large_object_grants(moved.run.ctx)
            assert await differing(comparer, task.target) == set()
    finally:
        for end in (task.source, task.target):
            async with connected(end) as connection:
                await connection.execute(
                    f"SELECT lo_unlink(oid) FROM pg_largeobject_metadata WHERE oid = {_OBJECT}"
                )


async def test_an_index_dropped_from_a_single_chunk_is_named(moved: Moved) -> None:
    async with connected(moved.run.task.target) as target:
        (index,) = await rows(
            target,
            "SELECT indexrelid::regclass::text FROM pg_index "
            "JOIN public.show_chunks('hard.marks') c ON c = indrelid "
            "WHERE NOT indisunique AND NOT EXISTS "
            "(SELECT FROM pg_constraint WHERE conindid = indexrelid) ORDER BY 1 LIMIT 1",
        )
    async with moved.changed(f"DROP INDEX {index[0]}") as target:
        found = await moved.comparer.differences(target)
        changes = [(d.key.kind, d.state) for d in found if "hard.marks" in d.words]
        assert changes == [("index", "missing")]


async def test_dependents_of_a_continuous_aggregate_are_named_and_listed(moved: Moved) -> None:
    named = moved.run.findings
    (absent,) = {f.details for f in named if f.id == "caggs-not-migrated"}
    (blocked,) = {f.details for f in named if f.id == "cagg-dependents-not-migrated"}
    assert "hard.By Hour" in absent
    hard = {text.partition(" (depends on hard.By Hour)")[0] for text in blocked if "hard." in text}
    assert hard >= {
        "VIEW hard.on_aggregate",
        "VIEW hard.on_view",
        "MATERIALIZED VIEW hard.kept",
        "INDEX hard.kept_bucket",
        "FUNCTION hard.hours()",
        "FUNCTION hard.hours_of(integer)",
        "RULE hard.on_aggregate read_only",
        'COMMENT VIEW hard."By Hour"',
        'ACL TABLE hard."By Hour"',
    }
    listed = use_list_path(moved.run.task, DEPENDENTS_LIST).read_text()
    assert "MATERIALIZED VIEW hard kept" in listed
    assert "depends on hard.By Hour" in listed


async def test_dependents_of_a_continuous_aggregate_are_restored_once_it_exists(
    moved: Moved,
) -> None:
    """The last test of this file: from here on the target has the continuous aggregate."""
    async with connected(moved.run.task.target) as target:
        await target.execute(
            'CREATE MATERIALIZED VIEW hard."By Hour" WITH (timescaledb.continuous, '
            "timescaledb.materialized_only = true) AS SELECT public.time_bucket('1 hour', "
            '"time") AS bucket, "order", count(*) AS n FROM hard.readings GROUP BY 1, 2 '
            "WITH NO DATA"
        )
    moved.run.ctx.judged.clear()
    await restore_cagg_dependents(moved.run.ctx)
    await refresh_views(moved.run.ctx)
    assert moved.run.troubles == []
    comparer = await Comparer.of(moved.run, ["hard.By Hour"])
    assert await differing(comparer, moved.run.task.target) == set()
