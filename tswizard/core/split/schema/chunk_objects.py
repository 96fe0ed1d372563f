"""What chunks have that their hypertable does not give them: an index of one chunk alone, its
storage parameters, statistics targets, grants, comments.

TimescaleDB gives a chunk what its hypertable has when it creates it, and lets much of that be
changed there afterward: measured on 2.28.3. The dump of the schema has no chunks, so each such
change is read as the statement that makes it. Chunks have other names on the target: they are told
by their hypertable and slices.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from tswizard.core.catalog.catalog_shape import CAGG, HYPERTABLE, Shape, read_shape
from tswizard.core.catalog.hypertables import chunk_relations, slices_of_chunks
from tswizard.core.db.connection import Connection, batch, rows
from tswizard.core.verify.schema.catalog_sql import Catalogs, read_catalogs

ChunkKey = tuple[str, str]
"""Its hypertable or continuous aggregate, quoted, and its slices."""


@dataclass(frozen=True, slots=True)
class ChunkChange:
    """A statement that makes one chunk differ from its hypertable: `head`, its name, `tail`."""

    chunk: ChunkKey
    head: str
    tail: str
    named: bool = True
    """False where the statement does not hold the chunk's name."""

    def sql(self, relation: str) -> str:
        """The statement for the chunk of this quoted name."""
        return f"{self.head}{relation if self.named else ''}{self.tail}"


@dataclass(frozen=True, slots=True)
class ChunkChanges:
    """Those of one database, in an order in which they can be made."""

    changes: tuple[ChunkChange, ...]
    relations: Mapping[ChunkKey, str]
    """The quoted names of the chunks that have some."""

    def without(self, tables: Collection[str]) -> "ChunkChanges":
        """Those of other hypertables and continuous aggregates."""
        return replace(self, changes=tuple(c for c in self.changes if c.chunk[0] not in tables))


# Of a catalog that has just been filled the server has no statistics, and takes its thousands of
# chunks for a few: joined by loops, 2,000 took two minutes.
_NO_LOOPS = "SET enable_nestloop = off"
_LOOPS = "RESET enable_nestloop"


async def read_chunk_changes(connection: Connection) -> ChunkChanges:
    """Read them from one end. Raises psycopg.Error."""
    catalogs = await read_catalogs(connection)
    if not catalogs.shape.timescaledb:
        return ChunkChanges((), {})
    _, found, _ = await batch(connection, (_NO_LOOPS, _changes(catalogs), _LOOPS))
    return ChunkChanges(
        tuple(ChunkChange((table, slices), *change) for table, slices, _, *change in found),
        {(table, slices): relation for table, slices, relation, *_ in found},
    )


async def read_chunk_names(connection: Connection) -> dict[ChunkKey, str]:
    """The quoted names of all chunks of one end. Raises psycopg.Error."""
    shape = await read_shape(connection)
    if not shape.timescaledb:
        return {}
    query = f"WITH {_chunks(shape)}, {_keys(shape)} {_ALL_KEYS}"
    return {(table, slices): name for table, slices, name in await rows(connection, query)}


def _chunks(shape: Shape) -> str:
    return f"""
chunk AS MATERIALIZED (
  SELECT k.id, k.hypertable_id, c.oid, c.relname, p.oid AS parent,
    pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
    pg_catalog.format('%I.%I', m.nspname, p.relname) AS parent_name
  FROM ({chunk_relations(shape)}) k
  JOIN pg_catalog.pg_class c ON c.oid = k.rel
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid
  JOIN pg_catalog.pg_class p ON p.oid = i.inhparent
  JOIN pg_catalog.pg_namespace m ON m.oid = p.relnamespace
  WHERE NOT COALESCE(k.tiered, false)
)"""


def _keys(shape: Shape) -> str:
    """A continuous aggregate's materialization has another name on the target."""
    return f"""
key AS MATERIALIZED (
  SELECT s.chunk AS id, pg_catalog.string_agg(pg_catalog.format(
    '%s %s to %s', d.column_name, s.range_start, s.range_end), ', '
    ORDER BY d.column_name) AS slices
  FROM ({slices_of_chunks(shape)}) s JOIN _timescaledb_catalog.dimension d ON d.id = s.dimension_id
  GROUP BY s.chunk
), owner AS MATERIALIZED (
  SELECT h.id, pg_catalog.format('%I.%I', COALESCE(g.user_view_schema, h.schema_name),
    COALESCE(g.user_view_name, h.table_name)) AS name
  FROM {HYPERTABLE} h LEFT JOIN {CAGG} g ON g.mat_hypertable_id = h.id
)"""


