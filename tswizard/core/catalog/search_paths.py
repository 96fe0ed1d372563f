"""Which search_path a user's expressions were written for.

A function that calls others without their schema works in the application's sessions and nowhere
else: pg_dump, pg_restore and this program have nothing but pg_catalog in their search_path
(timescale/timescaledb#7168). Where an expression needs one, these are tried in turn.
"""

from collections.abc import Iterable

from tswizard.core.catalog.tables import NOT_USERS
from tswizard.core.db.connection import Connection, rows, value
from tswizard.core.db.identifiers import identifier

BARE = "pg_catalog"
"""The search_path of our own sessions."""

# The most specific one wins: https://www.postgresql.org/docs/current/sql-alterrole.html
_SET = """
SELECT COALESCE(r.rolname::text, ''), s.setdatabase <> 0,
  pg_catalog.substr(c, pg_catalog.strpos(c, '=') + 1)
FROM pg_catalog.pg_db_role_setting s
LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
CROSS JOIN pg_catalog.unnest(s.setconfig) c
WHERE s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database
                            WHERE datname = pg_catalog.current_database()))
  AND c ILIKE 'search\\_path=%'
"""

_USERS_SCHEMAS = f"""
SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_namespace n
WHERE {NOT_USERS} AND n.nspname <> 'public'
  AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
ORDER BY n.oid LIMIT 50
"""


class SearchPaths:
    """Those that a database's roles have, and others worth trying."""

    def __init__(self, settings: dict[tuple[str, bool], str], all_schemas: str) -> None:
        self._settings = settings
        self._all = all_schemas

    @classmethod
    async def read(cls, connection: Connection) -> "SearchPaths":
        """Read them from the source."""
        settings = {(role, here): path for role, here, path in await rows(connection, _SET)}
        schemas = [name for (name,) in await rows(connection, _USERS_SCHEMAS)]
        return cls(settings, ", ".join((*schemas, "public")))

    def candidates(self, owner: str, schemas: Iterable[str] = ()) -> tuple[str, ...]:
        """What to try for an object of this owner, the likeliest first: what its owner has set,
        what the database has, the schemas that it is about, all schemas of the user. `schemas` are
        quoted."""
        named = ", ".join(dict.fromkeys((*schemas, "public")))
        found = [
            self._settings.get((owner, True)),
            self._settings.get((owner, False)),
            self._settings.get(("", True)),
            self._settings.get(("", False)),
            named,
            self._all,
        ]
        quoted = identifier(owner)
        return tuple(dict.fromkeys(path.replace('"$user"', quoted) for path in found if path))


async def set_path(connection: Connection, path: str) -> None:
    """Set it until the end of the transaction. Raises psycopg.Error."""
    await value(connection, "SELECT pg_catalog.set_config('search_path', %s, true)", (path,))
