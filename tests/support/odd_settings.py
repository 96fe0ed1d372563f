"""Settings of a database, all unlike those that our sessions ask for."""

from psycopg import sql

from tswizard.core.db.connection import connected, rows
from tswizard.core.db.endpoint import Endpoint

ODD = {
    "search_path": "public",
    "DateStyle": "German, DMY",
    "IntervalStyle": "iso_8601",
    "TimeZone": "Asia/Kolkata",
    "extra_float_digits": "-3",
    "bytea_output": "escape",
    "xmloption": "document",
    "xmlbinary": "hex",
    "array_nulls": "off",
    "quote_all_identifiers": "on",
    "transform_null_equals": "on",
    "statement_timeout": "9s",
    "lock_timeout": "9s",
    "idle_in_transaction_session_timeout": "9s",
    "default_transaction_isolation": "serializable",
    "default_transaction_read_only": "on",
    "default_transaction_deferrable": "on",
    "client_min_messages": "error",
    "jit": "on",
    "synchronize_seqscans": "off",
    "idle_session_timeout": "9s",
    "timescaledb.enable_transparent_decompression": "off",
    "timescaledb.enable_columnarscan": "off",
}
"""Not every version of TimescaleDB has both of its own."""


async def set_oddly(*ends: Endpoint) -> frozenset[str]:
    """From now on for every session that does not ask for anything; what was set."""
    for end in ends:
        async with connected(end) as connection:
            names = {name for (name,) in await rows(connection, _KNOWN, (list(ODD),))}
            database = sql.Identifier(end.get("dbname"))
            for name in names:
                parts = sql.SQL(", ").join(sql.Literal(part) for part in ODD[name].split(", "))
                statement = "ALTER DATABASE {} SET " + name + " = {}"
                await connection.execute(sql.SQL(statement).format(database, parts))
    return frozenset(names)


_KNOWN = "SELECT name FROM pg_catalog.pg_settings WHERE name = ANY (%s)"
