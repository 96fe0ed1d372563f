"""Types within the types of columns."""

# Types within types, recursively: elements, domains' base types, fields, ranges' subtypes. In
# binary, composites and arrays carry the OIDs of their parts' types, which differ between servers
# for user-defined types (FirstNormalObjectId); reg* values are OIDs themselves.
# https://www.postgresql.org/docs/current/sql-copy.html (binary format)
PARTS_OF_TYPES = """
parts (whole, part, nested) AS (
  SELECT DISTINCT atttypid, atttypid, false FROM c
  UNION
  SELECT p.whole, x.part, p.nested OR x.named
  FROM parts p
  JOIN pg_catalog.pg_type t ON t.oid = p.part
  LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid
  CROSS JOIN LATERAL (
    SELECT t.typelem, true WHERE t.typelem <> 0 AND t.typlen = -1
    UNION ALL SELECT t.typbasetype, false WHERE t.typbasetype <> 0
    UNION ALL SELECT r.rngsubtype, false WHERE r.rngsubtype <> 0
    UNION ALL SELECT f.atttypid, true FROM pg_catalog.pg_attribute f
              WHERE f.attrelid = t.typrelid AND f.attnum > 0 AND NOT f.attisdropped
  ) AS x (part, named)
)"""
"""For a recursive WITH: all types within the types (`atttypid`) of `c`, and whether binary names
them by their OIDs."""

IS_OBJECT_ID = "t.typname ~ '^_?reg' AND t.oid < 16384"
"""SQL: the type `t` of pg_type is regclass or another whose values are OIDs of this server, or an
array of them."""
