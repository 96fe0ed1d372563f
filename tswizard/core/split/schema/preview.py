"""What the schema's steps will run, as far as the inventory knows it before the run.

The statements are made by the functions that the steps themselves use. What only the run can know
is said in words.
"""

from collections.abc import Iterator

from tswizard.core.catalog.inventory import Dimension, Hypertable, Inventory
from tswizard.core.split.schema.compression import compression_statements
from tswizard.core.split.schema.constraints import (
    before_compression,
    constraint_statement,
    keys_first,
)
from tswizard.core.split.schema.execute import literal
from tswizard.core.split.schema.hypertable_facts import (
    Api,
    CompressionFacts,
    DimensionFacts,
    HypertableFacts,
)
from tswizard.core.split.schema.hypertables import create_statements
from tswizard.core.split.schema.sequences import SequenceValue

_CHUNKS = "_timescaledb_internal"

_API_NOTE = (
    "-- The target is asked what it has; without by_range() and by_hash() the older form is used:",
    "-- create_hypertable(table, column, chunk_time_interval => interval).",
)


def preview_hypertables(inventory: Inventory, schema: str) -> tuple[str, ...]:
    """One command for each hypertable; `schema` is that of the target's TimescaleDB."""
    api = Api(schema, frozenset({("by_range", "column_name")}))
    made = [_joined(create_statements(_fact(table), api)) for table in _carried(inventory)]
    return ("\n".join(_API_NOTE), *made) if made else ("-- nothing: the source has no hypertable",)


def preview_compression(inventory: Inventory, schema: str) -> tuple[str, ...]:
    """One command for each hypertable with settings."""
    api = Api(schema, frozenset())
    made = [
        _joined(compression_statements(_fact(table), api))
        for table in _carried(inventory)
        if table.compression is not None
    ]
    if not made:
        return ("-- nothing: no hypertable of the source is compressed",)
    note = (
        "-- Hypertables with a constraint that is NOT VALID get theirs later, and columns with\n"
        "-- chunk skipping are read during the run: enable_chunk_skipping(table, column)."
    )
    return (note, *made)


def preview_constraints(inventory: Inventory, *, first: bool) -> tuple[str, ...]:
    """One command for each constraint that comes now, as they are when the source is read."""
    compressed = {(t.schema, t.name) for t in _carried(inventory) if t.compression is not None}
    now = before_compression(inventory.constraints, compressed)
    chosen = now if first else keys_first([c for c in inventory.constraints if c not in now])
    if not chosen:
        when = "before the rows" if first else "after the rows"
        return (f"-- nothing: no constraint of a hypertable has to come {when}",)
    return (
        "-- Read again when this step runs.",
        *(f"{constraint_statement(fact)};" for fact in chosen),
    )


def preview_chunks(inventory: Inventory) -> tuple[str, ...]:
    """How many chunks each hypertable gets; they themselves are planned during the run."""
    tables = [table for table in _carried(inventory) if table.chunks]
    if not tables:
        return ("-- nothing: the source has no chunk",)
    note = (
        "-- Each chunk by the target's own create_chunk(), with the slices that it has on the\n"
        "-- source when the run begins; where that is refused, its rows are routed."
    )
    return (note, *(f"-- {len(table.chunks):,} of {table.sql}" for table in tables))


def preview_sequences(inventory: Inventory) -> tuple[str, ...]:
    """Each sequence; its value is read once more when the step runs."""
    if not inventory.sequences:
        return ("-- nothing: the source has no sequence",)
    values = (
        SequenceValue(s.schema, s.name, s.last_value, s.is_called) for s in inventory.sequences
    )
    return (
        "-- Values as they are now; each is read again when this step runs.",
        *(f"{value.statement};" for value in values),
    )


def _carried(inventory: Inventory) -> Iterator[Hypertable]:
    """Hypertables of the user; aggregates keep theirs to themselves."""
    return (table for table in inventory.hypertables if table.cagg is None)


def _joined(statements: tuple[str, ...]) -> str:
    return "\n".join(f"{statement};" for statement in statements)


def _fact(table: Hypertable) -> HypertableFacts:
    """The inventory's hypertable as the steps know it, without what only they read."""
    elsewhere = {chunk.schema for chunk in table.chunks} - {_CHUNKS}
    return HypertableFacts(
        oid=0,
        schema=table.schema,
        name=table.name,
        dimensions=tuple(map(_dimension, table.dimensions)),
        compression=_compression(table),
        associated_schema=next(iter(sorted(elsewhere)), None),
    )


def _dimension(dimension: Dimension) -> DimensionFacts:
    interval = None
    if dimension.interval is not None and dimension.partitions is None:
        number = dimension.interval.lstrip("-").isdigit()
        interval = f"{'bigint' if number else 'INTERVAL'} {literal(dimension.interval)}"
    return DimensionFacts(
        dimension.column,
        interval,
        dimension.partitions,
        dimension.partitioning_function,
        dimension.integer_now,
    )


def _compression(table: Hypertable) -> CompressionFacts | None:
    settings = table.compression
    if settings is None:
        return None
    return CompressionFacts(
        settings.segmentby, tuple(map(_order, settings.orderby)), settings.merge_interval
    )


def _order(text: str) -> tuple[str, bool, bool]:
    """`"time" DESC NULLS FIRST` in its parts."""
    nulls_first = text.endswith(" NULLS FIRST")
    rest = text.removesuffix(" NULLS FIRST").removesuffix(" NULLS LAST")
    descending = rest.endswith(" DESC")
    column = rest.removesuffix(" DESC").removesuffix(" ASC")
    if column.startswith('"') and column.endswith('"'):
        column = column[1:-1].replace('""', '"')
    return column, descending, nulls_first
