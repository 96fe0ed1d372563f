"""Comments, security labels, settings of the database, publications, text search, foreign data.

https://www.postgresql.org/docs/current/catalogs.html: pg_description, pg_seclabel,
pg_db_role_setting, pg_publication, pg_subscription, pg_ts_config, pg_ts_dict, pg_ts_parser,
pg_ts_template, pg_foreign_data_wrapper, pg_foreign_server, pg_user_mappings.
"""

from tswizard.core.catalog.tables import not_member
from tswizard.core.verify.schema.catalog_sql import (
    Catalogs,
    in_user_schema,
    json_object,
    role_name,
    user_relations,
)

# Comments on what comes with PostgreSQL are below this number; `public` is too, but is dumped.
# Large objects have whatever number somebody gave them.
_OURS = """(d.objoid >= 16384 OR d.classoid = 'pg_catalog.pg_largeobject'::regclass
    OR (d.classoid = 'pg_catalog.pg_namespace'::regclass AND d.objoid = 'public'::regnamespace))
  AND d.classoid <> 'pg_catalog.pg_extension'::regclass"""


def comments(catalogs: Catalogs) -> str:
    """Comments, but those that an extension brought along (it brings them again)."""
    return f"""{user_relations(catalogs.shape)}
SELECT 'comment', i.type || ' ' || i.identity, r.part, {json_object(text="d.description")}
FROM pg_catalog.pg_description d
LEFT JOIN rel r ON r.oid = d.objoid AND d.classoid = 'pg_catalog.pg_class'::regclass
CROSS JOIN LATERAL pg_catalog.pg_identify_object(d.classoid, d.objoid, d.objsubid) i
WHERE {_OURS} AND {_not_extension("d")} AND COALESCE(i.schema, '') <> '_tswizard'
"""


def security_labels(_catalogs: Catalogs) -> str:
    return f"""
SELECT 'security-label', s.provider || ' on ' || i.type || ' ' || i.identity, NULL::text,
  {json_object(label="s.label")}
FROM pg_catalog.pg_seclabel s
CROSS JOIN LATERAL pg_catalog.pg_identify_object(s.classoid, s.objoid, s.objsubid) i
"""


def _not_extension(alias: str) -> str:
    return f"""NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend x
    WHERE x.classid = {alias}.classoid AND x.objid = {alias}.objoid AND x.deptype = 'e')"""


def database_settings(_catalogs: Catalogs) -> str:
    """ALTER DATABASE … SET and ALTER ROLE … IN DATABASE … SET, one row a setting.

    pg_dump carries them with --create only, and a cloud does not let one create the database:
    https://www.postgresql.org/docs/current/app-pgdump.html. TimescaleDB keeps its restore mode
    there.
    """
    name = "pg_catalog.split_part(c.setting, '=', 1)"
    of_role = (
        "CASE WHEN s.setrole <> 0 THEN "
        "' for role ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(s.setrole)) ELSE '' END"
    )
    value = f"pg_catalog.substr(c.setting, pg_catalog.length({name}) + 2)"
    return f"""
SELECT 'database-setting', {name} || {of_role}, NULL::text, {json_object(value=value)}
FROM pg_catalog.pg_db_role_setting s
JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS c (setting)
WHERE d.datname = pg_catalog.current_database() AND {name} <> 'timescaledb.restoring'
"""


def publications(catalogs: Catalogs) -> str:
    """With their tables, columns and row filters; whole schemas since PostgreSQL 15."""
    column_list, row_filter, schemas = "NULL", "NULL", "NULL"
    if catalogs.has("pg_publication_rel", "prattrs"):
        column_list = "pr.prattrs::text"
        row_filter = "pg_catalog.pg_get_expr(pr.prqual, pr.prrelid)"
    if catalogs.has("pg_publication_namespace"):
        schemas = """(
      SELECT pg_catalog.jsonb_agg(pn.pnnspid::regnamespace::text
                                  ORDER BY pn.pnnspid::regnamespace::text)
      FROM pg_catalog.pg_publication_namespace pn WHERE pn.pnpubid = p.oid)"""
    definition = json_object(
        properties="pg_catalog.to_jsonb(p) - 'oid' - 'pubowner' - 'pubname'",
        tables=f"""(
      SELECT pg_catalog.jsonb_agg(x.line ORDER BY x.line) FROM (
        SELECT pg_catalog.concat_ws(' ', pr.prrelid::regclass::text, {column_list},
          {row_filter}) AS line
        FROM pg_catalog.pg_publication_rel pr WHERE pr.prpubid = p.oid) x)""",
        schemas=schemas,
    )
    return f"""
SELECT 'publication', pg_catalog.quote_ident(p.pubname), NULL::text, {definition}
FROM pg_catalog.pg_publication p
WHERE {not_member("pg_publication", "p.oid")}
"""