_ALL_KEYS = """
SELECT o.name, k.slices, c.name
FROM chunk c JOIN key k ON k.id = c.id JOIN owner o ON o.id = c.hypertable_id
"""

# PostgreSQL prints expressions of a chunk's index with constants folded, those of its hypertable as
# they were written: such indexes are told by their columns, and by how many there are. Storage
# parameters that the hypertable's index was given later are the chunk's by its creation.
_INDEXES_OF = """
index_of AS MATERIALIZED (
  SELECT r.rel, x.oid, x.relname, x.relnamespace, i.indisunique AS unique, i.indisvalid,
    CASE WHEN i.indexprs IS NOT NULL OR i.indpred IS NOT NULL THEN (
      SELECT pg_catalog.concat_ws(' ', i.indisunique, i.indclass, i.indoption, i.indexprs IS NULL,
        i.indpred IS NULL, pg_catalog.array_agg(a.attname ORDER BY k.number))
      FROM pg_catalog.unnest(i.indkey) WITH ORDINALITY AS k (attnum, number)
      LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = r.rel AND a.attnum = k.attnum
    ) END AS shape,
    t.tail, pg_catalog.regexp_replace(t.tail, ' WITH [(][^()]*[)]', '') AS without_storage
  FROM (SELECT oid, name FROM chunk UNION SELECT parent, parent_name FROM chunk) AS r (rel, name)
  JOIN pg_catalog.pg_index i ON i.indrelid = r.rel
  JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
  CROSS JOIN LATERAL (VALUES (pg_catalog.substr(pg_catalog.pg_get_indexdef(x.oid),
    pg_catalog.length('CREATE ' || CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END || 'INDEX '
      || pg_catalog.quote_ident(x.relname) || ' ON ' || r.name) + 1))) AS t (tail)
), alike AS MATERIALIZED (
  SELECT rel, shape, pg_catalog.count(*) AS number FROM index_of
  WHERE shape IS NOT NULL GROUP BY rel, shape
)"""

_INDEXES = """
SELECT 'pg_catalog.pg_class'::regclass, i.oid, c.id, 1,
  'CREATE ' || CASE WHEN i.unique THEN 'UNIQUE ' ELSE '' END || 'INDEX '
    || CASE WHEN pg_catalog.starts_with(i.relname, c.relname) THEN ''
            ELSE pg_catalog.quote_ident(i.relname) || ' ' END || 'ON ', i.tail,
  CASE WHEN NOT pg_catalog.starts_with(i.relname, c.relname)
    THEN pg_catalog.format('COMMENT ON INDEX %s.%I', i.relnamespace::regnamespace, i.relname) END,
  NULL
FROM chunk c
JOIN index_of i ON i.rel = c.oid AND i.indisvalid
LEFT JOIN index_of p ON p.rel = c.parent AND p.unique = i.unique
  AND p.without_storage = i.without_storage
LEFT JOIN alike mine ON mine.rel = c.oid AND mine.shape = i.shape
LEFT JOIN alike parents ON parents.rel = c.parent AND parents.shape = i.shape
WHERE p.rel IS NULL AND (mine.number > parents.number) IS NOT FALSE
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = i.oid)
"""

# Those of its dimensions are TimescaleDB's (ts_chunk_constraint_choose_name): constraint_N.
_CONSTRAINTS = r"""
SELECT 'pg_catalog.pg_constraint'::regclass, k.oid, c.id, 2, 'ALTER TABLE ',
  pg_catalog.format(' ADD CONSTRAINT %I %s', k.conname, pg_catalog.pg_get_constraintdef(k.oid)),
  pg_catalog.format('COMMENT ON CONSTRAINT %I ON ', k.conname), ''
FROM chunk c
JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid
WHERE k.contype IN ('p', 'u', 'x', 'c', 'f') AND k.coninhcount = 0
  AND NOT (k.contype = 'c' AND k.conname ~ '^constraint_\d+$')
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_constraint p
    WHERE p.conrelid = c.parent AND p.contype = k.contype
      AND pg_catalog.pg_get_constraintdef(p.oid) = pg_catalog.pg_get_constraintdef(k.oid))
"""

