"""Constraints, triggers and the like dropped from tables whose rows are copied again.

Triggers and rules would fire, row-level security would hide rows, foreign keys would dictate the
order in which rows are copied, and an owner that had revoked its own privileges could not write
them. All of it is in the dump and is restored by the steps that created it, which are repeated.
Foreign keys of a compressed hypertable stay: they could not be added again to a hypertable with
compressed chunks.
"""

from collections.abc import Iterable

from tswizard.core.catalog.tables import extension_schema, not_member
from tswizard.core.db.connection import rows
from tswizard.core.run.context import Context
from tswizard.core.split.plan.piece import SourceTable
from tswizard.core.split.schema.execute import run_statements
from tswizard.core.split.schema.hypertable_facts import read_hypertable_facts
from tswizard.core.split.schema.late_checks import drop_late_checks
from tswizard.core.split.schema.target_session import schema_session

# Foreign keys and triggers of a partition belong to its parent.
_OBJECTS = f"""
WITH wanted AS (
  SELECT c.oid FROM unnest(%(schemas)s::text[], %(names)s::text[]) AS w (schema, name)
  JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
), tables AS (
  SELECT oid FROM wanted
  UNION SELECT a.relid FROM wanted, pg_catalog.pg_partition_ancestors(wanted.oid) a
), relations AS (
  SELECT c.oid, c.relrowsecurity, n.nspname, c.relname, {extension_schema()} AS internal,
    pg_catalog.format('%%I.%%I', n.nspname, c.relname) AS name
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
)
SELECT pg_catalog.format('ALTER TABLE %%s DROP CONSTRAINT %%I', r.name, k.conname)
FROM pg_catalog.pg_constraint k JOIN relations r ON r.oid = k.conrelid
WHERE k.contype = 'f' AND k.conparentid = 0 AND NOT r.internal
  AND (k.conrelid IN (SELECT oid FROM tables) OR k.confrelid IN (SELECT oid FROM tables))
  AND (r.nspname, r.relname) NOT IN (
    SELECT * FROM unnest(%(excepted_schemas)s::text[], %(excepted)s::text[]))
UNION ALL
SELECT pg_catalog.format('DROP TRIGGER %%I ON %%s', t.tgname, r.name)
FROM pg_catalog.pg_trigger t JOIN relations r ON r.oid = t.tgrelid
JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND t.tgrelid IN (SELECT oid FROM tables)
  AND {not_member("pg_proc", "p.oid")}
UNION ALL
SELECT pg_catalog.format('DROP RULE %%I ON %%s', u.rulename, r.name)
FROM pg_catalog.pg_rewrite u JOIN relations r ON r.oid = u.ev_class
WHERE u.rulename <> '_RETURN' AND u.ev_class IN (SELECT oid FROM tables)
UNION ALL
SELECT pg_catalog.format('ALTER TABLE %%s DISABLE ROW LEVEL SECURITY', r.name)
FROM relations r WHERE r.relrowsecurity AND r.oid IN (SELECT oid FROM tables)
UNION ALL
SELECT pg_catalog.format('GRANT ALL ON TABLE %%s TO CURRENT_USER', r.name)
FROM relations r WHERE r.oid IN (SELECT oid FROM tables) AND EXISTS (
  SELECT FROM (VALUES ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE')) p (name)
  WHERE NOT pg_catalog.has_table_privilege(r.oid, p.name))
ORDER BY 1
"""

# They would fire at these drops.
_EVENT_TRIGGERS = """
SELECT pg_catalog.format('DROP EVENT TRIGGER %I', e.evtname)
FROM pg_catalog.pg_event_trigger e
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.deptype = 'e'
  AND d.classid = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass AND d.objid = e.oid)
ORDER BY 1
"""


async def drop_for_recopy(ctx: Context, tables: Iterable[SourceTable]) -> None:
    """Drop foreign keys, triggers and rules of these tables, disable their row-level security and
    grant what their owner lacks, in one transaction. Raises StepFailed, CannotConnect,
    psycopg.Error."""
    some = {(table.schema, table.name) for table in tables if table.cagg is None}
    if not some:
        return
    if some & {tried.key for tried in ctx.task.inventory.hazards.late_checks}:
        await drop_late_checks(ctx)
    async with schema_session(ctx) as target:
        compressed = [table for table in await read_hypertable_facts(target) if table.compression]
        names = {
            "schemas": [schema for schema, _ in some],
            "names": [name for _, name in some],
            "excepted_schemas": [table.schema for table in compressed],
            "excepted": [table.name for table in compressed],
        }
        if drops := await rows(target, _OBJECTS, names):
            ctx.say("dropping what would interfere with copying rows; later steps restore it")
            first = await rows(target, _EVENT_TRIGGERS)
            await run_statements(ctx, target, *(statement for (statement,) in (*first, *drops)))
