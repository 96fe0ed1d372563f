"""What was set on the materialization of a continuous aggregate itself, behind its view.

TimescaleDB 2.28.3 takes storage parameters, statistics, grants, a replica identity, policies,
triggers, comments and more dimensions there. Nothing else of a migration reads them.
"""

from tswizard.core.catalog.catalog_shape import CAGG, HYPERTABLE
from tswizard.core.db.concurrency import both
from tswizard.core.db.connection import Connection, connected, rows
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.object_selection import chosen_caggs
from tswizard.core.model.plan import Task
from tswizard.core.model.wording import plural

# In each statement the materialization's own name is left out: it differs by database.
_NAME = "\x01"
_SETTINGS = f"""
WITH m AS (
  SELECT g.user_view_schema || '.' || g.user_view_name AS label, h.id, c.oid,
         c.oid::pg_catalog.regclass::text AS name, c.reloptions, c.relacl, c.relowner,
         c.relreplident, v.relacl AS of_view
  FROM {CAGG} g
  JOIN {HYPERTABLE} h ON h.id = g.mat_hypertable_id
  JOIN pg_catalog.pg_namespace n ON n.nspname = h.schema_name
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = h.table_name
  JOIN pg_catalog.pg_namespace vn ON vn.nspname = g.user_view_schema
  JOIN pg_catalog.pg_class v ON v.relnamespace = vn.oid AND v.relname = g.user_view_name
)
SELECT label, name, 'ALTER TABLE ' || name || ' SET (' || o || ');'
FROM m CROSS JOIN pg_catalog.unnest(reloptions) o
UNION ALL
SELECT label, name, pg_catalog.pg_get_statisticsobjdef(s.oid) || ';'
FROM m JOIN pg_catalog.pg_statistic_ext s ON s.stxrelid = m.oid
UNION ALL
SELECT label, name, 'GRANT ' || a.privilege_type || ' ON ' || name || ' TO ' || CASE a.grantee
  WHEN 0 THEN 'PUBLIC' ELSE a.grantee::pg_catalog.regrole::text END || ';'
FROM m CROSS JOIN pg_catalog.aclexplode(relacl) a
WHERE a.grantee <> relowner AND NOT EXISTS (
  SELECT FROM pg_catalog.aclexplode(of_view) v
  WHERE (v.grantee, v.privilege_type) = (a.grantee, a.privilege_type))
UNION ALL
SELECT label, name, 'ALTER TABLE ' || name || ' REPLICA IDENTITY '
  || CASE relreplident WHEN 'f' THEN 'FULL' WHEN 'n' THEN 'NOTHING' ELSE 'USING INDEX …' END || ';'
FROM m WHERE relreplident <> 'd'
UNION ALL
SELECT label, name, 'CREATE POLICY ' || pg_catalog.quote_ident(p.polname) || ' ON ' || name || ' …;'
FROM m JOIN pg_catalog.pg_policy p ON p.polrelid = m.oid
UNION ALL
SELECT label, name, 'COMMENT ON TABLE ' || name || ' IS '
  || pg_catalog.quote_literal(pg_catalog.obj_description(m.oid, 'pg_class')) || ';'
FROM m WHERE pg_catalog.obj_description(m.oid, 'pg_class') IS NOT NULL
UNION ALL
SELECT label, name, pg_catalog.pg_get_triggerdef(t.oid) || ';'
FROM m JOIN pg_catalog.pg_trigger t ON t.tgrelid = m.oid
WHERE NOT t.tgisinternal AND t.tgname NOT LIKE 'ts\\_%'
UNION ALL
SELECT label, name, 'SELECT add_dimension(' || pg_catalog.quote_literal(name) || ', '
  || pg_catalog.quote_literal(d.column_name) || ', number_partitions => ' || d.num_slices || ');'
FROM m JOIN _timescaledb_catalog.dimension d ON d.hypertable_id = m.id
WHERE d.num_slices IS NOT NULL
ORDER BY 1, 3
"""

_NAMES = f"""
SELECT g.user_view_schema || '.' || g.user_view_name,
       pg_catalog.format('%I.%I', h.schema_name, h.table_name)
FROM {CAGG} g JOIN {HYPERTABLE} h ON h.id = g.mat_hypertable_id
"""


async def lost_settings(task: Task) -> tuple[Finding, ...]:
    """One finding with the statements for all that the target lacks. Raises CannotConnect,
    psycopg.Error."""
    chosen = {cagg.label for cagg in chosen_caggs(task.inventory, task.answers)}
    async with connected(task.source) as source, connected(task.target) as target:
        wanted, there = await both(_settings(source), _settings(target))
        names = dict(await rows(target, _NAMES))
    missing = [
        f"{label}: {text.replace(_NAME, names[label])}"
        for label, text in sorted(wanted - there)
        if label in chosen and label in names
    ]
    if not missing:
        return ()
    return (
        Finding(
            Level.LOOK,
            "cagg-settings-not-migrated",
            f"{plural(len(missing), 'setting')} of continuous aggregates' own tables not migrated.",
            where=task.target.label,
            why="They were set on the table that TimescaleDB keeps for a continuous aggregate, not "
            "on the continuous aggregate.",
            todo="Run on the target those that you need; a dimension can only be added while the "
            "table is empty.",
            details=tuple(missing),
        ),
    )


async def _settings(end: Connection) -> set[tuple[str, str]]:
    found = await rows(end, _SETTINGS)
    return {(label, text.replace(name, _NAME)) for label, name, text in found}
