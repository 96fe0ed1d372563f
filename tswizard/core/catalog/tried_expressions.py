"""Expressions that are evaluated when rows are loaded or indexes are built, tried on the source.

Whether a function of the user works in a session without its application's settings, only calling
it tells (timescale/timescaledb#7168). So every CHECK constraint, generated column, domain and index
with such a function is evaluated on a few rows in a read-only transaction, first with nothing but
pg_catalog in the search_path, then with what its owner or the database has set.
"""

from collections import defaultdict
from dataclasses import dataclass, replace

from psycopg import Error, sql

from tswizard.core.catalog.catalog_shape import Shape
from tswizard.core.catalog.hazard_model import ExpressionKind, TriedExpression
from tswizard.core.catalog.search_paths import BARE, SearchPaths
from tswizard.core.catalog.tables import NOT_USERS, not_member, parts
from tswizard.core.db.connection import Connection, Statement, batch, rows, value

SAMPLE = 200
"""Rows of a table that an expression is tried on."""
_MILLISECONDS = 3000
"""How long one may take."""
_MOST = 300
"""Expressions that are tried, so that inspecting stays quick."""

# Functions, operators and types that are not PostgreSQL's own nor an extension's in C; the others
# need no search_path.
_USERS = """
SELECT DISTINCT d.classid, d.objid, d.objsubid FROM pg_catalog.pg_depend d
LEFT JOIN pg_catalog.pg_operator o
  ON d.refclassid = 'pg_catalog.pg_operator'::regclass AND o.oid = d.refobjid
JOIN pg_catalog.pg_proc p ON p.oid = CASE WHEN o.oid IS NULL THEN d.refobjid ELSE o.oprcode::oid END
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
WHERE d.refclassid IN ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_operator'::regclass)
  AND p.oid >= 16384 AND l.lanname NOT IN ('c', 'internal')
  AND d.classid IN ('pg_catalog.pg_constraint'::regclass, 'pg_catalog.pg_attrdef'::regclass,
                    'pg_catalog.pg_class'::regclass)
"""

# A node tree names the functions that it calls by their OIDs (readfuncs.c).
_MUTABLE = """(
  EXISTS (
    SELECT FROM pg_catalog.regexp_matches(k.conbin::text, ':(?:opfuncid|funcid) (\\d+)', 'g') f
    JOIN pg_catalog.pg_proc p ON p.oid = f[1]::oid
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang
    WHERE p.provolatile <> 'i' OR (p.oid >= 16384 AND l.lanname NOT IN ('c', 'internal')
      AND (u.objid IS NOT NULL AND p.prosrc ~* '\\mfrom\\M')))
  OR k.conbin::text ~ 'SQLVALUEFUNCTION|NEXTVALUEEXPR')"""


