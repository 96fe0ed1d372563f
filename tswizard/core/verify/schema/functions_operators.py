"""Functions and what is built on them: operators, casts, languages, conversions.

https://www.postgresql.org/docs/current/catalogs.html: pg_proc, pg_aggregate, pg_operator,
pg_opclass, pg_opfamily, pg_cast, pg_transform, pg_conversion, pg_language, pg_am.
"""

from tswizard.core.catalog.tables import in_user_schema, not_member
from tswizard.core.verify.schema.catalog_sql import (
    FIRST_NORMAL,
    Catalogs,
    json_object,
    needed_extensions,
)


def functions(_catalogs: Catalogs) -> str:
    """Functions, procedures, aggregate and window functions with their full definitions."""
    aggregate = json_object(
        result="pg_catalog.pg_get_function_result(p.oid)",
        arguments="pg_catalog.pg_get_function_arguments(p.oid)",
        parallel="p.proparallel",
        kind="a.aggkind",
        step="a.aggtransfn::regproc::text",
        final="a.aggfinalfn::regproc::text",
        combine="a.aggcombinefn::regproc::text",
        serial="a.aggserialfn::regproc::text",
        deserial="a.aggdeserialfn::regproc::text",
        moving_step="a.aggmtransfn::regproc::text",
        moving_inverse="a.aggminvtransfn::regproc::text",
        moving_final="a.aggmfinalfn::regproc::text",
        final_modify="a.aggfinalmodify",
        final_extra="a.aggfinalextra",
        sort="a.aggsortop::regoperator::text",
        state="pg_catalog.format_type(a.aggtranstype, NULL)",
        state_size="a.aggtransspace",
        start="a.agginitval",
        moving_start="a.aggminitval",
        depends_on="needs.names",
    )
    text = json_object(definition="pg_catalog.pg_get_functiondef(p.oid)", depends_on="needs.names")
    return f"""
SELECT CASE p.prokind WHEN 'f' THEN 'function' WHEN 'p' THEN 'procedure'
    WHEN 'a' THEN 'aggregate' ELSE 'window-function' END,
  pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.proname) || '('
    || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')',
  NULL::text,
  CASE WHEN p.prokind = 'a' THEN {aggregate} ELSE {text} END
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
LEFT JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = p.oid
LEFT JOIN {needed_extensions("pg_proc")} needs ON needs.objid = p.oid
WHERE {in_user_schema()} AND {not_member("pg_proc", "p.oid")}
"""


def operators(_catalogs: Catalogs) -> str:
    definition = json_object(
        function="o.oprcode::regprocedure::text",
        result="pg_catalog.format_type(o.oprresult, NULL)",
        commutator="NULLIF(o.oprcom, 0)::regoperator::text",
        negator="NULLIF(o.oprnegate, 0)::regoperator::text",
        restrict="NULLIF(o.oprrest::oid, 0)::regproc::text",
        join="NULLIF(o.oprjoin::oid, 0)::regproc::text",
        hashes="o.oprcanhash",
        merges="o.oprcanmerge",
    )
    return f"""
SELECT 'operator', o.oid::regoperator::text, NULL::text, {definition}
FROM pg_catalog.pg_operator o
JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
WHERE {in_user_schema()} AND {not_member("pg_operator", "o.oid")}
"""


def operator_classes(_catalogs: Catalogs) -> str:
    definition = json_object(
        type="pg_catalog.format_type(c.opcintype, NULL)",
        family="pg_catalog.quote_ident(fn.nspname) || '.' || pg_catalog.quote_ident(f.opfname)",
        default="c.opcdefault",
        key="NULLIF(c.opckeytype, 0)::regtype::text",
    )
    return f"""
SELECT 'operator-class', pg_catalog.quote_ident(n.nspname) || '.'
    || pg_catalog.quote_ident(c.opcname) || ' using ' || am.amname, NULL::text, {definition}
FROM pg_catalog.pg_opclass c
JOIN pg_catalog.pg_namespace n ON n.oid = c.opcnamespace
JOIN pg_catalog.pg_am am ON am.oid = c.opcmethod
JOIN pg_catalog.pg_opfamily f ON f.oid = c.opcfamily
JOIN pg_catalog.pg_namespace fn ON fn.oid = f.opfnamespace
WHERE {in_user_schema()} AND {not_member("pg_opclass", "c.oid")}
"""


