"""The checks behind the verdicts, run on source and target."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, LiteralString, TypeVar

from psycopg import Error, ProgrammingError, errors
from psycopg.rows import tuple_row

from tswizard.core.classify.command import subject
from tswizard.core.classify.origin import find_origin
from tswizard.core.classify.prove import Origin
from tswizard.core.db.connection import Connection
from tswizard.core.db.errors import CannotConnect

_Result = TypeVar("_Result")
Connect = Callable[[], Awaitable[Connection]]
"""Opens a connection for the prover: in autocommit, with only pg_catalog in its search_path (as
`core.db.connection.connect` does), so that definitions are printed as in a dump."""

# A query of ours that the server cannot even execute: no state of a database explains that.
_FAULTS_OF_OURS = (
    errors.SyntaxError,
    errors.UndefinedColumn,
    errors.UndefinedFunction,
    errors.UndefinedTable,
    errors.AmbiguousColumn,
    errors.DatatypeMismatch,
    errors.GroupingError,
)

# A restore holds strong locks; a check that runs into one is given up rather than waits.
_LIMITS = "SET lock_timeout = '3s'; SET statement_timeout = '20s'"

_EXTENSION = "SELECT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = %(extension)s)"

_SCHEMA = "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = %(schema)s)"

# pg_dump names the tables of a circle without schemas.
_CATALOG_TABLES = """
SELECT NOT EXISTS (
  SELECT FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_constraint k ON k.contype = 'f' AND c.oid IN (k.conrelid, k.confrelid)
  WHERE c.relname = ANY (%(names)s) AND n.nspname <> '_timescaledb_catalog')
"""

_NOT_THE_USERS = """
WITH things (class, oid, space) AS (
  SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, oid, relnamespace
    FROM pg_catalog.pg_class WHERE relname = %(thing)s
  UNION ALL SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, oid, pronamespace
    FROM pg_catalog.pg_proc WHERE proname = %(thing)s
  UNION ALL SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, oid, typnamespace
    FROM pg_catalog.pg_type WHERE typname = %(thing)s AND typrelid = 0
  UNION ALL SELECT 'pg_catalog.pg_namespace'::pg_catalog.regclass, oid, oid
    FROM pg_catalog.pg_namespace WHERE nspname = %(thing)s
  UNION ALL SELECT 'pg_catalog.pg_foreign_server'::pg_catalog.regclass, oid, NULL
    FROM pg_catalog.pg_foreign_server WHERE srvname = %(thing)s)
SELECT pg_catalog.bool_and(
  n.nspname IN ('pg_catalog', 'information_schema')
  OR EXISTS (SELECT FROM pg_catalog.pg_depend d
             WHERE d.classid = t.class AND d.objid = t.oid AND d.deptype = 'e'))
FROM things t LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.space
"""

_MAT_HYPERTABLE = """
SELECT EXISTS (
  SELECT FROM _timescaledb_catalog.continuous_agg
  WHERE mat_hypertable_id = %(id)s::integer AND user_view_name = %(bare)s
    AND (%(in_schema)s = '' OR user_view_schema = %(in_schema)s))
"""

_WAITS_FOR_CAGG = """
WITH RECURSIVE reads (oid) AS (
  SELECT c.oid FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('v', 'm') AND n.nspname || '.' || c.relname = %(relation)s
  UNION
  SELECT d.refobjid FROM reads r
    JOIN pg_catalog.pg_rewrite w ON w.ev_class = r.oid
    JOIN pg_catalog.pg_depend d ON d.objid = w.oid
      AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass)
SELECT EXISTS (
  SELECT FROM reads r
  JOIN pg_catalog.pg_class c ON c.oid = r.oid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN _timescaledb_catalog.continuous_agg a
    ON a.user_view_schema = n.nspname AND a.user_view_name = c.relname)
"""

_INDEX = """
SELECT pg_catalog.pg_get_indexdef(i.indexrelid), i.indisvalid AND i.indisready
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
WHERE c.relname = %(index)s AND i.indrelid = pg_catalog.to_regclass(%(table)s)
"""

_TRIGGER = """
SELECT EXISTS (
  SELECT FROM pg_catalog.pg_trigger t
  JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  WHERE t.tgname = %(trigger)s AND t.tgrelid = pg_catalog.to_regclass(%(table)s)
    AND n.nspname LIKE '\\_timescaledb\\_%%')
"""

# Before 2.12 these functions were in another schema: there, the trigger is missing.
_FUNCTION_GONE = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'timescaledb')
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname LIKE '\\_timescaledb\\_%%'
      AND p.proname = pg_catalog.split_part(%(function)s, '.', 2))
"""