def _expressions(shape: Shape) -> str:
    """Schema, table, hypertable, owner, kind, name, SQL, depends on more than its row,
    inherited, rows are in chunks or partitions."""
    return f"""
WITH users AS MATERIALIZED ({_USERS}),
tables AS MATERIALIZED (
  SELECT c.oid, n.nspname, c.relname, c.relkind, pg_catalog.pg_get_userbyid(c.relowner) AS owner,
    part.oid IS NOT NULL AS hypertable
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN ({parts(shape)}) part ON part.oid = c.oid
  WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND {NOT_USERS}
    AND {not_member("pg_class", "c.oid")}
    AND (part.oid IS NULL OR part.label = n.nspname || '.' || c.relname)
    AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
)
SELECT t.nspname::text, t.relname::text, t.hypertable, t.owner::text, x.kind, x.name, x.sql,
  x.depends, x.inherited, t.hypertable OR t.relkind = 'p'
FROM tables t CROSS JOIN LATERAL (
  SELECT 'CHECK constraint' AS kind, k.conname::text AS name,
    pg_catalog.pg_get_expr(k.conbin, k.conrelid) AS sql, {_MUTABLE} AS depends,
    k.coninhcount > 0 AND NOT k.conislocal AS inherited
  FROM pg_catalog.pg_constraint k
  LEFT JOIN users u ON u.classid = 'pg_catalog.pg_constraint'::regclass AND u.objid = k.oid
  WHERE k.conrelid = t.oid AND k.contype = 'c' AND (u.objid IS NOT NULL OR {_MUTABLE})
  UNION ALL
  SELECT 'generated column', a.attname::text, pg_catalog.pg_get_expr(d.adbin, d.adrelid),
    false, false
  FROM pg_catalog.pg_attrdef d
  JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
  WHERE d.adrelid = t.oid AND a.attgenerated <> '' AND NOT a.attisdropped
    AND EXISTS (SELECT FROM users u
      WHERE u.classid = 'pg_catalog.pg_attrdef'::regclass AND u.objid = d.oid)
  UNION ALL
  SELECT 'column of a domain', a.attname::text,
    pg_catalog.quote_ident(a.attname) || '::text::' || pg_catalog.format_type(a.atttypid, NULL),
    false, false
  FROM pg_catalog.pg_attribute a
  WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    AND a.atttypid IN (SELECT type FROM domains)
  UNION ALL
  SELECT 'index', i.relname::text,
    pg_catalog.concat_ws(' IS NULL OR ', VARIADIC ARRAY(
      SELECT '(' || pg_catalog.pg_get_indexdef(x.indexrelid, n, false) || ')'
      FROM pg_catalog.generate_series(1, x.indnatts) n WHERE x.indkey[n - 1] = 0)
      || ARRAY(SELECT '(' || pg_catalog.pg_get_expr(x.indpred, x.indrelid) || ')'
               WHERE x.indpred IS NOT NULL)),
    false, false
  FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
  WHERE x.indrelid = t.oid AND (x.indexprs IS NOT NULL OR x.indpred IS NOT NULL)
    AND EXISTS (SELECT FROM users u
      WHERE u.classid = 'pg_catalog.pg_class'::regclass AND u.objid = x.indexrelid)
) x
ORDER BY 1, 2, 5, 6
LIMIT {_MOST}
"""


# Types that are, or hold, a domain whose CHECK calls a function of the user.
_DOMAINS = """
WITH RECURSIVE domains (type) AS (
  SELECT k.contypid FROM pg_catalog.pg_constraint k JOIN ({users}) u
    ON u.classid = 'pg_catalog.pg_constraint'::regclass AND u.objid = k.oid
  WHERE k.contypid <> 0
  UNION
  SELECT t.oid FROM domains p JOIN pg_catalog.pg_type t
    ON t.typbasetype = p.type OR (t.typelem = p.type AND t.typlen = -1)
      OR t.typrelid IN (SELECT a.attrelid FROM pg_catalog.pg_attribute a
                        WHERE a.atttypid = p.type AND a.attnum > 0 AND NOT a.attisdropped)
) """


@dataclass(frozen=True, slots=True)
class _Expression:
    tried: TriedExpression
    owner: str
    sql: str
    whole: bool
    """Its rows are in chunks or partitions."""


async def read_tried_expressions(
    connection: Connection, shape: Shape
) -> tuple[TriedExpression, ...]:
    """Those that need something. Call it in a read-only transaction. Raises psycopg.Error."""
    query = (
        _DOMAINS.format(users=_USERS) + ", " + _expressions(shape).lstrip().removeprefix("WITH ")
    )
    by_table: dict[tuple[str, str], list[_Expression]] = defaultdict(list)
    for row in await rows(connection, query):
        tried = TriedExpression(
            schema=row[0],
            table=row[1],
            hypertable=row[2],
            kind=ExpressionKind(row[4]),
            name=row[5],
            rows=False,
            depends=row[7],
            inherited=row[8],
        )
        by_table[tried.key].append(_Expression(tried, row[3], row[6], row[9]))
    if not by_table:
        return ()
    paths = await SearchPaths.read(connection)
    found: list[TriedExpression] = []
    for own in by_table.values():
        found += await _of_table(connection, own, paths)
    return tuple(tried for tried in found if tried.error or tried.depends or tried.violated)


