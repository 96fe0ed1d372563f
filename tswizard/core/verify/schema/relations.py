"""Schemas, extensions, tables, columns, views, sequences: pg_class and pg_attribute.

https://www.postgresql.org/docs/current/catalogs.html: pg_namespace, pg_extension, pg_class,
pg_attribute, pg_attrdef, pg_inherits, pg_partitioned_table.
"""

from tswizard.core.catalog.tables import in_user_schema, not_member
from tswizard.core.verify.schema.catalog_sql import (
    Catalogs,
    json_object,
    needed_extensions,
    sorted_options,
)


def schemas(_catalogs: Catalogs) -> str:
    return f"""
SELECT 'schema', pg_catalog.quote_ident(n.nspname), NULL::text, '{{}}'::jsonb
FROM pg_catalog.pg_namespace n
WHERE {in_user_schema()} AND n.nspname !~ '^pg_' AND {not_member("pg_namespace", "n.oid")}
"""


def extensions(_catalogs: Catalogs) -> str:
    return f"""
SELECT 'extension', pg_catalog.quote_ident(e.extname), NULL::text,
  {json_object(version="e.extversion", schema="n.nspname")}
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
"""


def tables(catalogs: Catalogs) -> str:
    """Tables, also partitioned and foreign ones; a chunk with a digest of its columns."""
    definition = json_object(
        kind="c.relkind",
        persistence="c.relpersistence",
        access_method="am.amname",
        options="pg_catalog.to_jsonb(c.reloptions)",
        toast_options="pg_catalog.to_jsonb(toast.reloptions)",
        tablespace="spc.spcname",
        partition_key="CASE WHEN c.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(c.oid) END",
        partition_bound="pg_catalog.pg_get_expr(c.relpartbound, c.oid)",
        inherits="""(
      SELECT pg_catalog.jsonb_agg(i.inhparent::regclass::text ORDER BY i.inhseqno)
      FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid)""",
        row_security="NULLIF(c.relrowsecurity, false)",
        force_row_security="NULLIF(c.relforcerowsecurity, false)",
        replica_identity="c.relreplident",
        of_type="NULLIF(c.reloftype, 0)::regtype::text",
        server="srv.srvname",
        hidden_options=sorted_options("ft.ftoptions"),
        columns="cols.digest",
        column_order="""CASE WHEN r.part IS NULL THEN (
      SELECT pg_catalog.jsonb_agg(a.attname ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) END""",
    )
    return f"""
SELECT 'table', r.name, r.part, {definition}
FROM rel r
JOIN pg_catalog.pg_class c ON c.oid = r.oid
LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam
LEFT JOIN pg_catalog.pg_class toast ON toast.oid = c.reltoastrelid
LEFT JOIN pg_catalog.pg_tablespace spc ON spc.oid = c.reltablespace
LEFT JOIN pg_catalog.pg_foreign_table ft ON ft.ftrelid = c.oid
LEFT JOIN pg_catalog.pg_foreign_server srv ON srv.oid = ft.ftserver
LEFT JOIN (
  SELECT a.attrelid, pg_catalog.md5(pg_catalog.string_agg(
    {_column_words(catalogs)}, ',' ORDER BY a.attnum)) AS digest
  FROM rel p
  JOIN pg_catalog.pg_attribute a ON a.attrelid = p.oid
  {_COLUMN_JOINS}
  WHERE p.part IS NOT NULL AND p.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
  GROUP BY a.attrelid
) cols ON cols.attrelid = c.oid
WHERE r.relkind IN ('r', 'p', 'f')
"""


def columns(catalogs: Catalogs) -> str:
    """Columns, except of internal relations, which have the digest above."""
    definition = json_object(**_column(catalogs))
    return f"""
SELECT 'column', r.name || '.' || pg_catalog.quote_ident(a.attname), NULL::text, {definition}
FROM rel r
JOIN pg_catalog.pg_attribute a
  ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
{_COLUMN_JOINS}
WHERE r.part IS NULL AND r.relkind IN ('r', 'p', 'f', 'v', 'm')
"""


_COLUMN_JOINS = """
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
"""


