"""Publications and subscriptions of logical replication.

https://www.postgresql.org/docs/current/catalogs.html: pg_publication, pg_publication_rel,
pg_publication_namespace, pg_subscription.
"""

from tswizard.core.catalog.tables import not_member
from tswizard.core.verify.schema.catalog_sql import Catalogs, json_object


def publications(catalogs: Catalogs) -> str:
    """With their tables, column lists by name and row filters; with schemas since PostgreSQL 15.

    Numbers of columns differ after a restore where columns were dropped.
    """
    column_list, row_filter, schemas = "NULL", "NULL", "NULL"
    if catalogs.has("pg_publication_rel", "prattrs"):
        column_list = """(
          SELECT '(' || pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', '
                                              ORDER BY a.attnum) || ')'
          FROM pg_catalog.pg_attribute a
          WHERE a.attrelid = pr.prrelid AND a.attnum = ANY (pr.prattrs::int2[]))"""
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
    """Only the columns that everybody may read: the conninfo contains a password."""
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
