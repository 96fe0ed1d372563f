"""Types and collations.

https://www.postgresql.org/docs/current/catalogs.html: pg_type, pg_enum, pg_range, pg_constraint,
pg_collation.
"""

from tswizard.core.catalog.tables import in_user_schema, not_member
from tswizard.core.verify.schema.catalog_sql import Catalogs, json_object

_NAME = "pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.typname)"
_FROM = """
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
"""
_WHERE = f"{in_user_schema()} AND {not_member('pg_type', 't.oid')}"


def enums(_catalogs: Catalogs) -> str:
    """The labels in their order; their enumsortorder is not part of the type."""
    definition = json_object(
        labels="""(
      SELECT pg_catalog.jsonb_agg(e.enumlabel ORDER BY e.enumsortorder)
      FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid)"""
    )
    return (
        f"SELECT 'enum', {_NAME}, NULL::text, {definition} {_FROM} "
        f"WHERE t.typtype = 'e' AND {_WHERE}"
    )


def composites(_catalogs: Catalogs) -> str:
    """Types made by CREATE TYPE … AS, not the row types of tables."""
    definition = json_object(
        attributes="""(
      SELECT pg_catalog.jsonb_agg(pg_catalog.concat_ws(' ', pg_catalog.quote_ident(a.attname),
          pg_catalog.format_type(a.atttypid, a.atttypmod),
          CASE WHEN a.attcollation <> y.typcollation
            THEN 'collate ' || a.attcollation::regcollation::text END) ORDER BY a.attnum)
      FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
      WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)"""
    )
    return f"""
SELECT 'composite-type', {_NAME}, NULL::text, {definition} {_FROM}
JOIN pg_catalog.pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
WHERE t.typtype = 'c' AND {_WHERE}
"""


def domains(_catalogs: Catalogs) -> str:
    definition = json_object(
        type="pg_catalog.format_type(t.typbasetype, t.typtypmod)",
        not_null="NULLIF(t.typnotnull, false)",
        default="t.typdefault",
        collation="""(
      SELECT t.typcollation::regcollation::text FROM pg_catalog.pg_type b
      WHERE b.oid = t.typbasetype AND b.typcollation <> t.typcollation)""",
        constraints="""(
      SELECT pg_catalog.jsonb_object_agg(c.conname, pg_catalog.pg_get_constraintdef(c.oid))
      FROM pg_catalog.pg_constraint c WHERE c.contypid = t.oid AND c.contype = 'c')""",
    )
    return (
        f"SELECT 'domain', {_NAME}, NULL::text, {definition} {_FROM} "
        f"WHERE t.typtype = 'd' AND {_WHERE}"
    )


def ranges(catalogs: Catalogs) -> str:
    multirange = catalogs.column("pg_range", "r", "rngmultitypid", "0::oid")
    definition = json_object(
        subtype="pg_catalog.format_type(r.rngsubtype, NULL)",
        collation="NULLIF(r.rngcollation, 0)::regcollation::text",
        operator_class="""(
      SELECT pg_catalog.quote_ident(cn.nspname) || '.' || pg_catalog.quote_ident(c.opcname)
      FROM pg_catalog.pg_opclass c JOIN pg_catalog.pg_namespace cn ON cn.oid = c.opcnamespace
      WHERE c.oid = r.rngsubopc)""",
        canonical="NULLIF(r.rngcanonical::oid, 0)::regproc::text",
        difference="NULLIF(r.rngsubdiff::oid, 0)::regproc::text",
        multirange=f"NULLIF({multirange}, 0)::regtype::text",
    )
    return f"""
SELECT 'range-type', {_NAME}, NULL::text, {definition} {_FROM}
JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid
WHERE t.typtype = 'r' AND {_WHERE}
"""


def base_types(_catalogs: Catalogs) -> str:
    """Base types and shell types; array types come with their element types."""
    definition = json_object(
        input="NULLIF(t.typinput::oid, 0)::regproc::text",
        output="NULLIF(t.typoutput::oid, 0)::regproc::text",
        receive="NULLIF(t.typreceive::oid, 0)::regproc::text",
        send="NULLIF(t.typsend::oid, 0)::regproc::text",
        length="t.typlen",
        by_value="t.typbyval",
        alignment="t.typalign",
        storage="t.typstorage",
        category="t.typcategory",
        preferred="t.typispreferred",
        delimiter="t.typdelim",
        default="t.typdefault",
        defined="t.typisdefined",
    )
    return f"""
SELECT 'base-type', {_NAME}, NULL::text, {definition} {_FROM}
WHERE (t.typtype = 'b' OR (t.typtype = 'p' AND NOT t.typisdefined)) AND {_WHERE}
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.typarray = t.oid)
"""


def collations(catalogs: Catalogs) -> str:
    """ICU's rules moved from collcollate to colliculocale to colllocale (PostgreSQL 15, 17)."""
    locales = [
        f"c.{column}"
        for column in ("colllocale", "colliculocale", "collcollate")
        if catalogs.has("pg_collation", column)
    ]
    definition = json_object(
        provider="c.collprovider",
        deterministic="c.collisdeterministic",
        locale=f"COALESCE({', '.join(f'{locale}::text' for locale in locales)})",
        ctype="c.collctype",
        rules=catalogs.column("pg_collation", "c", "collicurules"),
        version="c.collversion",
    )
    return f"""
SELECT 'collation', pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.collname),
  NULL::text, {definition}
FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
WHERE {in_user_schema()} AND {not_member("pg_collation", "c.oid")}
"""
