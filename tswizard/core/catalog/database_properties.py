"""Properties of the database itself that pg_dump dumps with --create only: its privileges,
connection limit and comment.

https://www.postgresql.org/docs/current/app-pgdump.html, option --create.
"""

from collections.abc import Iterator

from tswizard.core.db.identifiers import identifier, literal

PRIVILEGES_OF = "privileges of "
CONNECTION_LIMIT = "connection limit"
COMMENT = "comment"
_PUBLIC = "PUBLIC"
_DEFAULT = "CONNECT, TEMPORARY"
"""What PUBLIC has on a new database."""
_NONE = "none"

# (name, value, true for the owner's own privileges). A star is the grant option, as in psql.
PROPERTIES = f"""
WITH d AS (
  SELECT * FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()
), granted AS (
  SELECT a.grantee, a.privilege_type, pg_catalog.bool_or(a.is_grantable) AS grantable
  FROM d CROSS JOIN LATERAL pg_catalog.aclexplode(d.datacl) a GROUP BY 1, 2
), holders AS (
  SELECT g.oid, COALESCE((
    SELECT pg_catalog.string_agg(h.privilege_type || CASE WHEN h.grantable THEN '*' ELSE '' END,
                                 ', ' ORDER BY h.privilege_type COLLATE "C")
    FROM granted h WHERE h.grantee = g.oid), '{_NONE}') AS held
  FROM (SELECT 0::pg_catalog.oid UNION SELECT grantee FROM granted) g (oid)
)
SELECT '{CONNECTION_LIMIT}', d.datconnlimit::text, NULL::boolean FROM d WHERE d.datconnlimit >= 0
UNION ALL
SELECT '{COMMENT}', c.description, NULL FROM d
CROSS JOIN LATERAL pg_catalog.shobj_description(d.oid, 'pg_database') AS c (description)
WHERE c.description <> 'default administrative connection database'
UNION ALL
SELECT '{PRIVILEGES_OF}' || CASE WHEN h.oid = 0 THEN '{_PUBLIC}'
                            ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(h.oid)) END,
  h.held, NULLIF(h.oid = d.datdba, false)
FROM d CROSS JOIN holders h
WHERE d.datacl IS NOT NULL AND NOT (h.oid = 0 AND h.held = '{_DEFAULT}')
"""

# The same without values, which may be long; the owner's privileges are its own business.
DESCRIBED = f"""
SELECT x.name || CASE WHEN x.name = '{COMMENT}' THEN '' ELSE ': ' || x.value END
FROM ({PROPERTIES}) x (name, value, owner) WHERE x.owner IS NULL ORDER BY 1
"""


def property_statements(
    database: str, name: str, wanted: str | None, found: str | None
) -> Iterator[str]:
    """What gives a database of this name the wanted value of a property instead of the found one;
    None is the default. Nothing for names that are none of these properties."""
    on = identifier(database)
    if name == CONNECTION_LIMIT:
        yield f"ALTER DATABASE {on} CONNECTION LIMIT {wanted or -1};"
    elif name == COMMENT:
        yield f"COMMENT ON DATABASE {on} IS {literal(wanted) if wanted else 'NULL'};"
    elif name.startswith(PRIVILEGES_OF):
        role = name.removeprefix(PRIVILEGES_OF)
        ours, theirs = _held(role, wanted), _held(role, found)
        plain = [p for p in ours if not p.endswith("*") and not {p, f"{p}*"} & set(theirs)]
        options = [p.rstrip("*") for p in ours if p.endswith("*") and p not in theirs]
        # PUBLIC has no grant options; who has less of one here keeps the privilege.
        without = [p.rstrip("*") for p in theirs if not {p, f"{p}*", p.rstrip("*")} & set(ours)]
        less = [p.rstrip("*") for p in theirs if p.endswith("*") and p.rstrip("*") in ours]
        for privileges, words in (
            (plain, "GRANT {} ON DATABASE {} TO {};"),
            (options, "GRANT {} ON DATABASE {} TO {} WITH GRANT OPTION;"),
            (without, "REVOKE {} ON DATABASE {} FROM {};"),
            (less, "REVOKE GRANT OPTION FOR {} ON DATABASE {} FROM {};"),
        ):
            if privileges:
                yield words.format(", ".join(privileges), on, role)


def _held(role: str, value: str | None) -> list[str]:
    value = value or (_DEFAULT if role == _PUBLIC else _NONE)
    return [] if value == _NONE else value.split(", ")