def operator_families(_catalogs: Catalogs) -> str:
    definition = json_object(
        operators="""(
      SELECT pg_catalog.jsonb_agg(x.line ORDER BY x.line) FROM (
        SELECT pg_catalog.concat_ws(' ', o.amopstrategy, o.amoppurpose,
          o.amopopr::regoperator::text) AS line
        FROM pg_catalog.pg_amop o WHERE o.amopfamily = f.oid) x)""",
        functions="""(
      SELECT pg_catalog.jsonb_agg(x.line ORDER BY x.line) FROM (
        SELECT pg_catalog.concat_ws(' ', p.amprocnum,
          pg_catalog.format_type(p.amproclefttype, NULL),
          pg_catalog.format_type(p.amprocrighttype, NULL), p.amproc::regprocedure::text) AS line
        FROM pg_catalog.pg_amproc p WHERE p.amprocfamily = f.oid) x)""",
    )
    return f"""
SELECT 'operator-family', pg_catalog.quote_ident(n.nspname) || '.'
    || pg_catalog.quote_ident(f.opfname) || ' using ' || am.amname, NULL::text, {definition}
FROM pg_catalog.pg_opfamily f
JOIN pg_catalog.pg_namespace n ON n.oid = f.opfnamespace
JOIN pg_catalog.pg_am am ON am.oid = f.opfmethod
WHERE {in_user_schema()} AND {not_member("pg_opfamily", "f.oid")}
"""


def casts(_catalogs: Catalogs) -> str:
    definition = json_object(
        function="NULLIF(c.castfunc, 0)::regprocedure::text",
        context="c.castcontext",
        method="c.castmethod",
    )
    return f"""
SELECT 'cast', pg_catalog.format_type(c.castsource, NULL) || ' as '
    || pg_catalog.format_type(c.casttarget, NULL), NULL::text, {definition}
FROM pg_catalog.pg_cast c
WHERE c.oid >= {FIRST_NORMAL} AND {not_member("pg_cast", "c.oid")}
  AND NOT EXISTS (  -- the cast from a range type to its multirange
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_cast'::regclass AND d.objid = c.oid AND d.deptype = 'i')
"""


def transforms(_catalogs: Catalogs) -> str:
    definition = json_object(
        from_sql="NULLIF(t.trffromsql::oid, 0)::regprocedure::text",
        to_sql="NULLIF(t.trftosql::oid, 0)::regprocedure::text",
    )
    return f"""
SELECT 'transform', pg_catalog.format_type(t.trftype, NULL) || ' for ' || l.lanname, NULL::text,
  {definition}
FROM pg_catalog.pg_transform t JOIN pg_catalog.pg_language l ON l.oid = t.trflang
WHERE {not_member("pg_transform", "t.oid")}
"""


def conversions(_catalogs: Catalogs) -> str:
    definition = json_object(
        source="pg_catalog.pg_encoding_to_char(c.conforencoding)",
        target="pg_catalog.pg_encoding_to_char(c.contoencoding)",
        function="c.conproc::regproc::text",
        default="c.condefault",
    )
    return f"""
SELECT 'conversion', pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.conname),
  NULL::text, {definition}
FROM pg_catalog.pg_conversion c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
WHERE {in_user_schema()} AND {not_member("pg_conversion", "c.oid")}
"""


def languages(_catalogs: Catalogs) -> str:
    definition = json_object(
        trusted="l.lanpltrusted",
        handler="NULLIF(l.lanplcallfoid, 0)::regproc::text",
        inline="NULLIF(l.laninline, 0)::regproc::text",
        validator="NULLIF(l.lanvalidator, 0)::regproc::text",
    )
    return f"""
SELECT 'language', pg_catalog.quote_ident(l.lanname), NULL::text, {definition}
FROM pg_catalog.pg_language l
WHERE l.oid >= {FIRST_NORMAL} AND {not_member("pg_language", "l.oid")}
"""


def access_methods(_catalogs: Catalogs) -> str:
    definition = json_object(handler="a.amhandler::regproc::text", type="a.amtype")
    return f"""
SELECT 'access-method', pg_catalog.quote_ident(a.amname), NULL::text, {definition}
FROM pg_catalog.pg_am a
WHERE a.oid >= {FIRST_NORMAL} AND {not_member("pg_am", "a.oid")}
"""
