"""Removing what an interrupted restore left on the target, and nothing else.

Preflight had found the target empty, and the mark says that this run filled it: so everything
there that no extension owns is this run's.
"""

from collections.abc import Callable, Collection
from contextlib import suppress

from psycopg import sql
from psycopg.errors import ForeignKeyViolation, InsufficientPrivilege

from tswizard.core.db.connection import Connection, connected, rows, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import message_of
from tswizard.core.full.default_privileges import reset_default_privileges
from tswizard.core.full.other_objects import drop_others, other_objects
from tswizard.core.model.events import Unit
from tswizard.core.run.context import Context, failed
from tswizard.core.steps import target_marker

_BATCH = 100
"""Relations dropped in one transaction: each takes locks, and a server has only so many."""

_OBJECTS = 1000
"""Large objects removed in one transaction; `vacuumlo` takes as many."""

_UNLINK = """
SELECT pg_catalog.count(pg_catalog.lo_unlink(l.oid))
FROM (SELECT oid FROM pg_catalog.pg_largeobject_metadata LIMIT %s) l
"""

# Objsubid 0: the columns of a partition key depend on their own table, internally.
_RELATIONS = """
SELECT c.relkind::text, n.nspname, c.relname
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', '_tswizard')
  AND n.nspname !~ '^pg_(toast|temp)'
  AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                    AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype IN ('e', 'i'))
ORDER BY n.nspname = '_timescaledb_internal' DESC, c.relkind IN ('v', 'm') DESC, c.oid DESC
"""

# None without the extension.
_OWNED = """
SELECT pg_catalog.pg_has_role(extowner, 'USAGE') FROM pg_catalog.pg_extension
WHERE extname = 'timescaledb'
"""

# The metadata are of the installation, and a restore never replaces them.
_CONFIGURATION = """
SELECT c.oid::pg_catalog.regclass::text, x.condition
FROM pg_catalog.pg_extension e
CROSS JOIN LATERAL ROWS FROM (
  pg_catalog.unnest(e.extconfig), pg_catalog.unnest(e.extcondition)) x (oid, condition)
JOIN pg_catalog.pg_class c ON c.oid = x.oid
WHERE e.extname = 'timescaledb' AND c.relkind = 'r' AND c.relname <> 'metadata'
"""

_SEQUENCES = """
SELECT c.oid::pg_catalog.regclass::text
FROM pg_catalog.pg_extension e
CROSS JOIN LATERAL pg_catalog.unnest(e.extconfig) x (oid)
JOIN pg_catalog.pg_class c ON c.oid = x.oid
WHERE e.extname = 'timescaledb' AND c.relkind = 'S'
"""

_DROP = {
    "r": "TABLE",
    "p": "TABLE",
    "v": "VIEW",
    "m": "MATERIALIZED VIEW",
    "S": "SEQUENCE",
    "f": "FOREIGN TABLE",
}


async def interrupted(target: Connection, run: str) -> target_marker.Marker | None:
    """The mark of a restore that this run began into that target. To be asked as long as the run
    knows of no end of it: it may have been killed between the mark's last change and its record's,
    and then the restore starts over like any other."""
    found = await target_marker.read(target)
    return found if found and found.run == run else None


async def clean(ctx: Context) -> None:
    """Make the target as empty as preflight found it, when an interrupted restore calls for it.

    Raises StepFailed.
    """
    async with connected(ctx.task.target) as target:
        mark = await interrupted(target, ctx.run_folder.record.id)
    if mark is None:
        return
    if not ctx.confirmed:
        raise failed(
            "not-confirmed",
            "The target holds what an interrupted restore of this run left there.",
            where=ctx.task.target.label,
            todo="Resume and type the target's database name; then it is removed.",
        )
    try:
        left = await empty(
            ctx.task.target,
            ctx.task.target_server.timescaledb_schema or "public",
            # Equal on both databases in the full method; the target's may be gone by now.
            ctx.task.inventory.server.timescaledb,
            mark.extensions,
            lambda done, total: ctx.progress(
                done, total, Unit.ITEMS, "removing what this run had restored"
            ),
        )
    except InsufficientPrivilege as error:
        raise failed(
            "not-clean",
            f"This role may neither drop TimescaleDB nor clear its catalog: {message_of(error)}.",
            where=ctx.task.target.label,
            why="What an interrupted restore left there has to be removed before the next one.",
            todo=f"{_elsewhere(ctx)}; or have a superuser drop and create the database again, then "
            "resume.",
        ) from error
    if left:
        raise failed(
            "not-clean",
            f"The target could not be emptied. Still there: {', '.join(left[:5])}.",
            where=ctx.task.target.label,
            todo=f"Drop them, then resume. {_elsewhere(ctx)}.",
        )
    await reset_default_privileges(ctx.task.source, ctx.task.target)
    async with connected(ctx.task.target) as target:
        await target_marker.erase(target)
    ctx.say(f"removed what this run had put on {ctx.task.target.label}")


