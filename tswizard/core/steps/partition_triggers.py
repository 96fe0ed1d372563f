"""Triggers of partitions that fire otherwise than their partitioned table's.

pg_dump writes only their state (`ALTER TABLE … DISABLE TRIGGER`, `dumpTrigger` in pg_dump.c). For a
partition of a partition it does so before the trigger of the partitioned table, which creates
theirs (measured with 15.18). So these entries are restored after all others.
"""

from tswizard.core.catalog.inventory import TableKind
from tswizard.core.db.connection import connected, rows
from tswizard.core.model.plan import Task
from tswizard.core.model.runbook import HandStep, shell_code

# https://www.postgresql.org/docs/current/catalog-pg-trigger.html: tgparentid is there since 13
_SINCE = 13
_DIFFERING = """FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_trigger p ON p.oid = t.tgparentid AND p.tgenabled <> t.tgenabled"""

PARTITION_TRIGGERS = f"SELECT t.oid::bigint {_DIFFERING}"
"""OIDs of these triggers."""

_OF_TABLES = f"""{_DIFFERING}
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"""

PARTITION_TRIGGERS_IN_TOC = f"""\
SELECT pg_catalog.format('TRIGGER %s %s %s ', n.nspname, c.relname, t.tgname)
{_OF_TABLES}"""
"""As the table of contents of a dump has them."""

_SETTING = f"""\
SELECT pg_catalog.format('ALTER TABLE %I.%I %s TRIGGER %I;', n.nspname, c.relname,
  CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS'
    WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE' END, t.tgname)
{_OF_TABLES};"""


def has_partition_triggers(task: Task) -> bool:
    """May the source have some?"""
    partitions = any(table.kind is TableKind.PARTITION for table in task.inventory.tables)
    return partitions and task.inventory.server.major >= _SINCE


def partition_triggers_by_hand() -> HandStep:
    """What a person does instead."""
    return HandStep(
        id="partition-triggers",
        title="Set how triggers of partitions fire",
        why="pg_dump writes it before those triggers exist. Where all fire as their partitioned "
        "table's do, nothing happens.",
        code=(shell_code(f"on_source -At << 'SQL' | on_target\n{_SETTING}\nSQL"),),
    )


async def partition_triggers(task: Task) -> frozenset[int]:
    """OIDs of these triggers of the source. Raises CannotConnect, psycopg.Error."""
    if not has_partition_triggers(task):
        return frozenset()
    async with connected(task.source) as source:
        return frozenset(oid for (oid,) in await rows(source, PARTITION_TRIGGERS))
