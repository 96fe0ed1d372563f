"""Default privileges that an interrupted restore has set: they would grant on all that the next one
creates."""

from contextlib import suppress

from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from tswizard.core.db.connection import connected, rows
from tswizard.core.db.endpoint import Endpoint

# Of a role, in a schema or in all of them, on a kind of object; grantee NULL is PUBLIC.
_SET = """
SELECT r.rolname::text, n.nspname::text, d.defaclobjtype::text,
       ARRAY(SELECT DISTINCT CASE WHEN a.grantee <> 0
                             THEN pg_catalog.pg_get_userbyid(a.grantee)::text END
             FROM pg_catalog.aclexplode(d.defaclacl) a)
FROM pg_catalog.pg_default_acl d
JOIN pg_catalog.pg_roles r ON r.oid = d.defaclrole
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
"""

# pg_default_acl.defaclobjtype; with it what PUBLIC has by itself (PostgreSQL's acldefault()).
_KINDS = {
    "r": ("TABLES", None),
    "S": ("SEQUENCES", None),
    "f": ("ROUTINES", "EXECUTE"),
    "T": ("TYPES", "USAGE"),
    "n": ("SCHEMAS", None),
    "L": ("LARGE OBJECTS", None),
}


async def reset_default_privileges(source: Endpoint, target: Endpoint) -> None:
    """Bring those that the source has too back to PostgreSQL's own; others are not a restore's.

    Raises CannotConnect, psycopg.Error.
    """
    async with connected(source) as ours:
        known = {(role, schema, kind) for role, schema, kind, _ in await rows(ours, _SET)}
    async with connected(target) as theirs:
        for role, schema, kind, grantees in await rows(theirs, _SET):
            if (role, schema, kind) not in known or kind not in _KINDS:
                continue
            with suppress(InsufficientPrivilege):  # then the restore could not set it either
                async with theirs.transaction():
                    for statement in _resetting(role, schema, kind, grantees):
                        await theirs.execute(statement)


def _resetting(
    role: str, schema: str | None, kind: str, grantees: list[str | None]
) -> list[sql.Composed]:
    objects, of_public = _KINDS[kind]
    where = sql.SQL(" IN SCHEMA {}").format(sql.Identifier(schema)) if schema else sql.SQL("")
    alter = sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {}{} ").format(sql.Identifier(role), where)
    found = [
        alter + sql.SQL(f"REVOKE ALL ON {objects} FROM ") + _grantee(grantee)
        for grantee in grantees
    ]
    if schema is None:
        found.append(alter + sql.SQL(f"GRANT ALL ON {objects} TO ") + _grantee(role))
        if of_public:
            found.append(alter + sql.SQL(f"GRANT {of_public} ON {objects} TO PUBLIC"))
    return found


def _grantee(name: str | None) -> sql.Composable:
    return sql.SQL("PUBLIC") if name is None else sql.Identifier(name)