async def _of_table(
    connection: Connection, own: list[_Expression], paths: SearchPaths
) -> list[TriedExpression]:
    """All of them with the same search_path, as far as they are evaluated for each row."""
    first = own[0].tried
    filled = await _evaluate(connection, BARE, f"SELECT true {_from(own[0])} LIMIT 1") == "true"
    quoted = await value(connection, "SELECT pg_catalog.quote_ident(%s)", (first.schema,))
    candidates = paths.candidates(own[0].owner, (quoted,))
    errors = {e: await _try(connection, BARE, e) for e in own}
    failing = [e for e in own if e.tried.kind.of_rows and errors[e]]
    together = await _first_path(connection, candidates, failing) if failing else ""
    found = []
    for expression in own:
        path = ""
        if errors[expression] and expression.tried.kind.of_rows:
            path = together
        elif errors[expression]:
            path = await _first_path(connection, candidates, [expression])
        tried = replace(expression.tried, rows=filled, error=errors[expression], path=path)
        if tried.kind is ExpressionKind.CHECK and (path or not tried.error):
            violated = await _violated(connection, path or BARE, expression)
            tried = replace(tried, violated=violated)
        found.append(tried)
    return found


async def _first_path(
    connection: Connection, candidates: tuple[str, ...], expressions: list[_Expression]
) -> str:
    for path in candidates:
        if not any([await _try(connection, path, e) for e in expressions]):
            return path
    return ""


def _from(expression: _Expression) -> str:
    tried, only = expression.tried, "" if expression.whole else "ONLY "
    return f"FROM {only}{sql.Identifier(tried.schema, tried.table).as_string(None)}"


async def _try(connection: Connection, path: str, expression: _Expression) -> str:
    """What the server says of an expression with this search_path; empty if it works, and for
    whatever a search_path cannot help, such as a lack of privileges or of time."""
    query = (
        f"SELECT pg_catalog.count(tried.x)::text FROM (SELECT ({expression.sql}) IS NULL AS x "
        f"{_from(expression)} LIMIT {SAMPLE}) tried"
    )
    try:
        await _evaluated(connection, path, query)
    except Error as error:
        if connection.closed:
            raise
        helped = error.sqlstate in _NOT_FOUND
        return (error.diag.message_primary or "it fails") if helped else ""
    return ""


_NOT_FOUND = ("42883", "42P01", "42704", "42703", "3F000", "42P02", "42725", "42804")
"""Undefined function, table, object, column, schema, parameter; ambiguous; wrong type."""


async def _violated(connection: Connection, path: str, expression: _Expression) -> bool:
    """Do rows violate a CHECK, as far as can be found in the time?"""
    # OFFSET keeps the condition from the planner, which believes the constraint.
    query = (
        f"SELECT EXISTS (SELECT FROM (SELECT ({expression.sql}) AS x {_from(expression)} "
        "OFFSET 0) tried WHERE NOT tried.x)::text"
    )
    return await _evaluate(connection, path, query) == "true"


async def _evaluate(connection: Connection, path: str, query: str) -> str | None:
    """The query's value; None if it fails."""
    try:
        return await _evaluated(connection, path, query)
    except Error:
        if connection.closed:
            raise
        return None


async def _evaluated(connection: Connection, path: str, query: str) -> str | None:
    statements: list[Statement] = [
        ("SAVEPOINT tried", None),
        (f"SET LOCAL statement_timeout = {_MILLISECONDS}", None),
        ("SELECT pg_catalog.set_config('search_path', %s, true)", (path,)),
        (query, None),
        *_UNDO,
    ]
    try:
        found = (await batch(connection, statements))[3]
    except Error:
        if not connection.closed:
            await batch(connection, _UNDO)
        raise
    return str(found[0][0]).lower() if found else None


_UNDO: tuple[Statement, ...] = (
    ("ROLLBACK TO SAVEPOINT tried", None),
    ("RELEASE SAVEPOINT tried", None),
)