def _elsewhere(ctx: Context) -> str:
    run = ctx.run_folder.record.id
    return (
        "The finished dump can be restored into another empty target: tswizard resume "
        f"{run} --target CONNINFO"
    )


async def empty(
    endpoint: Endpoint,
    schema: str,
    version: str | None,
    extensions: Collection[str],
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[str]:
    """Drop all that no extension owns and make TimescaleDB forget it; what is still there, by name.

    Where the role owns TimescaleDB, it is recreated; elsewhere, as on Timescale Cloud, its catalog
    is cleared. Extensions that are not in `extensions` go as well.
    Every statement can be repeated, so after a crash in here it is simply called again.
    Raises psycopg.errors.InsufficientPrivilege where the role may do neither.
    """
    async with connected(endpoint, fresh=True) as target:
        # In restore mode the extension ignores that its half-restored tables are dropped.
        await target.execute("SELECT pg_catalog.set_config('timescaledb.restoring', 'on', false)")
        await _drop_relations(target, on_progress)
        owned = await value(target, _OWNED)
        if owned:
            await target.execute("DROP EXTENSION IF EXISTS timescaledb CASCADE")
        elif owned is not None:
            await clear_catalog(target)
    async with connected(endpoint, fresh=True) as target:
        await drop_others(target)
        await _unlink_large_objects(target)
        for (name,) in await rows(target, "SELECT extname FROM pg_catalog.pg_extension"):
            if name not in extensions:
                await target.execute(
                    sql.SQL("DROP EXTENSION IF EXISTS {} CASCADE").format(sql.Identifier(name))
                )
        database = await value(target, "SELECT pg_catalog.current_database()")
        await target.execute(
            sql.SQL("ALTER DATABASE {} RESET timescaledb.restoring").format(
                sql.Identifier(database)
            )
        )
    # A session that has seen the old extension cannot create the new one.
    async with connected(endpoint, fresh=True) as target:
        await create_extension(target, schema, version)
        relations = [f"{schema}.{name}" for _, schema, name in await rows(target, _RELATIONS)]
        others = [f"{kind.lower()} {name}" for kind, name in await other_objects(target)]
        filled = [f"rows of {table}" for table, _ in await _filled_tables(target)]
        return [*relations, *others, *filled]


async def clear_catalog(target: Connection) -> None:
    """Delete what TimescaleDB knows of the user's objects, which are gone by now.

    Which rows those are the extension says itself: it is what pg_dump takes of its tables
    (`pg_extension.extconfig` and `extcondition`). Their foreign keys decide the order.
    """
    async with target.transaction():
        left = await _filled_tables(target)
        while left:
            before = len(left)
            for table, condition in left:
                with suppress(ForeignKeyViolation):
                    async with target.transaction():
                        await target.execute(f"DELETE FROM {table} {condition}".encode())
            left = await _filled_tables(target)
            if len(left) == before:
                break
        for (sequence,) in await rows(target, _SEQUENCES):
            await target.execute(
                "SELECT pg_catalog.setval(seqrelid, seqstart, false) FROM pg_catalog.pg_sequence "
                "WHERE seqrelid = %s::pg_catalog.regclass",
                (sequence,),
            )


async def _filled_tables(target: Connection) -> list[tuple[str, str]]:
    """TimescaleDB's tables that hold rows of the user's, with the condition that tells them."""
    found = []
    for table, condition in await rows(target, _CONFIGURATION):
        if await value(target, f"SELECT EXISTS (SELECT FROM {table} {condition})"):
            found.append((table, condition))
    return found


async def create_extension(target: Connection, schema: str, version: str | None) -> None:
    """CREATE EXTENSION as the first thing in a session, at a given version."""
    await target.execute(
        sql.SQL("CREATE EXTENSION IF NOT EXISTS timescaledb WITH SCHEMA {} VERSION {}").format(
            sql.Identifier(schema), sql.Literal(version)
        )
    )


async def _drop_relations(target: Connection, on_progress: Callable[[int, int], None]) -> None:
    relations = await rows(target, _RELATIONS)
    for start in range(0, len(relations), _BATCH):
        on_progress(start, len(relations))
        async with target.transaction():
            for kind, schema, name in relations[start : start + _BATCH]:
                await target.execute(
                    sql.SQL("DROP {} IF EXISTS {} CASCADE").format(
                        sql.SQL(_DROP[kind]), sql.Identifier(schema, name)
                    )
                )


async def _unlink_large_objects(target: Connection) -> None:
    """In portions: each object that is removed stays locked until its transaction ends."""
    while await value(target, _UNLINK, (_OBJECTS,)):
        pass
