"""Hypertables whose rows or settings cannot be migrated as they are."""

from collections.abc import Iterator

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.db.versions import version_key
from tswizard.core.model.finding import Finding
from tswizard.core.preflight.check import FULL_ONLY, AnyCheck, SourceCheck
from tswizard.core.preflight.wording import fail, look, some


def _multi_node(inventory: Inventory, where: str) -> Iterator[Finding]:
    if inventory.distributed:
        yield fail(
            "multi-node",
            "The source is a multi-node database.",
            where=where,
            why="Its rows are on data nodes, so a dump of it holds none of them, and TimescaleDB "
            "2.14 and later has no distributed hypertables.",
            todo="First turn them into plain hypertables on a single node (copy them with "
            "INSERT … SELECT), then migrate that.",
            details=[h.label for h in inventory.hypertables if h.distributed],
        )


def _tiered(inventory: Inventory, where: str) -> Iterator[Finding]:
    if inventory.tiered:
        tiered = [h.label for h in inventory.hypertables if h.tiered]
        yield fail(
            "tiered-data",
            f"Part of {some(tiered)} is in object storage (tiered).",
            where=where,
            why="Tiered chunks are not in the database's files: a dump holds none of their rows.",
            todo="Bring them back first: CALL untier_chunk('…') for each chunk in "
            "timescaledb_osm.tiered_chunks, and remove the tiering policy.",
            details=tiered,
        )


def _chunk_skipping(inventory: Inventory, where: str) -> Iterator[Finding]:
    version = inventory.server.timescaledb
    names = inventory.extras.skipping
    if names and version and version_key(version) < (2, 20, 3):
        yield look(
            "chunk-skipping",
            f"Chunk skipping on {some(names)} will not be restored.",
            where=where,
            why=f"TimescaleDB {version} keeps it in a row that violates a foreign key of its own "
            "catalog (chunk_column_stats; timescale/timescaledb#8130, fixed in 2.20.3). No rows "
            "of yours are lost.",
            todo="Update the source to 2.20.3 or later first; or disable it there with "
            "disable_chunk_skipping, and enable it on the target with enable_chunk_skipping.",
            details=names,
        )


HYPERTABLE_CHECKS: tuple[AnyCheck, ...] = (
    SourceCheck(gives=("multi-node",), run=_multi_node),
    SourceCheck(gives=("tiered-data",), run=_tiered),
    SourceCheck(
        gives=("chunk-skipping",), run=_chunk_skipping, methods=FULL_ONLY, settled_by_check=True
    ),
)
