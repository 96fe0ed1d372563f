"""What belongs to tables: constraints, indexes, triggers, rules, policies, statistics.

https://www.postgresql.org/docs/current/catalogs.html: pg_constraint, pg_index, pg_trigger,
pg_event_trigger, pg_rewrite, pg_policy, pg_statistic_ext.
"""

from tswizard.core.catalog.tables import in_user_schema, not_member
from tswizard.core.verify.schema.catalog_sql import (
    Catalogs,
    json_object,
    needed_extensions,
    role_name,
)


def constraints(catalogs: Catalogs) -> str:
    """Constraints of tables, including those of chunks; `types` reads those of domains.

    A foreign key to a hypertable has a copy for each of its chunks, under a generated name, so it
    is identified by its definition. One to a partitioned table has, under generated names, a part
    for each of its partitions, which is left out: it is not dumped. A foreign key whose internal
    triggers are disabled exists and checks nothing. NOT NULL constraints (in the catalog since
    PostgreSQL 18) of chunks show in their columns.
    """
    definition = json_object(
        definition="pg_catalog.pg_get_constraintdef(c.oid)",
        validated="c.convalidated",
        enforced=catalogs.column("pg_constraint", "c", "conenforced", "true"),
        local="NULLIF(c.conislocal, true)",
        triggers="t.firing",
    )
    return f"""
SELECT CASE c.contype WHEN 'p' THEN 'primary-key' WHEN 'u' THEN 'unique-constraint'
    WHEN 'f' THEN 'foreign-key' WHEN 'c' THEN 'check' WHEN 'x' THEN 'exclusion-constraint'
    ELSE 'not-null-constraint' END,
  r.name || CASE WHEN f.part IS NULL THEN '.' || pg_catalog.quote_ident(c.conname)
                 ELSE ': ' || pg_catalog.pg_get_constraintdef(c.oid) END,
  COALESCE(r.part, f.part), {definition}
FROM rel r
JOIN pg_catalog.pg_constraint c ON c.conrelid = r.oid
LEFT JOIN rel f ON f.oid = c.confrelid
LEFT JOIN (
  SELECT tgconstraint, pg_catalog.string_agg(DISTINCT tgenabled::text, '') AS firing
  FROM pg_catalog.pg_trigger WHERE tgisinternal GROUP BY 1
) t ON t.tgconstraint = c.oid AND c.contype = 'f'
WHERE c.contype IN ('p', 'u', 'f', 'c', 'x', 'n') AND NOT (c.contype = 'n' AND r.part IS NOT NULL)
  AND NOT (c.contype = 'f' AND f.part IS NULL AND EXISTS (
    SELECT FROM pg_catalog.pg_constraint up
    WHERE up.oid = c.conparentid AND up.conrelid = c.conrelid))
"""


def indexes(catalogs: Catalogs) -> str:
    """Indexes of tables and materialized views, with flags that their definition lacks."""
    definition = json_object(
        definition="pg_catalog.pg_get_indexdef(i.indexrelid)",
        valid="i.indisvalid",
        clustered="NULLIF(i.indisclustered, false)",
        replica_identity="NULLIF(i.indisreplident, false)",
        immediate="i.indimmediate",
        tablespace="spc.spcname",
        attached_to="""(
      SELECT h.inhparent::regclass::text FROM pg_catalog.pg_inherits h
      WHERE h.inhrelid = i.indexrelid)""",
        statistics="""(
      SELECT pg_catalog.jsonb_agg(a.attnum || ':' || a.attstattarget ORDER BY a.attnum)
      FROM pg_catalog.pg_attribute a
      WHERE a.attrelid = i.indexrelid AND COALESCE(a.attstattarget, -1) >= 0)""",
        depends_on="needs.names",
    )
    return f"""
SELECT 'index',
  pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), r.part,
  {definition}
FROM rel r
JOIN pg_catalog.pg_index i ON i.indrelid = r.oid
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_tablespace spc ON spc.oid = c.reltablespace
LEFT JOIN {needed_extensions("pg_class")} needs ON needs.objid = i.indexrelid
"""


def triggers(catalogs: Catalogs) -> str:
    definition = json_object(
        definition="pg_catalog.pg_get_triggerdef(t.oid)",
        enabled="t.tgenabled",
        depends_on="needs.names",
    )
    return f"""
SELECT 'trigger', r.name || '.' || pg_catalog.quote_ident(t.tgname), r.part, {definition}
FROM rel r
JOIN pg_catalog.pg_trigger t ON t.tgrelid = r.oid
LEFT JOIN {needed_extensions("pg_trigger")} needs ON needs.objid = t.oid
WHERE NOT t.tgisinternal
"""


def event_triggers(_catalogs: Catalogs) -> str:
    definition = json_object(
        event="e.evtevent",
        function="e.evtfoid::regprocedure::text",
        enabled="e.evtenabled",
        tags="pg_catalog.to_jsonb(e.evttags)",
    )
    return f"""
SELECT 'event-trigger', pg_catalog.quote_ident(e.evtname), NULL::text, {definition}
FROM pg_catalog.pg_event_trigger e
WHERE {not_member("pg_event_trigger", "e.oid")}
"""


def rules(catalogs: Catalogs) -> str:
    """Rules, except the _RETURN rule of a view."""
    definition = json_object(definition="pg_catalog.pg_get_ruledef(w.oid)", enabled="w.ev_enabled")
    return f"""
SELECT 'rule', r.name || '.' || pg_catalog.quote_ident(w.rulename), r.part, {definition}
FROM rel r
JOIN pg_catalog.pg_rewrite w ON w.ev_class = r.oid
WHERE w.rulename <> '_RETURN'
"""


def policies(catalogs: Catalogs) -> str:
    definition = json_object(
        command="p.polcmd",
        permissive="p.polpermissive",
        roles=f"""(
      SELECT pg_catalog.jsonb_agg({role_name("x.oid")} ORDER BY {role_name("x.oid")})
      FROM pg_catalog.unnest(p.polroles) AS x (oid))""",
        using="pg_catalog.pg_get_expr(p.polqual, p.polrelid)",
        with_check="pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)",
    )
    return f"""
SELECT 'policy', r.name || '.' || pg_catalog.quote_ident(p.polname), r.part, {definition}
FROM rel r
JOIN pg_catalog.pg_policy p ON p.polrelid = r.oid
"""


def statistics(catalogs: Catalogs) -> str:
    definition = json_object(
        definition="pg_catalog.pg_get_statisticsobjdef(s.oid)",
        target="NULLIF(COALESCE("
        + catalogs.column("pg_statistic_ext", "s", "stxstattarget", "-1")
        + ", -1), -1)",
    )
    return f"""
SELECT 'statistics-object',
  pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(s.stxname), r.part,
  {definition}
FROM rel r
JOIN pg_catalog.pg_statistic_ext s ON s.stxrelid = r.oid
JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
WHERE {in_user_schema()} AND {not_member("pg_statistic_ext", "s.oid")}
"""
