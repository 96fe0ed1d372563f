"""The schema on the target in which this program keeps what a run has to remember.

No inventory has it among what is the user's (`tables.NOT_USERS`). So whoever writes to it, or drops
it, has to know first that it is ours: a user may have a schema of that name.
"""

from dataclasses import dataclass

from tswizard.core.db.connection import Connection, rows

OWN_SCHEMA = "_tswizard"

OURS = """(
NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
  WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.refobjid = n.oid)
OR EXISTS (SELECT FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = 'run'
  WHERE c.relnamespace = n.oid AND c.relname IN ('ledger', 'record', 'run', 'schema_restore')))"""
"""SQL: the schema `n` is empty, or has one of the tables that are created first."""

_READ = f"""
SELECT pg_catalog.has_schema_privilege(n.oid, 'USAGE'), {OURS},
  ARRAY(SELECT c.relname::text FROM pg_catalog.pg_class c
    WHERE c.relnamespace = n.oid AND c.relkind = 'r')
FROM pg_catalog.pg_namespace n WHERE n.nspname = '{OWN_SCHEMA}'
"""


@dataclass(frozen=True, slots=True)
class OwnSchema:
    """What there is of it on a database."""

    tables: frozenset[str] = frozenset()
    """Names of the tables; none where it is somebody else's."""
    taken: str = ""
    """Why it is not ours, to follow `a schema that`; empty where it is, or is not there."""


async def read_own_schema(connection: Connection) -> OwnSchema:
    """Is there one, and is it ours? Raises psycopg.Error."""
    found = await rows(connection, _READ)
    if not found:
        return OwnSchema()
    ((usable, ours, tables),) = found
    if not usable:
        return OwnSchema(taken="belongs to another role")
    if not ours:
        return OwnSchema(taken="holds objects that are not tswizard's")
    return OwnSchema(frozenset(tables))
