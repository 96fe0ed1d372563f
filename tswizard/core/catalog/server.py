"""One server, as "test connection" sees it. Reads only."""

import asyncio
import statistics
import time
from uuid import uuid4

from psycopg import Error

from tswizard.core.catalog.inventory import Role, Server
from tswizard.core.db.connection import Connection, batch, connect_plainly, rows, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import CannotConnect
from tswizard.core.db.versions import version_key

ROUND_TRIPS = 3
SECOND_CONNECTION = 5.0
"""Seconds for a second connection to respond; with a full pool or a single backend it never may."""

# The first statement of a session may load the extension's library, and its settings with it.
_WAKE = "SELECT pg_catalog.count(*) FROM pg_catalog.pg_extension"

_FACTS = """
SELECT pg_catalog.current_setting('server_version_num')::int,
  pg_catalog.current_setting('server_version'),
  x.extversion, n.nspname,
  pg_catalog.current_setting('timescaledb.license', true),
  d.datname, pg_catalog.pg_encoding_to_char(d.encoding), d.datcollate, d.datctype,
  r.rolname, r.rolsuper, r.rolcreaterole, r.rolbypassrls,
  pg_catalog.pg_has_role(r.oid, d.datdba, 'USAGE'),
  pg_catalog.has_database_privilege(r.oid, d.oid, 'CREATE'),
  pg_catalog.pg_is_in_recovery(),
  pg_catalog.current_setting('timescaledb.restoring', true) = 'on',
  s.ssl, s.version
FROM pg_catalog.pg_database d
JOIN pg_catalog.pg_roles r ON r.rolname = CURRENT_USER
LEFT JOIN pg_catalog.pg_extension x ON x.extname = 'timescaledb'
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace
LEFT JOIN pg_catalog.pg_stat_ssl s ON s.pid = pg_catalog.pg_backend_pid()
WHERE d.datname = pg_catalog.current_database()
"""

_OFFERED = """
SELECT version FROM pg_catalog.pg_available_extension_versions WHERE name = 'timescaledb'
"""

_RESTORING = """
SELECT EXISTS (
  SELECT FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) c
  WHERE s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database
                              WHERE datname = pg_catalog.current_database()))
    AND c = 'timescaledb.restoring=on')
"""

_ADDRESS = """
SELECT pg_catalog.to_char(
    pg_catalog.pg_postmaster_start_time() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),
  (SELECT oid::bigint FROM pg_catalog.pg_database
   WHERE datname = pg_catalog.current_database())
"""

# Needs CONNECT on the database, which we have, and no lock.
_SIZE = "SELECT pg_catalog.pg_database_size(pg_catalog.current_database())"
_PID = "SELECT pg_catalog.pg_backend_pid()"

_ALL = (_FACTS, _OFFERED, _RESTORING, _ADDRESS, _SIZE, _PID)


async def read_server(endpoint: Endpoint) -> Server:
    """What "test connection" shows. Raises CannotConnect.

    Nothing is written and no transaction stays open, be it a server, a pooler, or one backend that
    serves every connection in turn.
    """
    connection = await connect_plainly(endpoint)
    try:
        try:
            return await _read(connection, endpoint)
        except Error as error:
            message = " ".join(str(error).split()).rstrip(".")
            raise CannotConnect(
                f"{endpoint.label}: connected, but reading it failed: {message}.",
                "Make sure that it is a PostgreSQL server, version 12 or later.",
            ) from None
    finally:
        await connection.close()


async def _read(connection: Connection, endpoint: Endpoint) -> Server:
    await value(connection, _WAKE)
    latency = await _latency(connection)
    found = await batch(connection, [(query, None) for query in _ALL])
    (facts,), versions, ((restored,),), ((started, oid),), ((size,),), ((pid,),) = found
    offered = sorted((v for (v,) in versions), key=version_key)
    restoring = bool(facts[16]) or bool(restored)
    pooler, concurrent = await _who_answers(connection, endpoint, pid)
    return Server(
        version_num=facts[0],
        version=facts[1],
        timescaledb=facts[2],
        timescaledb_schema=facts[3],
        timescaledb_offered=tuple(offered),
        license=facts[4],
        database=facts[5],
        encoding=facts[6],
        collate=facts[7] or "",
        ctype=facts[8] or "",
        size_bytes=int(size),
        role=Role(
            name=facts[9],
            superuser=facts[10],
            createrole=facts[11],
            bypass_rls=facts[12],
            owns_database=facts[13],
            creates=facts[14],
        ),
        in_recovery=facts[15],
        tls=_tls(connection, facts[17], facts[18]),
        latency_s=latency,
        pooler=pooler,
        concurrent=concurrent,
        restoring=restoring,
        identity=f"{started} {oid} {facts[5]}",
    )


async def _latency(connection: Connection) -> float:
    times = []
    for _ in range(ROUND_TRIPS):
        start = time.perf_counter()
        await value(connection, "SELECT 1")
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _tls(connection: Connection, server_side: bool | None, version: str | None) -> str | None:
    """The client side decides; the version is from the server, since libpq does not expose it."""
    if not connection.pgconn.ssl_in_use:
        return None
    return version if server_side and version else "TLS"


def detect_pooler(
    announced: int, pid: int, other: int | None, *, shows_through: bool
) -> tuple[bool, bool]:
    """(is there a pooler in between, do two connections get two backends).

    A server sends the pid of its backend when a session starts; a pooler sends a number of its
    own. One backend that serves every connection in turn does so too, but separates sessions,
    which a pooler does not: there, a setting of one session shows in the other. `other` is the
    backend of the second connection, None when there could be none.
    """
    concurrent = other is not None and other != pid
    pooler = pid != announced and (other != pid or shows_through)
    return pooler, concurrent


async def _who_answers(connection: Connection, endpoint: Endpoint, pid: int) -> tuple[bool, bool]:
    announced = connection.info.backend_pid
    token = uuid4().hex
    mark = "SELECT pg_catalog.set_config('tswizard.probe', %s, false)"
    other, seen = None, None
    if pid != announced:
        await value(connection, mark, [token])
    try:
        async with asyncio.timeout(SECOND_CONNECTION):
            other, seen = await _second(endpoint)
    except (TimeoutError, CannotConnect, Error):
        pass  # no second connection: that is a result too
    finally:
        if pid != announced:
            await value(connection, mark, [""])
    return detect_pooler(announced, pid, other, shows_through=seen == token)


async def _second(endpoint: Endpoint) -> tuple[int, str | None]:
    connection = await connect_plainly(endpoint)
    try:
        answer = await rows(
            connection,
            "SELECT pg_catalog.pg_backend_pid(), "
            "pg_catalog.current_setting('tswizard.probe', true)",
        )
    finally:
        await connection.close()
    return answer[0][0], answer[0][1]
