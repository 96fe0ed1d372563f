"""Foreign data wrappers, servers and user mappings.

https://www.postgresql.org/docs/current/catalogs.html: pg_foreign_data_wrapper, pg_foreign_server,
pg_user_mappings.
"""

from tswizard.core.catalog.tables import not_member
from tswizard.core.verify.schema.catalog_sql import Catalogs, json_object, role_name, sorted_options


def foreign_data_wrappers(_catalogs: Catalogs) -> str:
    """Options of foreign data are compared, never shown: they may contain passwords."""
    definition = json_object(
        handler="NULLIF(w.fdwhandler, 0)::regproc::text",
        validator="NULLIF(w.fdwvalidator, 0)::regproc::text",
        hidden_options=sorted_options("w.fdwoptions"),
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
        hidden_options=sorted_options("s.srvoptions"),
    )
    return f"""
SELECT 'foreign-server', pg_catalog.quote_ident(s.srvname), NULL::text, {definition}
FROM pg_catalog.pg_foreign_server s
JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw
WHERE {not_member("pg_foreign_server", "s.oid")}
"""


# As in the view pg_user_mappings, which shows the options to these only.
_SHOWN = """(
  (m.umuser <> 0 AND m.usename = CURRENT_USER
    AND (pg_catalog.pg_has_role(s.srvowner, 'USAGE')
      OR pg_catalog.has_server_privilege(s.oid, 'USAGE')))
  OR (m.umuser = 0 AND pg_catalog.pg_has_role(s.srvowner, 'USAGE'))
  OR (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = CURRENT_USER))"""


def user_mappings(_catalogs: Catalogs) -> str:
    """Options, or that this role may not see them; no options look like those that it may not."""
    definition = json_object(
        hidden_options=sorted_options("m.umoptions"),
        unseen=f"NULLIF(NOT {_SHOWN}, false)",
    )
    return f"""
SELECT 'user-mapping', {role_name("m.umuser")} || ' on ' || pg_catalog.quote_ident(m.srvname),
  NULL::text, {definition}
FROM pg_catalog.pg_user_mappings m
JOIN pg_catalog.pg_foreign_server s ON s.oid = m.srvid
"""
