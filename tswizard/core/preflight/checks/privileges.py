"""May the source's role read everything, and the target's role restore it?

`timescaledb_pre_restore()` (sql/restoring.sql of timescaledb) runs ALTER DATABASE … SET and SET
SESSION, which a ROLLBACK undoes, and stops the database's job scheduler, which it does not: that
is a message to the launcher process. So the scheduler is started again afterward, as
`timescaledb_post_restore()` would do it. Measured: without that it stays away until the server
restarts.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

from psycopg import Error, sql

from tswizard.core.catalog.catalog_shape import read_shape
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.db.connection import Connection, connected, rows, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import CannotConnect
from tswizard.core.model.finding import Finding
from tswizard.core.model.prepared import Prepared
from tswizard.core.preflight.check import FULL_ONLY, AnyCheck, Side, SourceCheck, Trial
from tswizard.core.preflight.checks.versions import recreates
from tswizard.core.preflight.trial import Refused, attempt
from tswizard.core.preflight.wording import fail, look, passed, some


def _source(inventory: Inventory, where: str) -> Iterator[Finding]:
    role = inventory.server.role
    unreadable, filtered = inventory.extras.unreadable, inventory.extras.filtered
    if unreadable:
        yield fail(
            "source-unreadable",
            f"{role.name} may not read {some(unreadable)}.",
            where=where,
            why="pg_dump stops at the first table, sequence or large object that it may not read "
            "(for TimescaleDB's own tables: timescale/timescaledb#5449).",
            todo=f'Connect as their owner, or grant it: GRANT SELECT ON … TO "{role.name}"; and '
            "USAGE on their schemas.",
            details=unreadable,
        )
    if filtered:
        yield fail(
            "source-row-security",
            f"Row security would hide rows of {some(filtered)} from {role.name}.",
            where=where,
            why="pg_dump refuses such tables rather than dump a part of them.",
            todo=f'Connect as their owner, or: ALTER ROLE "{role.name}" BYPASSRLS; where it is '
            "forced on the owner, too: ALTER TABLE … NO FORCE ROW LEVEL SECURITY, and FORCE it "
            "again on both databases afterward.",
            details=filtered,
        )
    if not unreadable and not filtered:
        what = f"{role.name} may read everything in the source."
        yield passed("source-rights", what, where=where)


def _inside(inventory: Inventory, where: str) -> Iterator[Finding]:
    role = inventory.server.role
    if unreadable := inventory.extras.unreadable_inside:
        yield fail(
            "source-unreadable",
            f"{role.name} may not read {some(unreadable)}.",
            where=where,
            why="Somebody left these in TimescaleDB's own schemas; they do not belong to the "
            "extension, so pg_dump dumps them, and stops at the first that it may not read.",
            todo=f'Drop them if nobody needs them; or grant it: GRANT SELECT ON … TO "{role.name}";'
            " The split method leaves them alone.",
            details=unreadable,
        )


async def _target(prepared: Prepared) -> AsyncIterator[Finding]:
    server = prepared.target_inventory.server
    if server.timescaledb is None:
        return
    role = server.role.name
    refused = await try_restore(prepared.target, server.timescaledb_schema or "public")
    if refused:
        yield fail(
            "target-rights",
            f"{role} may not restore into the target: {refused[0][1]}.",
            where=prepared.target.label,
            why="A full restore turns restore mode on and writes to TimescaleDB's internal "
            f"schemas. Refused: {some([what for what, _ in refused])} "
            "(timescale/timescaledb#2686, #4291).",
            todo="On Timescale Cloud connect as tsdbadmin; on a server of your own as a superuser.",
            details=[f"{what}: {answer}" for what, answer in refused],
        )
        return
    note = "Tried in a transaction that was rolled back."
    if recreates(prepared) and not server.role.superuser:
        note += " Tried with the extension that is there now, before it is recreated."
    yield passed(
        "target-rights",
        f"{role} may restore into the target.",
        where=prepared.target.label,
        why=note,
    )


_CLEARING = """
SELECT pg_catalog.pg_has_role(e.extowner, 'USAGE'),
  pg_catalog.pg_has_role((SELECT datdba FROM pg_catalog.pg_database
                          WHERE datname = pg_catalog.current_database()), 'USAGE'),
  ARRAY(SELECT c.oid::pg_catalog.regclass::text
        FROM pg_catalog.unnest(e.extconfig) AS t (oid)
        JOIN pg_catalog.pg_class c ON c.oid = t.oid
        WHERE c.relname <> 'metadata'
          AND NOT CASE c.relkind WHEN 'S' THEN pg_catalog.has_sequence_privilege(c.oid, 'UPDATE')
            ELSE pg_catalog.has_table_privilege(c.oid, 'SELECT')
              AND pg_catalog.has_table_privilege(c.oid, 'DELETE') END
        ORDER BY 1)