_TRIGGERS = r"""
SELECT 'pg_catalog.pg_trigger'::regclass, t.oid, c.id, 3,
  pg_catalog."left"(d.text, d.at + 3),
  pg_catalog.substr(d.text, d.at + 4 + pg_catalog.length(c.name)),
  pg_catalog.format('COMMENT ON TRIGGER %I ON ', t.tgname), ''
FROM chunk c
JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal
CROSS JOIN LATERAL (VALUES (pg_catalog.pg_get_triggerdef(t.oid))) g (text)
CROSS JOIN LATERAL (
  VALUES (g.text, pg_catalog.strpos(g.text, ' ON ' || c.name || ' '))) d (text, at)
WHERE d.at > 0
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_trigger p WHERE p.tgrelid = c.parent AND p.tgname = t.tgname)
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend x WHERE x.classid = 'pg_catalog.pg_proc'::regclass
      AND x.objid = t.tgfoid AND x.deptype = 'e')
"""

_RULES = """
SELECT 'pg_catalog.pg_rewrite'::regclass, r.oid, c.id, 3,
  pg_catalog."left"(d.text, d.at + 3),
  pg_catalog.substr(d.text, d.at + 4 + pg_catalog.length(c.name)),
  pg_catalog.format('COMMENT ON RULE %I ON ', r.rulename), ''
FROM chunk c
JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid
CROSS JOIN LATERAL (VALUES (pg_catalog.rtrim(pg_catalog.pg_get_ruledef(r.oid), ';'))) g (text)
CROSS JOIN LATERAL (
  VALUES (g.text, pg_catalog.strpos(g.text, ' TO ' || c.name))) d (text, at)
WHERE d.at > 0
"""

_POLICIES = """
SELECT 'pg_catalog.pg_policy'::regclass, p.oid, c.id, 3,
  pg_catalog.format('CREATE POLICY %I ON ', p.polname),
  CASE WHEN p.polpermissive THEN '' ELSE ' AS RESTRICTIVE' END
    || CASE p.polcmd WHEN 'r' THEN ' FOR SELECT' WHEN 'a' THEN ' FOR INSERT'
         WHEN 'w' THEN ' FOR UPDATE' WHEN 'd' THEN ' FOR DELETE' ELSE '' END
    || (SELECT ' TO ' || pg_catalog.string_agg(CASE WHEN r.oid = 0 THEN 'PUBLIC'
          ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(r.oid)) END, ', ')
        FROM pg_catalog.unnest(p.polroles) AS r (oid))
    || COALESCE(' USING (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ')', '')
    || COALESCE(' WITH CHECK (' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) || ')', ''),
  pg_catalog.format('COMMENT ON POLICY %I ON ', p.polname), ''
FROM chunk c
JOIN pg_catalog.pg_policy p ON p.polrelid = c.oid
"""

_STATISTICS = """
SELECT 'pg_catalog.pg_statistic_ext'::regclass, s.oid, c.id, 3,
  pg_catalog."left"(d.text, -pg_catalog.length(c.name)), '',
  pg_catalog.format('COMMENT ON STATISTICS %s.%I', s.stxnamespace::regnamespace, s.stxname), NULL
FROM chunk c
JOIN pg_catalog.pg_statistic_ext s ON s.stxrelid = c.oid
CROSS JOIN LATERAL (VALUES (pg_catalog.pg_get_statisticsobjdef(s.oid))) d (text)
"""

_COMMENTS_ON_THEM = """
SELECT o.chunk, 9, o.comment_head, o.comment_tail IS NOT NULL,
  pg_catalog.concat(o.comment_tail, ' IS ', pg_catalog.quote_literal(d.description))
FROM made o
JOIN pg_catalog.pg_description d ON d.classoid = o.class AND d.objoid = o.oid AND d.objsubid = 0
WHERE o.comment_head IS NOT NULL
"""

