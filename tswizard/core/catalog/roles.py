"""Roles: those of the server, and those that this database needs."""

from collections.abc import Iterable

from tswizard.core.db.connection import Connection, rows
from tswizard.core.db.identifiers import identifier

ALL = "SELECT rolname::text FROM pg_catalog.pg_roles WHERE rolname !~ '^pg_' ORDER BY 1"

# pg_shdepend knows every owner (o), grantee (a) and policy role (r), whatever the kind of object.
# Owners of an extension's members are left out: a dump does not name them.
NEEDED = """
SELECT DISTINCT r.rolname::text
FROM pg_catalog.pg_shdepend d
JOIN pg_catalog.pg_roles r ON r.oid = d.refobjid
LEFT JOIN pg_catalog.pg_depend x
  ON x.classid = d.classid AND x.objid = d.objid AND x.deptype = 'e'
WHERE d.refclassid = 'pg_catalog.pg_authid'::regclass
  AND d.dbid = (SELECT oid FROM pg_catalog.pg_database
                WHERE datname = pg_catalog.current_database())
  AND d.deptype IN ('o', 'a', 'r')
  AND NOT (d.deptype = 'o' AND (x.objid IS NOT NULL
    OR d.classid = 'pg_catalog.pg_extension'::regclass))
  AND r.rolname !~ '^pg_'
ORDER BY 1
"""


async def read_roles(connection: Connection) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(those that own or are granted something here, all of the server), built-in ones left out.

    The bootstrap superuser is pinned, so that pg_shdepend does not name it; every server has one.
    """
    needed = tuple(name for (name,) in await rows(connection, NEEDED))
    return needed, tuple(name for (name,) in await rows(connection, ALL))


def role_statements(names: Iterable[str]) -> tuple[str, ...]:
    """Statements that create roles of these names without login: whether a role may log in, and
    its password, are the user's to set."""
    return tuple(f"CREATE ROLE {identifier(name)} NOLOGIN;" for name in names)
