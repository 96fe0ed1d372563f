"""Roles: those of the server, and those that this database refers to."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from tswizard.core.catalog.role_model import RoleFacts
from tswizard.core.db.connection import Connection, batch, rows
from tswizard.core.db.identifiers import identifier

ALL = "SELECT rolname::text FROM pg_catalog.pg_roles WHERE rolname !~ '^pg_' ORDER BY 1"

# pg_shdepend has every owner (o), grantee (a) and policy role (r), whatever the kind of object.
# Owners of members of an extension are left out: they are not in a dump.
NEEDED = """
SELECT r.rolname::text, pg_catalog.bool_or(d.deptype = 'o')
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
GROUP BY 1
ORDER BY 1
"""


FACTS = """
SELECT r.rolname::text, r.rolcanlogin, r.rolinherit, r.rolreplication, r.rolbypassrls, r.rolsuper,
  r.rolconnlimit,
  ARRAY(SELECT DISTINCT g.rolname::text FROM pg_catalog.pg_auth_members m
        JOIN pg_catalog.pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid ORDER BY 1),
  ARRAY(SELECT DISTINCT g.rolname::text FROM pg_catalog.pg_auth_members m
        JOIN pg_catalog.pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid AND m.admin_option
        ORDER BY 1),
  ARRAY(SELECT CASE WHEN pg_catalog.split_part(s, '=', 1) LIKE '%.%'
                    THEN pg_catalog.split_part(s, '=', 1) || '=' ELSE s END
        FROM pg_catalog.unnest(r.rolconfig) AS s ORDER BY 1)
FROM pg_catalog.pg_roles r WHERE r.rolname !~ '^pg_' ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Roles:
    """Roles of a server, without predefined ones."""

    needed: tuple[str, ...]
    """Names of those that own or are granted something here. The bootstrap superuser is pinned, so
    it is not in pg_shdepend; every server has one."""
    owners: tuple[str, ...]
    """Those of them that own something."""
    all: tuple[str, ...]
    facts: tuple[RoleFacts, ...]
    """What all of them are."""


async def read_roles(connection: Connection) -> Roles:
    """Those that a database refers to, and those of its server."""
    needed, every, facts = await batch(connection, (NEEDED, ALL, FACTS))
    return Roles(
        needed=tuple(name for name, _ in needed),
        owners=tuple(name for name, owns in needed if owns),
        all=tuple(name for (name,) in every),
        facts=tuple(
            RoleFacts(
                name=row[0],
                login=row[1],
                inherit=row[2],
                replication=row[3],
                bypass_rls=row[4],
                superuser=row[5],
                connection_limit=row[6],
                member_of=tuple(row[7]),
                admin_of=tuple(row[8]),
                settings=tuple(row[9]),
            )
            for row in facts
        ),
    )


def lacking(needed: Iterable[str], there: Iterable[str]) -> tuple[str, ...]:
    """Those of the needed roles that are not there, in order."""
    return tuple(sorted(set(needed) - set(there)))


async def missing_roles(connection: Connection, needed: Iterable[str]) -> tuple[str, ...]:
    """Those of the needed roles that the server lacks now."""
    found = await rows(connection, "SELECT rolname::text FROM pg_catalog.pg_roles")
    return lacking(needed, (name for (name,) in found))


def role_statements(names: Iterable[str], job_owners: Collection[str] = ()) -> tuple[str, ...]:
    """Statements that create roles of these names without login: whether a role may log in, and
    its password, are the user's to set. Owners of jobs have to: a job's worker logs in as its owner
    (`ts_bgw_job_validate_job_owner`)."""
    return tuple(
        f"CREATE ROLE {identifier(name)} {'LOGIN' if name in job_owners else 'NOLOGIN'};"
        for name in names
    )
