"""What belongs to one chunk alone arrives on that chunk, and is named where it does not."""

from pathlib import Path

import pytest
from psycopg import sql

from tests.support.hard_schema import SCHEMAS, Ends
from tests.support.schema_steps import run_all
from tests.support.step_context import StepRun, step_context
from tswizard.core.catalog.read import read_inventory
from tswizard.core.db.connection import connected, rows
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.finding import Level
from tswizard.core.split.schema.chunk_objects import read_chunk_changes, read_chunk_names
from tswizard.core.split.schema.restore_chunk_objects import ChunkObjects, chunk_object_findings

pytestmark = pytest.mark.native

# On one chunk of each: plain, compressed, in a schema of the user's.
_ON_CHUNKS = """
DO $$ DECLARE c regclass; column_name name; BEGIN
FOR c, column_name IN
  (SELECT x, 'lane' FROM show_chunks('hard.marks') x ORDER BY 1 LIMIT 1)
  UNION ALL (SELECT x, 'v' FROM show_chunks('hard.readings') x ORDER BY 1 LIMIT 1)
  UNION ALL (SELECT x, 'v' FROM show_chunks('hard.readings') x ORDER BY 1 DESC LIMIT 1)
LOOP
  EXECUTE format('CREATE INDEX %I ON %s (%I) WHERE %I > 1', 'own ' || c, c, column_name,
    column_name);
  EXECUTE format('CREATE INDEX ON %s ((%I + 5))', c, column_name);
  EXECUTE format('COMMENT ON INDEX %s IS %L', (SELECT indexrelid::regclass FROM pg_index
    WHERE indrelid = c AND indpred IS NOT NULL AND pg_get_indexdef(indexrelid) ~ '> .*1'
    ORDER BY indexrelid DESC LIMIT 1), 'only here');
  EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = false, fillfactor = 60,
    toast.autovacuum_enabled = false)', c);
  EXECUTE format('ALTER TABLE %s ALTER %I SET STATISTICS 17, ALTER %I SET (n_distinct = 5)', c,
    column_name, column_name);
  EXECUTE format('COMMENT ON TABLE %s IS %L', c, 'the ''first'' chunk ' || c);
  EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', c, column_name, 'column');
  EXECUTE format('GRANT SELECT, INSERT ON %s TO PUBLIC', c);
  EXECUTE format('GRANT UPDATE (%I) ON %s TO PUBLIC', column_name, c);
  EXECUTE format('CREATE STATISTICS hard.%I (dependencies) ON %I, %I FROM %s', 'own ' || c,
    column_name, (SELECT attname FROM pg_attribute WHERE attrelid = c AND attnum = 1), c);
  EXECUTE format('CREATE RULE own AS ON UPDATE TO %s WHERE false DO ALSO SELECT 1', c);
END LOOP;
SELECT x INTO c FROM show_chunks('hard.marks') x ORDER BY 1 OFFSET 1 LIMIT 1;
EXECUTE format('ALTER TABLE %s ADD CONSTRAINT own CHECK (lane < 100000)', c);
EXECUTE format('COMMENT ON CONSTRAINT own ON %s IS %L', c, 'wide');
EXECUTE format('CREATE TRIGGER own BEFORE INSERT ON %s
  FOR EACH ROW EXECUTE FUNCTION hard.note()', c);
EXECUTE format('CREATE POLICY own ON %s FOR SELECT TO PUBLIC USING (lane >= 0)', c);
END $$
"""
_OF_ONE = 15  # statements for what the loop makes on each of the three, as they are read
_ALL = 3 * _OF_ONE + 4


async def _objects(run: StepRun) -> ChunkObjects:
    async with connected(run.task.source) as source, connected(run.task.target) as target:
        ours, theirs = await read_chunk_changes(source), await read_chunk_changes(target)
        return ChunkObjects(ours, theirs, await read_chunk_names(target))


async def _change(source: Endpoint) -> None:
    async with connected(source) as connection:
        await connection.execute("SET search_path = public")
        await connection.execute(_ON_CHUNKS.encode())