_COMMENTS = """
SELECT c.id, 9, CASE WHEN d.objsubid = 0 THEN 'COMMENT ON TABLE ' ELSE 'COMMENT ON COLUMN ' END,
  true, pg_catalog.concat('.' || pg_catalog.quote_ident(a.attname), ' IS ',
    pg_catalog.quote_literal(d.description))
FROM chunk c
JOIN pg_catalog.pg_description d ON d.classoid = 'pg_catalog.pg_class'::regclass
  AND d.objoid = c.oid
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid
  AND d.objsubid > 0
"""

_FIRING = """
SELECT c.id, 4, 'ALTER TABLE ', true, pg_catalog.format(' %s TRIGGER %I', CASE t.tgenabled
    WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'R' THEN 'ENABLE REPLICA'
    ELSE 'ENABLE' END, t.tgname)
FROM chunk c
JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal
LEFT JOIN pg_catalog.pg_trigger p ON p.tgrelid = c.parent AND p.tgname = t.tgname
WHERE t.tgenabled <> COALESCE(p.tgenabled, 'O')
"""

_TABLES = """
SELECT c.id, 5, 'ALTER TABLE ', true, w.tail
FROM chunk c
JOIN pg_catalog.pg_class t ON t.oid = c.oid
JOIN pg_catalog.pg_class p ON p.oid = c.parent
CROSS JOIN LATERAL (VALUES
  (t.relrowsecurity AND NOT p.relrowsecurity, ' ENABLE ROW LEVEL SECURITY'),
  (t.relforcerowsecurity AND NOT p.relforcerowsecurity, ' FORCE ROW LEVEL SECURITY'),
  (t.relpersistence <> p.relpersistence,
    CASE t.relpersistence WHEN 'u' THEN ' SET UNLOGGED' ELSE ' SET LOGGED' END)) w (differs, tail)
WHERE w.differs
"""

_OPTIONS = """
SELECT c.id, 5, 'ALTER TABLE ', true, CASE WHEN o.value IS NULL
  THEN pg_catalog.format(' RESET (%s)', o.parents_name)
  ELSE pg_catalog.format(' SET (%s = %L)', o.name, o.value) END
FROM (SELECT c.id, r.reloptions, s.reloptions AS parents, rt.reloptions AS toast,
    st.reloptions AS parents_toast
  FROM chunk c
  JOIN pg_catalog.pg_class r ON r.oid = c.oid
  JOIN pg_catalog.pg_class s ON s.oid = c.parent
  LEFT JOIN pg_catalog.pg_class rt ON rt.oid = r.reltoastrelid
  LEFT JOIN pg_catalog.pg_class st ON st.oid = s.reltoastrelid
  WHERE (r.reloptions, rt.reloptions) IS DISTINCT FROM (s.reloptions, st.reloptions)) c
CROSS JOIN LATERAL (
  SELECT p.name AS parents_name, p.value AS parents_value, o.name, o.value
  FROM (SELECT pg_catalog.quote_ident(x.option_name), x.option_value
    FROM pg_catalog.pg_options_to_table(c.reloptions) x
    UNION ALL SELECT 'toast.' || pg_catalog.quote_ident(x.option_name), x.option_value
    FROM pg_catalog.pg_options_to_table(c.toast) x) AS o (name, value)
  FULL JOIN (SELECT pg_catalog.quote_ident(x.option_name), x.option_value
    FROM pg_catalog.pg_options_to_table(c.parents) x
    UNION ALL SELECT 'toast.' || pg_catalog.quote_ident(x.option_name), x.option_value
    FROM pg_catalog.pg_options_to_table(c.parents_toast) x) AS p (name, value)
  ON p.name = o.name) o
WHERE o.value IS DISTINCT FROM o.parents_value
"""


