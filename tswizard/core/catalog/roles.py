"""Roles: those of the server, and those that this database refers to."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from tswizard.core.db.connection import Connection, batch
from tswizard.core.db.identifiers import identifier

ALL = """
SELECT rolname::text, rolcanlogin FROM pg_catalog.pg_roles WHERE rolname !~ '^pg_' ORDER BY 1
"""

# pg_shdepend has every owner (o), grantee (a) and policy role (r), whatever the kind of object.
# Owners of members of an extension are left out: they are not in a dump.
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


@dataclass(frozen=True, slots=True)
class Roles:
    """Names of roles, without predefined ones."""

    needed: tuple[str, ...]
    """They own or are granted something here."""
    every: tuple[str, ...]
    without_login: tuple[str, ...]


async def read_roles(connection: Connection) -> Roles:
    """Those of the server.

    The bootstrap superuser is pinned, so it is not in pg_shdepend; every server has one.
    """
    needed, every = await batch(connection, (NEEDED, ALL))
    return Roles(
        tuple(name for (name,) in needed),
        tuple(name for name, _ in every),
        tuple(name for name, can_login in every if not can_login),
    )


def role_statements(names: Iterable[str], job_owners: Collection[str] = ()) -> tuple[str, ...]:
    """Statements that create roles of these names without login: whether a role may log in, and
    its password, are the user's to set. Owners of jobs have to: a job's worker logs in as its owner
    (`ts_bgw_job_validate_job_owner`)."""
    return tuple(
        f"CREATE ROLE {identifier(name)} {'LOGIN' if name in job_owners else 'NOLOGIN'};"
        for name in names
    )