FROM pg_catalog.pg_extension e WHERE e.extname = 'timescaledb'
"""


async def _clearing(prepared: Prepared) -> AsyncIterator[Finding]:
    """A restore is no transaction: an interrupted one is removed before the next one."""
    async with connected(prepared.target) as connection:
        found = await rows(connection, _CLEARING)
    if not found:
        return
    role, where = prepared.target_inventory.server.role.name, prepared.target.label
    owns, owns_database, closed = found[0]
    if owns_database and (owns or not closed):
        how = "recreate TimescaleDB" if owns else "clear TimescaleDB's catalog"
        yield passed(
            "target-clearing",
            f"{role} can clear a half-restored target: an interrupted restore starts over there.",
            where=where,
            why=f"It has the privileges to {how} and drop what was restored.",
        )
        return
    lacking = [f"DELETE on {table}" for table in closed]
    if not owns_database:
        lacking.insert(0, "ownership of the database")
    yield look(
        "target-clearing",
        f"{role} cannot clear a half-restored target: it lacks {some(lacking)}.",
        where=where,
        why="A restore that is interrupted cannot start over in this database.",
        todo="Nothing, unless it is interrupted: then restore the finished dump into another empty "
        "target with tswizard resume RUN --target CONNINFO.",
        details=lacking,
    )


_NOT_INSERTABLE = """
SELECT c.oid::regclass::text
FROM pg_catalog.pg_extension e
CROSS JOIN pg_catalog.unnest(e.extconfig) AS t (oid)
JOIN pg_catalog.pg_class c ON c.oid = t.oid
WHERE e.extname = 'timescaledb'
  AND NOT CASE c.relkind WHEN 'S' THEN pg_catalog.has_sequence_privilege(c.oid, 'UPDATE')
    ELSE pg_catalog.has_table_privilege(c.oid, 'INSERT') END
ORDER BY 1
"""

_WRITES = (
    (
        "create a table in _timescaledb_internal",
        "CREATE TABLE _timescaledb_internal._tswizard_probe (x int)",
    ),
    ("create a schema", "CREATE SCHEMA _tswizard_probe"),
    ("create a table in public", "CREATE TABLE public._tswizard_probe (x int)"),
)


async def try_restore(target: Endpoint, schema: str) -> list[Refused]:
    """Try on an empty target what a restore does first, and roll it back; what was refused.

    Only for a target that is empty and not in restore mode: while this lasts (milliseconds), its
    jobs do not run. Raises CannotConnect, psycopg.Error.
    """
    refused: list[Refused] = []
    async with connected(target) as connection:
        restart = (await read_shape(connection)).function("restart_background_workers")
        stopped = True  # from here on it may be, however we leave
        try:
            async with connection.transaction(force_rollback=True):
                what = f"{schema}.timescaledb_pre_restore()"
                call = sql.SQL("SELECT {}()").format(
                    sql.Identifier(schema, "timescaledb_pre_restore")
                )
                stopped = await attempt(connection, what, call, refused)
                await _try_writes(connection, refused)
        finally:
            if stopped:
                await _start_scheduler(target, connection, restart)
    return refused


async def _try_writes(connection: Connection, refused: list[Refused]) -> None:
    for what, statement in _WRITES:
        await attempt(connection, what, sql.SQL(statement), refused)
    closed = [name for (name,) in await rows(connection, _NOT_INSERTABLE)]
    if closed:
        refused.append(("write to TimescaleDB's own tables", f"no INSERT on {', '.join(closed)}"))


async def _start_scheduler(target: Endpoint, connection: Connection, function: str) -> None:
    """On this connection, or on another where this one is lost."""
    with suppress(Error):
        await value(connection, f"SELECT {function}()")
        return
    with suppress(Error, CannotConnect):
        async with connected(target) as another:
            await value(another, f"SELECT {function}()")


PRIVILEGE_CHECKS: tuple[AnyCheck, ...] = (
    SourceCheck(gives=("source-rights", "source-unreadable", "source-row-security"), run=_source),
    SourceCheck(gives=("source-unreadable",), run=_inside, methods=FULL_ONLY),
    Trial(gives=("target-rights",), run=_target, side=Side.TARGET, methods=FULL_ONLY),
    Trial(
        gives=("target-clearing",),
        run=_clearing,
        side=Side.TARGET,
        methods=FULL_ONLY,
        settled_by_check=True,
    ),
)