async def test_everything_of_one_chunk_arrives_and_what_is_lost_is_named(
    native_ends: Ends, tmp_path: Path
) -> None:
    async with connected(native_ends.source) as source:
        assert (await read_chunk_changes(source)).changes == ()
    await _change(native_ends.source)
    async with step_context(tmp_path, native_ends.source, native_ends.target) as run:
        await run_all(run, until="post-data", schemas=SCHEMAS)
        lacking = await _objects(run)
        assert tuple(lacking.missing) == lacking.source.changes
        assert len(lacking.source.changes) == _ALL
        (named,) = chunk_object_findings(lacking, "there")
        assert (named.level, named.id) == (Level.LOOK, "chunk-objects")
        assert len(named.details) == _ALL

        await run_all(run, schemas=SCHEMAS)
        objects = await _objects(run)
        # Which chunks compression merges in this copy depends on the order of their creation.
        lost = {change.chunk for change in objects.missing}
        assert lost.isdisjoint(objects.names)
        assert len(lost) <= 1
        assert len(objects.target.changes) >= 2 * _OF_ONE + 4
        assert "chunk-objects-refused" not in {f.id for f in run.findings}
        assert [f for f in run.findings if f.level is Level.FAIL] == []

        # A second time nothing is made.
        async with connected(native_ends.target) as target:
            indexes = "SELECT count(*) FROM pg_index"
            before = await rows(target, indexes)
            await run_all(run, schemas=SCHEMAS)
            assert await rows(target, indexes) == before


async def test_what_the_target_refuses_is_named_with_its_statement(
    native_ends: Ends, tmp_path: Path
) -> None:
    await _change(native_ends.source)
    async with connected(native_ends.source) as source:
        await source.execute(
            "DO $$ DECLARE c regclass; BEGIN"
            " SELECT x INTO c FROM public.show_chunks('hard.marks') x ORDER BY 1 OFFSET 2 LIMIT 1;"
            " EXECUTE format('CREATE INDEX taken ON %s (v)', c); END $$"
        )
    async with step_context(tmp_path, native_ends.source, native_ends.target) as run:
        await run_all(run, until="post-data", schemas=SCHEMAS)
        async with connected(native_ends.target) as target:
            await target.execute("CREATE TABLE hard_chunks.taken ()")
        await run_all(run, schemas=SCHEMAS)
        refused = run.finding("chunk-objects-refused")
        assert refused.level is Level.LOOK
        (detail,) = refused.details
        assert detail.startswith("CREATE INDEX taken ON hard_chunks.")
        assert 'relation "taken" already exists' in detail
        lacking = await _objects(run)
        assert [c.sql("x") for c in lacking.missing if c.chunk in lacking.names] == [
            "CREATE INDEX taken ON x USING btree (v)"
        ]


async def test_what_depends_on_a_chunk_is_not_bound_to_another_one(
    native_ends: Ends, tmp_path: Path
) -> None:
    chunk = "(SELECT x FROM public.show_chunks('hard.marks') x ORDER BY 1 OFFSET 1 LIMIT 1)"
    users = {
        "function hard.counted()": "CREATE FUNCTION hard.counted() RETURNS bigint LANGUAGE sql "
        "AS 'SELECT count(*) FROM %s'",
        "view hard.one_chunk": "CREATE VIEW hard.one_chunk AS SELECT * FROM %s",
        "view hard.above": "CREATE VIEW hard.above AS SELECT lane FROM hard.one_chunk",
    }
    async with connected(native_ends.source) as source:
        for statement in users.values():
            text = sql.Literal(statement).as_string(None)
            await source.execute(f"DO $$ BEGIN EXECUTE format({text}, {chunk}); END $$".encode())
        inventory = await read_inventory(native_ends.source)
        uses = inventory.hazards.chunk_uses
        assert [use.label for use in uses] == list(users)[:2]
        assert [use.bound for use in uses] == [False, True]
        assert {use.of for use in uses} == {"hard.marks"}
    async with step_context(tmp_path, native_ends.source, native_ends.target) as run:
        await run_all(run, schemas=SCHEMAS)
        named = run.finding("chunk-users-not-migrated")
        assert named.level is Level.LOOK
        assert named.details == ("VIEW hard.one_chunk", "VIEW hard.above")
        assert not [
            j for j in run.ctx.judged if "one_chunk" in j.message or "one_chunk" in j.object
        ]
        async with connected(run.task.target) as target:
            views = "SELECT viewname FROM pg_views WHERE schemaname = 'hard'"
            assert not {"one_chunk", "above"} & {name for (name,) in await rows(target, views)}
