"""Taking off a target's tables what comes after the rows, before their rows are copied again.

Triggers and rules would fire, row security would hide rows, and foreign keys would forbid the
order in which rows come. All of it is in the dump and comes back with the steps that made it,
which are repeated. Keys of a compressed hypertable stay: they could not be made again
(timescale/timescaledb: foreign keys cannot be added to a hypertable with compressed chunks).
"""

from collections.abc import Iterable

from tswizard.core.connection import Connection, rows
from tswizard.core.context import Context
from tswizard.core.split.piece import Table
from tswizard.core.split.schema.facts import read_hypertables
from tswizard.core.split.schema.session import schema_session
from tswizard.core.split.schema.text import run

# A partition's keys and triggers are its parent's.
_TABLES = """
WITH wanted AS (
  SELECT c.oid FROM unnest(%(schemas)s::text[], %(names)s::text[]) AS w (schema, name)
  JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
), tables AS (
  SELECT oid FROM wanted
  UNION SELECT a.relid FROM wanted, pg_catalog.pg_partition_ancestors(wanted.oid) a
)
"""

_KEYS = f"""{_TABLES}
SELECT pg_catalog.format('ALTER TABLE %%I.%%I DROP CONSTRAINT %%I', n.nspname, c.relname, k.conname)
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0 AND n.nspname !~ '^_timescaledb_'
  AND (k.conrelid IN (SELECT oid FROM tables) OR k.confrelid IN (SELECT oid FROM tables))
  AND (n.nspname, c.relname) NOT IN (
    SELECT * FROM unnest(%(kept_schemas)s::text[], %(kept)s::text[]))
ORDER BY 1
"""

_TRIGGERS = f"""{_TABLES}
SELECT pg_catalog.format('DROP TRIGGER %%I ON %%I.%%I', t.tgname, n.nspname, c.relname)
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
JOIN pg_catalog.pg_namespace of ON of.oid = p.pronamespace
WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND of.nspname !~ '^_timescaledb_'
  AND t.tgrelid IN (SELECT oid FROM tables)
ORDER BY 1
"""

_RULES = f"""{_TABLES}
SELECT pg_catalog.format('DROP RULE %%I ON %%I.%%I', r.rulename, n.nspname, c.relname)
FROM pg_catalog.pg_rewrite r
JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE r.rulename <> '_RETURN' AND r.ev_class IN (SELECT oid FROM tables)
ORDER BY 1
"""

_SECURITY = f"""{_TABLES}
SELECT pg_catalog.format('ALTER TABLE %%I.%%I DISABLE ROW LEVEL SECURITY', n.nspname, c.relname)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relrowsecurity AND c.oid IN (SELECT oid FROM tables)
ORDER BY 1
"""

# They would fire at what is taken off here.
_EVENT_TRIGGERS = """
SELECT pg_catalog.format('DROP EVENT TRIGGER %I', e.evtname)
FROM pg_catalog.pg_event_trigger e
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.deptype = 'e'
  AND d.classid = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass AND d.objid = e.oid)
ORDER BY 1
"""


async def take_off(ctx: Context, tables: Iterable[Table]) -> None:
    """Take it off these tables, in one transaction. Raises StepFailed, psycopg.Error."""
    some = {(table.schema, table.name) for table in tables}
    if not some:
        return
    async with schema_session(ctx) as target:
        statements = await _statements(target, some)
        if statements:
            ctx.say("what would stand in the way of rows is taken off, and made again later")
            await run(ctx, target, *await _texts(target, _EVENT_TRIGGERS), *statements)


async def _statements(target: Connection, tables: set[tuple[str, str]]) -> list[str]:
    kept = [table for table in await read_hypertables(target) if table.compression]
    names = {
        "schemas": [schema for schema, _ in tables],
        "names": [name for _, name in tables],
        "kept_schemas": [table.schema for table in kept],
        "kept": [table.name for table in kept],
    }
    found: list[str] = []
    for query in (_KEYS, _TRIGGERS, _RULES, _SECURITY):
        found += await _texts(target, query, names)
    return found


async def _texts(
    target: Connection, query: str, names: dict[str, list[str]] | None = None
) -> list[str]:
    return [text for (text,) in await rows(target, query, names)]