def subscriptions(_catalogs: Catalogs) -> str:
    """Only the columns that everybody may read: the connection holds a password."""
    definition = json_object(
        publications="pg_catalog.to_jsonb(s.subpublications)",
        slot="s.subslotname",
        enabled="s.subenabled",
        synchronous_commit="s.subsynccommit",
    )
    return f"""
SELECT 'subscription', pg_catalog.quote_ident(s.subname), NULL::text, {definition}
FROM pg_catalog.pg_subscription s
JOIN pg_catalog.pg_database d ON d.oid = s.subdbid
WHERE d.datname = pg_catalog.current_database()
"""


def text_search_configurations(_catalogs: Catalogs) -> str:
    definition = json_object(
        parser="""(
      SELECT pg_catalog.quote_ident(pn.nspname) || '.' || pg_catalog.quote_ident(p.prsname)
      FROM pg_catalog.pg_ts_parser p JOIN pg_catalog.pg_namespace pn ON pn.oid = p.prsnamespace
      WHERE p.oid = c.cfgparser)""",
        mapping="""(
      SELECT pg_catalog.jsonb_agg(pg_catalog.concat_ws(' ', m.maptokentype, m.mapseqno,
          m.mapdict::regdictionary::text) ORDER BY m.maptokentype, m.mapseqno)
      FROM pg_catalog.pg_ts_config_map m WHERE m.mapcfg = c.oid)""",
    )
    return _text_search("configuration", "pg_ts_config", "cfg", definition)


def text_search_dictionaries(_catalogs: Catalogs) -> str:
    definition = json_object(
        template="""(
      SELECT pg_catalog.quote_ident(tn.nspname) || '.' || pg_catalog.quote_ident(t.tmplname)
      FROM pg_catalog.pg_ts_template t JOIN pg_catalog.pg_namespace tn ON tn.oid = t.tmplnamespace
      WHERE t.oid = c.dicttemplate)""",
        options="c.dictinitoption",
    )
    return _text_search("dictionary", "pg_ts_dict", "dict", definition)


def text_search_parsers(_catalogs: Catalogs) -> str:
    definition = json_object(
        start="c.prsstart::regproc::text",
        next="c.prstoken::regproc::text",
        end="c.prsend::regproc::text",
        headline="c.prsheadline::regproc::text",
        types="c.prslextype::regproc::text",
    )
    return _text_search("parser", "pg_ts_parser", "prs", definition)


def text_search_templates(_catalogs: Catalogs) -> str:
    definition = json_object(init="c.tmplinit::regproc::text", lexize="c.tmpllexize::regproc::text")
    return _text_search("template", "pg_ts_template", "tmpl", definition)


def _text_search(what: str, catalog: str, prefix: str, definition: str) -> str:
    return f"""
SELECT 'text-search-{what}', pg_catalog.quote_ident(n.nspname) || '.'
    || pg_catalog.quote_ident(c.{prefix}name), NULL::text, {definition}
FROM pg_catalog.{catalog} c JOIN pg_catalog.pg_namespace n ON n.oid = c.{prefix}namespace
WHERE {in_user_schema()} AND {not_member(catalog, "c.oid")}
"""


def foreign_data_wrappers(_catalogs: Catalogs) -> str:
    """Options of foreign data are compared, never shown: they may hold passwords."""
    definition = json_object(
        handler="NULLIF(w.fdwhandler, 0)::regproc::text",
        validator="NULLIF(w.fdwvalidator, 0)::regproc::text",
        hidden_options="pg_catalog.to_jsonb(w.fdwoptions)",
    )
    return f"""
SELECT 'foreign-data-wrapper', pg_catalog.quote_ident(w.fdwname), NULL::text, {definition}
FROM pg_catalog.pg_foreign_data_wrapper w
WHERE {not_member("pg_foreign_data_wrapper", "w.oid")}
"""


def foreign_servers(_catalogs: Catalogs) -> str:
    definition = json_object(
        wrapper="w.fdwname",
        type="s.srvtype",
        version="s.srvversion",
        hidden_options="pg_catalog.to_jsonb(s.srvoptions)",
    )
    return f"""
SELECT 'foreign-server', pg_catalog.quote_ident(s.srvname), NULL::text, {definition}
FROM pg_catalog.pg_foreign_server s
JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw
WHERE {not_member("pg_foreign_server", "s.oid")}
"""


def user_mappings(_catalogs: Catalogs) -> str:
    """The view shows the options only to those who may see them."""
    return f"""
SELECT 'user-mapping', {role_name("m.umuser")} || ' on ' || pg_catalog.quote_ident(m.srvname),
  NULL::text, {json_object(hidden_options="pg_catalog.to_jsonb(m.umoptions)")}
FROM pg_catalog.pg_user_mappings m
"""
