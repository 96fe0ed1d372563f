"""What an inventory holds, as rows of text."""

from collections.abc import Iterator

from tswizard.core.catalog.cagg_model import Cagg
from tswizard.core.catalog.hypertable_model import Dimension, Hypertable
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.model.wording import interval_words, plural, short_number, size
from tswizard.wizard.chunk_bars import percent


def summary(inventory: Inventory) -> str:
    """One line over the tabs."""
    own = [h for h in inventory.hypertables if h.cagg is None]
    parts = (
        size(inventory.stored_bytes),
        plural(len(own), "hypertable"),
        plural(len(inventory.tables), "table"),
        plural(len(inventory.caggs), "continuous aggregate"),
        plural(len(inventory.jobs), "job"),
    )
    return ", ".join(parts)


def own_hypertables(inventory: Inventory) -> list[Hypertable]:
    """The biggest first; materializations are under their continuous aggregates."""
    own = (table for table in inventory.hypertables if table.cagg is None)
    return sorted(own, key=lambda table: -table.bytes)


def hypertable_rows(inventory: Inventory) -> Iterator[tuple[str, ...]]:
    """One for each of `own_hypertables`."""
    for table in own_hypertables(inventory):
        yield (
            _short(table.label),
            size(table.bytes),
            _compressed(table),
            str(len(table.chunks)),
            short_number(max(0, table.rows_estimate)),
            ", ".join(map(_dimension, table.dimensions)),
        )


def _short(name: str) -> str:
    """Without the usual schema: room is short, and it says little."""
    return name.removeprefix("public.")


def _compressed(table: Hypertable) -> str:
    return percent(table.compressed_chunks, len(table.chunks)) if table.chunks else "–"


def _dimension(dimension: Dimension) -> str:
    if dimension.interval is None:
        return f"{dimension.column} (hash {dimension.partitions})"
    return f"{dimension.column} {dimension.interval}"


def table_rows(inventory: Inventory) -> Iterator[tuple[str, ...]]:
    for table in sorted(inventory.tables, key=lambda t: -t.bytes):
        rows = "–" if table.rows_estimate < 0 else short_number(table.rows_estimate)
        yield (_short(table.label), table.kind, size(table.bytes), rows, table.owner)


def job_rows(inventory: Inventory) -> Iterator[tuple[str, ...]]:
    for job in inventory.jobs:
        state = "on" if job.scheduled else "paused"
        every = interval_words(job.schedule_interval)
        yield (str(job.id), job.what, _short(job.target or "–"), every, state)


def role_rows(inventory: Inventory, target: Inventory) -> Iterator[tuple[str, ...]]:
    """Roles that the source's objects name, and whether the target has them."""
    for role in inventory.roles_granted:
        yield (role, "yes" if role in target.roles else "MISSING")


def extension_rows(inventory: Inventory) -> Iterator[tuple[str, ...]]:
    for extension in inventory.extensions:
        yield (extension.name, extension.version, extension.schema)


def cagg_label(cagg: Cagg, materialization: Hypertable | None) -> str:
    """Its name, what kind it is, and what is stored of it."""
    kind = "materialized only" if cagg.materialized_only else "real-time"
    words = f"{cagg.label}  {kind}" + (", compressed" if cagg.compressed else "")
    if materialization is None or not materialization.chunks:
        return words
    chunks = plural(len(materialization.chunks), "chunk")
    return f"{words}, {size(materialization.bytes)} in {chunks}"


def materializations(inventory: Inventory) -> dict[str, Hypertable]:
    """`schema.name` of a continuous aggregate -> the hypertable that holds its rows."""
    return {table.cagg: table for table in inventory.hypertables if table.cagg is not None}
