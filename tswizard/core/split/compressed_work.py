"""What of a source's compressed chunks travels as it is stored, as far as it can be told before the
run."""

from dataclasses import dataclass

from tswizard.core.catalog.hypertable_model import Hypertable
from tswizard.core.db.versions import version_key
from tswizard.core.estimate.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class CompressedWork:
    """Bytes of compressed chunks, by what is done with them."""

    stored: int
    """As they are stored."""
    decompressed: int
    """Of rows that are decompressed on their way, uncompressed."""
    compressed_again: int
    """Of rows that the target compresses, uncompressed."""


def compressed_work(load: Workload) -> CompressedWork:
    """For one migration."""
    stored = sum(
        chunk.data_bytes
        for hypertable in load.inventory.hypertables
        if _travels_as_stored(load, hypertable)
        for chunk in hypertable.chunks
        if chunk.compressed and not chunk.tiered
    )
    rest = 1 - stored / load.compressed_bytes if load.compressed_bytes else 0.0
    decompressed = int(load.expanded_bytes * rest)
    rebuilds = load.answers.compressed == "rebuild"
    return CompressedWork(
        stored=stored,
        decompressed=decompressed,
        compressed_again=load.expanded_bytes if rebuilds else decompressed,
    )


def _travels_as_stored(load: Workload, hypertable: Hypertable) -> bool:
    """Is nothing known that speaks against it? What the target makes of a chunk shows in the
    run."""
    inventory, settings = load.inventory, hypertable.compression
    here = version_key(inventory.server.timescaledb or "0")
    there = version_key(load.target.timescaledb or "0")
    key = hypertable.schema, hypertable.name
    return (
        load.answers.compressed != "recompress"
        and here <= there
        and settings is not None
        and settings.merge_interval is None
        and key not in inventory.hazards.compressed_late
        and hypertable.label not in {m.hypertable for m in inventory.hazards.missing_values}
    )
