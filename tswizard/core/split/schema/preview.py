"""What the schema's steps will run, as far as the inventory knows it before the run.

The statements come from the functions that the steps themselves use. What only the run can know
is said in comments.
"""

from collections.abc import Iterator

from tswizard.core.catalog.hypertable_model import Hypertable
from tswizard.core.catalog.inventory import Inventory, Server
from tswizard.core.split.schema.compression import compression_statements
from tswizard.core.split.schema.constraints import (
    before_compression,
    constraint_statement,
    keys_first,
)
from tswizard.core.split.schema.early_keys import early_keys
from tswizard.core.split.schema.hypertable_facts import HypertableFacts, TimescaleApi
from tswizard.core.split.schema.hypertables import create_statements
from tswizard.core.split.schema.sequences import setval_statement

_CHUNKS_SCHEMA = "_timescaledb_internal"

_API_NOTE = (
    "-- If the target has no by_range() and by_hash(), the older form is used:\n"
    "-- create_hypertable(table, column, chunk_time_interval => interval)."
)


def preview_hypertables(inventory: Inventory, schema: str) -> tuple[str, ...]:
    """One command for each hypertable; `schema` is that of the target's TimescaleDB."""
    api = TimescaleApi(schema, frozenset({("by_range", "column_name")}))
    commands = [_joined(create_statements(_facts(table), api)) for table in _migrated(inventory)]
    if not commands:
        return ("-- nothing: the source has no hypertables",)
    return (_API_NOTE, *commands)


def preview_compression(inventory: Inventory, schema: str) -> tuple[str, ...]:
    """One command for each hypertable with compression settings."""
    api = TimescaleApi(schema, frozenset())
    commands = [
        _joined(compression_statements(_facts(table), api))
        for table in _migrated(inventory)
        if table.compression is not None
    ]
    if not commands:
        return ("-- nothing: the source has no compressed hypertables",)
    note = (
        "-- Hypertables with a constraint that is NOT VALID follow in a later step. Columns with\n"
        "-- chunk skipping are read during the run: enable_chunk_skipping(table, column)."
    )
    return (note, *commands)


def preview_early_keys(inventory: Inventory, target: Server) -> tuple[str, ...]:
    """One command for each primary key that precedes the chunks."""
    chunks = {(table.schema, table.name): len(table.chunks) for table in _migrated(inventory)}
    return (
        "-- With chunks in place each takes time, before TimescaleDB 2.27 also memory, that grows\n"
        "-- with the square of their number. Other primary keys come after the rows.",
        *(
            f"{constraint_statement(key)};  -- {chunks[key.on]:,} chunks"
            for key in early_keys(inventory.constraints, inventory, target)
        ),
    )


def preview_constraints(inventory: Inventory, target: Server, *, first: bool) -> tuple[str, ...]:
    """One command for each constraint that is added before (`first`) or after the rows."""
    early = early_keys(inventory.constraints, inventory, target)
    constraints = [c for c in inventory.constraints if c not in early]
    compressed = {(t.schema, t.name) for t in _migrated(inventory) if t.compression is not None}
    now = before_compression(constraints, compressed)
    chosen = now if first else keys_first([c for c in constraints if c not in now])
    if not chosen:
        when = "before the rows" if first else "after the rows"
        return (f"-- nothing: no hypertable has constraints to be added {when}",)
    return (
        "-- Read from the source again when this step runs.",
        *(f"{constraint_statement(constraint)};" for constraint in chosen),
    )


def preview_chunks(inventory: Inventory) -> tuple[str, ...]:
    """How many chunks each hypertable gets; the chunks themselves are planned during the run."""
    tables = [table for table in _migrated(inventory) if table.chunks]
    if not tables:
        return ("-- nothing: the source has no chunks",)
    note = (
        "-- Each chunk by the target's own create_chunk(), with its slices on the source when the\n"
        "-- run starts; where that is refused, its rows are inserted into the hypertable."
    )
    return (note, *(f"-- {len(table.chunks):,} of {table.sql}" for table in tables))


def preview_sequences(inventory: Inventory) -> tuple[str, ...]:
    """One command for each sequence."""
    if not inventory.sequences:
        return ("-- nothing: the source has no sequences",)
    return (
        "-- Current values; each is read from the source again when this step runs.",
        *(f"{setval_statement(sequence)};" for sequence in inventory.sequences),
    )


def _migrated(inventory: Inventory) -> Iterator[Hypertable]:
    """Hypertables of the user, without materializations of continuous aggregates."""
    return (table for table in inventory.hypertables if table.cagg is None)


def _joined(statements: tuple[str, ...]) -> str:
    return "\n".join(f"{statement};" for statement in statements)


def _facts(table: Hypertable) -> HypertableFacts:
    """The inventory's hypertable as the steps know it, without what only they read."""
    schemas = {chunk.schema for chunk in table.chunks} - {_CHUNKS_SCHEMA}
    return HypertableFacts(
        schema=table.schema,
        name=table.name,
        dimensions=table.dimensions,
        compression=table.compression,
        associated_schema=min(schemas, default=None),
    )
