"""What belongs to the database itself: settings made by ALTER DATABASE and ALTER ROLE … IN DATABASE
(pg_db_role_setting), its privileges, connection limit and comment (pg_database)."""

from tswizard.core.catalog.database_properties import PROPERTIES
from tswizard.core.verify.schema.catalog_sql import Catalogs, json_object


def database_settings(_catalogs: Catalogs) -> str:
    """ALTER DATABASE … SET and ALTER ROLE … IN DATABASE … SET, one row per setting.

    pg_dump dumps them with --create only, and the cloud does not allow CREATE DATABASE:
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


def database_properties(_catalogs: Catalogs) -> str:
    """Privileges, connection limit and comment, where they are not the default.

    Who owns the database differs by nature, and owners have all privileges: theirs are marked, and
    compared with nothing. The comment is not initdb's.
    """
    value = json_object(value="x.value", owner="x.owner")
    return f"""
SELECT 'database-setting', x.name, NULL::text, {value}
FROM ({PROPERTIES}) x (name, value, owner)
"""