def _column(catalogs: Catalogs) -> dict[str, str]:
    """A column's properties.

    The statistics target is NULL by default since PostgreSQL 17. Some minor releases (15.20) give
    each column an option of their own, `pg_attver`, which cannot be set.
    """
    compression = catalogs.column("pg_attribute", "a", "attcompression", "''")
    generated = catalogs.column("pg_attribute", "a", "attgenerated", "''")
    return {
        "type": "pg_catalog.format_type(a.atttypid, a.atttypmod)",
        "not_null": "NULLIF(a.attnotnull, false)",
        "default": "pg_catalog.pg_get_expr(d.adbin, d.adrelid)",
        "generated": f"NULLIF({generated}, '')",
        "identity": "NULLIF(a.attidentity, '')",
        "collation": """CASE WHEN a.attcollation <> t.typcollation
      THEN a.attcollation::regcollation::text END""",
        "storage": "CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage END",
        "compression": f"NULLIF({compression}, '')",
        "statistics": "NULLIF(COALESCE(a.attstattarget, -1), -1)",
        "options": """(
      SELECT pg_catalog.jsonb_agg(o.option ORDER BY o.option)
      FROM pg_catalog.unnest(a.attoptions) AS o (option) WHERE o.option !~ '^pg_attver=')""",
        "hidden_options": sorted_options("a.attfdwoptions"),
        "local": "NULLIF(a.attislocal, true)",
    }


def _column_words(catalogs: Catalogs) -> str:
    """A column of an internal relation as one text.

    TimescaleDB makes some of these NOT NULL without the constraint that PostgreSQL 18 has for it,
    so pg_dump does not dump that (measured on 2.29.2, columns of materialization hypertables).
    """
    words = _column(catalogs)
    if catalogs.has("pg_constraint", "conenforced"):
        words["not_null"] = """(
      SELECT true FROM pg_catalog.pg_constraint k WHERE k.conrelid = a.attrelid
        AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum] AND a.attnotnull LIMIT 1)"""
    texts = [
        f"' {name}=' || ({value})::text"
        for name, value in words.items()
        if not name.startswith("hidden_")
    ]
    return f"pg_catalog.concat(pg_catalog.quote_ident(a.attname), {', '.join(texts)})"


def columns_of(catalogs: Catalogs) -> str:
    """The columns behind the digest of internal relations, given by name."""
    return f"""
SELECT x.relation, pg_catalog.array_agg({_column_words(catalogs)} ORDER BY a.attnum)
FROM pg_catalog.unnest(%s::text[]) AS x (relation)
JOIN pg_catalog.pg_attribute a ON a.attrelid = x.relation::regclass
{_COLUMN_JOINS}
WHERE a.attnum > 0 AND NOT a.attisdropped
GROUP BY x.relation
"""


def views(catalogs: Catalogs) -> str:
    definition = json_object(
        definition="pg_catalog.pg_get_viewdef(c.oid)",
        options="pg_catalog.to_jsonb(c.reloptions)",
        toast_options="pg_catalog.to_jsonb(toast.reloptions)",
        depends_on="needs.names",
        populated="CASE WHEN c.relkind = 'm' THEN c.relispopulated END",
        access_method="am.amname",
        tablespace="spc.spcname",
    )
    return f"""
SELECT CASE c.relkind WHEN 'v' THEN 'view' ELSE 'materialized-view' END, r.name, r.part,
  {definition}
FROM rel r
JOIN pg_catalog.pg_class c ON c.oid = r.oid
LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam
LEFT JOIN pg_catalog.pg_class toast ON toast.oid = c.reltoastrelid
LEFT JOIN pg_catalog.pg_tablespace spc ON spc.oid = c.reltablespace
LEFT JOIN {needed_extensions("pg_class")} needs ON needs.objid = c.oid
WHERE r.relkind IN ('v', 'm')
"""


def sequences(catalogs: Catalogs) -> str:
    """Parameters and owner; `sequences.read_sequence_states` reads the values."""
    persistence = catalogs.column("pg_class", "c", "relpersistence")
    definition = json_object(
        type="pg_catalog.format_type(s.seqtypid, NULL)",
        start="s.seqstart",
        increment="s.seqincrement",
        min="s.seqmin",
        max="s.seqmax",
        cache="s.seqcache",
        cycle="NULLIF(s.seqcycle, false)",
        persistence=persistence,
        owned_by="own.name",
    )
    return f"""
SELECT 'sequence', r.name, r.part, {definition}
FROM rel r
JOIN pg_catalog.pg_class c ON c.oid = r.oid
JOIN pg_catalog.pg_sequence s ON s.seqrelid = r.oid
LEFT JOIN LATERAL (
  SELECT CASE d.deptype WHEN 'i' THEN 'identity ' ELSE '' END
    || d.refobjid::regclass::text || '.' || pg_catalog.quote_ident(a.attname) AS name
  FROM pg_catalog.pg_depend d
  JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
  WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = r.oid
    AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i')
  LIMIT 1
) own ON true
"""
