"""Reads the inventory of a database: no writes, no superuser, one query per kind of object."""

from collections.abc import Callable
from dataclasses import replace

from psycopg import Error
from psycopg.errors import LockNotAvailable

from tswizard.core.catalog.cagg_dependents import read_cagg_dependents
from tswizard.core.catalog.cagg_model import Cagg
from tswizard.core.catalog.cagg_state import read_cagg_states
from tswizard.core.catalog.caggs import read_caggs
from tswizard.core.catalog.catalog_shape import Shape, read_shape
from tswizard.core.catalog.constraints import read_constraints
from tswizard.core.catalog.extras import (
    EXTENSION_SCHEMAS,
    SCHEMAS,
    read_extensions,
    read_extras,
    read_offered,
)
from tswizard.core.catalog.hazards import read_hazards
from tswizard.core.catalog.hypertables import read_hypertables
from tswizard.core.catalog.inventory import Inventory, Server
from tswizard.core.catalog.jobs import read_jobs
from tswizard.core.catalog.nulls import Nulls, read_nulls
from tswizard.core.catalog.roles import read_roles
from tswizard.core.catalog.sequences import read_sequences
from tswizard.core.catalog.server import read_server
from tswizard.core.catalog.tables import read_tables
from tswizard.core.db.connection import (
    Connection,
    batch,
    connect,
    connect_plainly,
    pipelined,
    rows,
    value,
)
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import CannotConnect, message_of
from tswizard.core.db.session_settings import set_for_transaction

__all__ = ["CannotRead", "read_inventory", "read_server"]

_OnProgress = Callable[[str], None]

LOCK_WAIT = 60
"""Seconds to wait for a table that another session has locked exclusively."""


class CannotRead(CannotConnect):
    """The inventory cannot be read: one sentence that says why, and what to do."""


async def read_inventory(
    endpoint: Endpoint, on_progress: _OnProgress | None = None, *, server: Server | None = None
) -> Inventory:
    """Everything that concerns a migration, from one snapshot.

    `on_progress` gets what is being read. With `server`, what "test connection" has read is not
    read again. Raises CannotConnect, CannotRead.
    """
    tell = on_progress or (lambda _what: None)
    tell("the server")
    server = server or await read_server(endpoint)
    # A pooler rejects the settings that `connect` sends; it is up to preflight to reject poolers.
    open_ = connect_plainly if server.pooler else connect
    async with await open_(endpoint) as connection:
        try:
            begin = [
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                f"SET LOCAL lock_timeout = '{LOCK_WAIT}s'",
            ]
            await batch(connection, [*begin, set_for_transaction()] if server.pooler else begin)
            inventory = await _read(connection, server, tell)
            await connection.execute("COMMIT")
            tell("compressed columns that are all NULL")
            nulls = await read_nulls(connection, server.timescaledb, inventory.hypertables)
        except LockNotAvailable:
            raise CannotRead(
                f"{endpoint.label}: a table has been locked by another session for {LOCK_WAIT} s.",
                "Wait until the lock is released (see pg_locks), then try again.",
            ) from None
        except Error as error:
            raise CannotRead(
                f"{endpoint.label}: the catalog cannot be read: {message_of(error)}.",
                "Connect as the owner of the database, then try again.",
            ) from error
    return _with_nulls(inventory, nulls)


async def _read(connection: Connection, server: Server, tell: _OnProgress) -> Inventory:
    shape = await read_shape(connection)
    tell("hypertables and chunks")
    timescaledb = shape.timescaledb
    async with pipelined(connection) as pipeline:
        start = pipeline.start
        extensions = start(read_extensions(connection))
        offered = start(read_offered(connection))
        hypertables = start(read_hypertables(connection, shape)) if timescaledb else None
        tables = start(read_tables(connection, shape))
        sequences = start(read_sequences(connection))
        caggs = start(_caggs(connection, shape)) if timescaledb else None
        dependents = start(read_cagg_dependents(connection)) if timescaledb else None
        jobs = start(read_jobs(connection, shape)) if timescaledb else None
        roles = start(read_roles(connection))
        extras = start(read_extras(connection, shape))
        schemas = start(rows(connection, SCHEMAS))
        extension_schemas = start(rows(connection, EXTENSION_SCHEMAS))
        constraints = start(read_constraints(connection)) if timescaledb else None
        large_objects = start(value(connection, _LARGE_OBJECTS))
        data_nodes = start(_data_nodes(connection, shape))
    tell("what a dump would not hold")
    hazards = await read_hazards(connection, shape)
    found = hypertables.result() if hypertables else ()
    all_roles = roles.result()
    return Inventory(
        server=server,
        extensions=extensions.result(),
        schemas=tuple(name for (name,) in schemas.result()),
        hypertables=found,
        tables=tables.result(),
        caggs=caggs.result() if caggs else (),
        jobs=jobs.result() if jobs else (),
        sequences=sequences.result(),
        roles_granted=all_roles.needed,
        roles=all_roles.every,
        roles_without_login=all_roles.without_login,
        large_objects=large_objects.result(),
        distributed=any(h.distributed for h in found) or data_nodes.result(),
        tiered=any(h.tiered for h in found),
        null_compressed=(),
        offered=offered.result(),
        extras=extras.result(),
        constraints=constraints.result() if constraints else (),
        cagg_dependents=dependents.result() if dependents else (),
        extension_schemas=tuple(name for (name,) in extension_schemas.result()),
        hazards=hazards,
    )


_LARGE_OBJECTS = "SELECT pg_catalog.count(*) FROM pg_catalog.pg_largeobject_metadata"


async def _caggs(connection: Connection, shape: Shape) -> tuple[Cagg, ...]:
    found = await read_caggs(connection, shape)
    states = await read_cagg_states(connection, shape)
    return tuple(replace(cagg, state=states.get(cagg.label)) for cagg in found)


async def _data_nodes(connection: Connection, shape: Shape) -> bool:
    """Multi-node was removed in 2.14; until then its data nodes are foreign servers."""
    if not shape.has("timescaledb_information.data_nodes"):
        return False
    return bool(
        await value(connection, "SELECT EXISTS (SELECT FROM timescaledb_information.data_nodes)")
    )


def _with_nulls(inventory: Inventory, nulls: Nulls) -> Inventory:
    return replace(inventory, null_compressed=nulls.certain, null_unchecked=nulls.unchecked)