class TargetProver:
    """Runs the checks; opens connections of its own when the first check needs them.

    A check that fails for whatever reason (no connection, a lock, an old server) returns None:
    not proven. `say` gets a line for the log when the reason is a bug in a query of ours.
    """

    def __init__(self, target: Connect | None, source: Connect | None = None) -> None:
        self.say: Callable[[str], None] = lambda _text: None
        self._open: dict[str, Connection] = {}
        self._connect = {"target": target, "source": source}
        self._checks: dict[str, Callable[[Mapping[str, str]], Awaitable[bool | None]]] = {
            "extension-exists": lambda args: self._ask("target", _EXTENSION, args),
            "schema-exists": lambda args: self._ask("target", _SCHEMA, args),
            "catalog-tables-only": self._catalog_tables,
            "not-the-users": lambda args: self._ask("target", _NOT_THE_USERS, args),
            "mat-hypertable": lambda args: self._ask("source", _MAT_HYPERTABLE, args),
            "waits-for-cagg": self._waits_for_cagg,
            "index-equal": self._index,
            "trigger-exists": self._trigger,
            "trigger-function-gone": lambda args: self._ask("target", _FUNCTION_GONE, args),
        }

    @property
    def proofs(self) -> frozenset[str]:
        """Names of the proofs that it can check."""
        return frozenset(self._checks)

    async def holds(self, proof: str, args: Mapping[str, str]) -> bool | None:
        """Whether the claim of a proof holds; None when that is unknown."""
        check = self._checks.get(proof)
        return None if check is None else await check(args)

    async def origin(self, schema: str, relation: str) -> Origin | None:
        """The hypertable or continuous aggregate that a chunk's table belongs to on the source."""
        return await self._guarded("source", lambda c: find_origin(c, schema, relation))

    async def close(self) -> None:
        """Close the connections; a later check reopens them."""
        for connection in self._open.values():
            await connection.close()
        self._open.clear()

    async def _catalog_tables(self, args: Mapping[str, str]) -> bool | None:
        names = [name.strip() for name in args["tables"].split("\n")]
        return await self._ask("source", _CATALOG_TABLES, {"names": names})

    async def _waits_for_cagg(self, args: Mapping[str, str]) -> bool | None:
        # pg_restore's session has an empty search_path, so the name comes with its schema.
        return await self._ask("source", _WAITS_FOR_CAGG, args) if "." in args["relation"] else None

    async def _index(self, args: Mapping[str, str]) -> bool | None:
        about = subject(args["command"])
        if about is None or about.kind != "INDEX":
            return None
        rows = await self._rows("target", _INDEX, {"index": about.name, "table": about.table})
        if rows is None:
            return None
        wanted = _flat(args["command"])
        return any(valid and f"{_flat(definition)};" == wanted for definition, valid in rows)

    async def _trigger(self, args: Mapping[str, str]) -> bool | None:
        return await self._ask("target", _TRIGGER, args) if args["table"] else None

    async def _ask(self, end: str, query: LiteralString, args: Mapping[str, Any]) -> bool | None:
        rows = await self._rows(end, query, args)
        return None if not rows or rows[0][0] is None else bool(rows[0][0])

    async def _rows(
        self, end: str, query: LiteralString, args: Mapping[str, Any]
    ) -> list[tuple[Any, ...]] | None:
        async def fetch(connection: Connection) -> list[tuple[Any, ...]]:
            async with connection.cursor(row_factory=tuple_row) as cursor:
                await cursor.execute(query, args)
                return await cursor.fetchall()

        return await self._guarded(end, fetch)

    async def _guarded(
        self, end: str, work: Callable[[Connection], Awaitable[_Result]]
    ) -> _Result | None:
        try:
            connection = await self._connection(end)
            return None if connection is None else await work(connection)
        except (Error, OSError, CannotConnect) as error:
            if isinstance(error, _FAULTS_OF_OURS) or type(error) is ProgrammingError:
                self.say(
                    f"a query of tswizard itself failed on the {end}, so a message stays unproven; "
                    f"please report this bug: {str(error).strip()}"
                )
            broken = self._open.pop(end, None)
            if broken is not None:
                await broken.close()
            return None

    async def _connection(self, end: str) -> Connection | None:
        connect = self._connect[end]
        if end not in self._open and connect is not None:
            connection = await connect()
            self._open[end] = connection
            await connection.execute(_LIMITS)
        return self._open.get(end)


def _flat(sql: str) -> str:
    return " ".join(sql.split())
