"""What every session of ours sets, so that nothing hangs on what a role, a database or a client
has set (`ALTER DATABASE … SET IntervalStyle`): neither what a value or a definition looks like, nor
how long anything may take.

All is asked for with the connection itself where every server knows it. By SET it would stay behind
in another program's session if a pooler were in between; a pooler refuses what a connection asks.
"""

# https://www.postgresql.org/docs/current/runtime-config-client.html
SETTINGS = {
    # pg_catalog alone is as good as an empty search_path, and cannot be lost in quoting.
    "search_path": "pg_catalog",
    # How values are written and read.
    "DateStyle": "ISO,YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "xmloption": "content",
    "xmlbinary": "base64",
    "lc_monetary": "C",
    "array_nulls": "on",
    # How definitions are written, and SQL is read.
    "quote_all_identifiers": "off",
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
    # A night's run must outlive the role's own limits.
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "default_transaction_deferrable": "off",
    # Where what we create goes.
    "default_tablespace": "",
    "temp_tablespaces": "",
    "default_table_access_method": "heap",
    # Warnings tell which tables ANALYZE skips.
    "client_min_messages": "notice",
    "jit": "off",
    "synchronize_seqscans": "on",
    # The server soon gives back what a machine held that is no longer there.
    # https://www.postgresql.org/docs/current/runtime-config-connection.html
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "6",
}

KEEPALIVES = {
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "9",
    "tcp_user_timeout": "120000",
}
"""libpq's own, for the connection itself: a night's run must outlive idle firewalls, and a network
that has fallen silent is a lost connection after two minutes. Keepalives say so while nothing is
being sent, the timeout (on Linux) while sent data is not acknowledged, for which the kernel would
wait a quarter of an hour. No server is asked for such a timeout: it would end a session whose rows
we do not take, since the run is paused.
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-KEEPALIVES
"""

ROW_SECURITY_OFF = {"row_security": "off"}
"""For reading and writing rows: an error in place of rows that a policy hides."""

# Not every server knows these, and one that does not refuses a connection that asks for them.
_WHERE_KNOWN = {
    "idle_session_timeout": "0",  # PostgreSQL 14
    "transaction_timeout": "0",  # PostgreSQL 17
    # PostgreSQL 14: notices a killed client also in the middle of a statement.
    "client_connection_check_interval": "2s",
    # Switched off, TimescaleDB hides the rows of compressed chunks without a word: the name of
    # 2.19.3, and that of 2.28.3 (src/guc.c).
    "timescaledb.enable_transparent_decompression": "on",
    "timescaledb.enable_columnarscan": "on",
}


def transfer_encoding(source: str, target: str) -> str:
    """client_encoding for rows on their way: the databases' own if it is the same, so that nothing
    is converted; else UTF8, which either database converts or rejects."""
    return source if source == target else "UTF8"


def startup_options(given: str = "", extra: dict[str, str] | None = None) -> str:
    """libpq's `options`: those that an endpoint has already, then ours, which win."""
    asked = SETTINGS | (extra or {})
    ours = " ".join(f"-c {name}={_escaped(value)}" for name, value in asked.items())
    return f"{given} {ours}".strip()


def set_where_known() -> str:
    """A query that sets what only some servers know; to be sent once the session stands."""
    return _set(_WHERE_KNOWN, local=False)


def _reset() -> str:
    undone = (
        # In this order: the role is one of the session's user.
        "SET SESSION AUTHORIZATION DEFAULT",
        "RESET ALL",  # to what the connection asked for
        set_where_known(),
        "SELECT pg_catalog.pg_advisory_unlock_all()",
        "DISCARD TEMP",
    )
    return f"{RESET_MARK} {'; '.join(undone)}"


def set_for_transaction() -> str:
    """A query that sets everything for a transaction alone, for a pooler's session."""
    return _set({**SETTINGS, **_WHERE_KNOWN}, local=True)


def _set(settings: dict[str, str], *, local: bool) -> str:
    values = ", ".join(f"('{name}', '{value}')" for name, value in settings.items())
    return (
        f"SELECT pg_catalog.set_config(w.name, w.value, {'true' if local else 'false'}) "
        f"FROM (VALUES {values}) AS w (name, value) "
        "WHERE pg_catalog.current_setting(w.name, true) IS NOT NULL"
    )


def _escaped(value: str) -> str:
    """https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-OPTIONS"""
    return value.replace("\\", "\\\\").replace(" ", "\\ ")


RESET_MARK = "/* tswizard: reset */"
"""What RESET begins with, for whoever sees it in pg_stat_activity."""

RESET = _reset()
"""What makes a session as good as a new one, outside of a transaction."""
