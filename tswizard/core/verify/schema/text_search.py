"""Text search: configurations, dictionaries, parsers, templates.

https://www.postgresql.org/docs/current/catalogs.html: pg_ts_config, pg_ts_dict, pg_ts_parser,
pg_ts_template.
"""

from tswizard.core.catalog.tables import in_user_schema, not_member
from tswizard.core.verify.schema.catalog_sql import Catalogs, json_object


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
