"""What an inventory holds, as rows of text."""

from collections.abc import Iterator

from tswizard.core.catalog.cagg_model import Cagg
from tswizard.core.catalog.hypertable_model import Dimension, Hypertable
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.model.wording import plural, short_number, size


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


def hypertable_rows(inventory: Inventory) -> Iterator[tuple[str, ...]]:
    """The biggest first; a materialization under its continuous aggregate's name."""
    for table in sorted(inventory.hypertables, key=lambda h: -h.bytes):
        kind = " (cagg)" if table.cagg else ""
        yield (
            f"{_short(table.label)}{kind}",
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
    if not table.chunks:
        return "–"
    return f"{100 * table.compressed_chunks // len(table.chunks)} %"


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
        yield (str(job.id), job.what, _short(job.target or "–"), job.schedule_interval, state)


def role_rows(inventory: Inventory) -> Iterator[tuple[str, ...]]:
    for role in inventory.roles_granted:
        yield (role, "yes, you" if role == inventory.server.role.name else "yes")


def extension_rows(inventory: Inventory) -> Iterator[tuple[str, ...]]:
    for extension in inventory.extensions:
        yield (extension.name, extension.version, extension.schema)


def cagg_label(cagg: Cagg) -> str:
    """Its name and what kind it is."""
    kind = "materialized only" if cagg.materialized_only else "real-time"
    return f"{cagg.label}  {kind}" + (", compressed" if cagg.compressed else "")