def _grants(ours: str, theirs: str, *, joined: str = "", column: str = "''") -> str:
    """What is granted on the chunk and not on its hypertable, and what has to be revoked: by the
    lists `ours` and `theirs`, of columns where `column` is one."""
    return f"""
SELECT c.id, 6, pg_catalog.format('%s %s%s ON TABLE ', g.verb, g.privilege_type, {column}), true,
  pg_catalog.format(' %s %s', CASE g.verb WHEN 'GRANT' THEN 'TO' ELSE 'FROM' END,
    CASE WHEN g.grantee = 0 THEN 'PUBLIC'
      ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(g.grantee)) END)
  || CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
FROM chunk c
JOIN pg_catalog.pg_class r ON r.oid = c.oid
JOIN pg_catalog.pg_class s ON s.oid = c.parent
{joined}
CROSS JOIN LATERAL (
  SELECT 'GRANT' AS verb, m.* FROM (
    SELECT x.grantee, x.privilege_type, x.is_grantable FROM pg_catalog.aclexplode({ours}) x
    EXCEPT
    SELECT x.grantee, x.privilege_type, x.is_grantable FROM pg_catalog.aclexplode({theirs}) x) m
  UNION ALL
  SELECT 'REVOKE', m.*, false FROM (
    SELECT x.grantee, x.privilege_type FROM pg_catalog.aclexplode({theirs}) x
    EXCEPT
    SELECT x.grantee, x.privilege_type FROM pg_catalog.aclexplode({ours}) x) m
) g
WHERE {theirs} IS DISTINCT FROM {ours} AND g.grantee NOT IN (r.relowner, s.relowner)
"""


_GRANTS = _grants("r.relacl", "s.relacl")
_COLUMN_GRANTS = _grants(
    "a.attacl",
    "p.attacl",
    joined="""\
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_attribute p ON p.attrelid = c.parent AND p.attname = a.attname""",
    column="pg_catalog.format(' (%I)', a.attname)",
)


def _columns(catalogs: Catalogs) -> str:
    """Some minor releases (15.20) give each column an option of their own, `pg_attver`."""
    compression = catalogs.column("pg_attribute", "a", "attcompression", "''")
    parents = catalogs.column("pg_attribute", "p", "attcompression", "''")
    return f"""
SELECT c.id, 7, 'ALTER TABLE ', true,
  pg_catalog.format(' ALTER COLUMN %I %s', a.attname, w.change)
FROM chunk c
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_attribute p ON p.attrelid = c.parent AND p.attname = a.attname
  AND (p.attstattarget, p.attoptions, p.attstorage, {parents})
    IS DISTINCT FROM (a.attstattarget, a.attoptions, a.attstorage, {compression})
CROSS JOIN LATERAL (
  SELECT 'SET STATISTICS ' || COALESCE(a.attstattarget, -1) AS change
  WHERE COALESCE(a.attstattarget, -1) <> COALESCE(p.attstattarget, -1)
  UNION ALL
  SELECT 'SET STORAGE ' || CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL'
    WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END WHERE a.attstorage <> p.attstorage
  UNION ALL
  SELECT 'SET COMPRESSION ' || CASE {compression}::text WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4'
    ELSE 'DEFAULT' END WHERE {compression}::text <> {parents}::text
  UNION ALL
  SELECT CASE WHEN o.option_value IS NULL THEN pg_catalog.format('RESET (%I)', q.option_name)
    ELSE pg_catalog.format('SET (%I = %L)', o.option_name, o.option_value) END
  FROM pg_catalog.pg_options_to_table(a.attoptions) o
  FULL JOIN pg_catalog.pg_options_to_table(p.attoptions) q ON q.option_name = o.option_name
  WHERE o.option_value IS DISTINCT FROM q.option_value
    AND COALESCE(o.option_name, q.option_name) <> 'pg_attver') w
"""


def _changes(catalogs: Catalogs) -> str:
    """Hypertable, slices, chunk, and the statement before and behind its name."""
    made = "\nUNION ALL\n".join((_INDEXES, _CONSTRAINTS, _TRIGGERS, _RULES, _POLICIES, _STATISTICS))
    others = "\nUNION ALL\n".join(
        (
            *(_FIRING, _TABLES, _OPTIONS, _GRANTS, _COLUMN_GRANTS, _columns(catalogs)),
            *(_COMMENTS, _COMMENTS_ON_THEM),
        )
    )
    return f"""
WITH {_chunks(catalogs.shape)}, {_keys(catalogs.shape)}, {_INDEXES_OF},
made (class, oid, chunk, place, head, tail, comment_head, comment_tail) AS MATERIALIZED ({made}),
change (chunk, place, head, named, tail) AS (
  SELECT chunk, place, head, true, tail FROM made UNION ALL {others}
)
SELECT o.name, k.slices, c.name, x.head, x.tail, x.named
FROM change x
JOIN chunk c ON c.id = x.chunk
JOIN key k ON k.id = c.id
JOIN owner o ON o.id = c.hypertable_id
ORDER BY 1, 2, x.place, 4, 5
"""
