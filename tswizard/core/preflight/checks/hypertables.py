"""Hypertables whose rows or settings cannot be migrated as they are."""

from collections.abc import Iterator

from tswizard.core.catalog.hazard_model import HashedByOid
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.db.versions import version_key
from tswizard.core.model.finding import Finding
from tswizard.core.model.prepared import Prepared
from tswizard.core.model.wording import plural
from tswizard.core.preflight.check import FULL_ONLY, SPLIT_ONLY, AnyCheck, Check, SourceCheck
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


_BY_OID = (
    "Values of an enum, and of arrays, ranges and composites of one, are hashed by their OIDs, "
    "which differ between servers."
)


def _hashed(inventory: Inventory, *, own: bool) -> list[HashedByOid]:
    return [
        h
        for h in inventory.hazards.hashed_by_oid
        if h.hypertable and h.rows and h.own_function == own
    ]


def _hashed_full(inventory: Inventory, where: str) -> Iterator[Finding]:
    if hashed := _hashed(inventory, own=False):
        yield fail(
            "hashed-by-oid",
            f"Rows of {some([h.label for h in hashed])} do not fit their chunks on another server.",
            where=where,
            why=f"{_BY_OID} A restore puts each row into the chunk that it comes from, and the "
            "chunk's CHECK constraint refuses it.",
            todo="Use the split method, which routes these rows through the hypertable.",
            details=[f"{h.label}: space dimension {h.column} {h.type}" for h in hashed],
        )
    if unknown := _hashed(inventory, own=True):
        yield look(
            "hashed-by-function",
            f"Rows of {some([h.label for h in unknown])} may not fit their chunks on another "
            "server.",
            where=where,
            why=f"{_BY_OID} Here a function of yours hashes them; whether by their OIDs, only "
            "its body tells.",
            todo="See what the partitioning function does. If it hashes OIDs, use the split "
            "method, which routes these rows through the hypertable.",
            details=[f"{h.label}: space dimension {h.column} {h.type}" for h in unknown],
        )


def _hashed_split(inventory: Inventory, where: str) -> Iterator[Finding]:
    if hashed := _hashed(inventory, own=False) + _hashed(inventory, own=True):
        yield look(
            "hashed-by-oid-routed",
            f"Rows of {some([h.label for h in hashed])} are routed through the hypertable; its "
            "chunks will be others than on the source.",
            where=where,
            why=f"{_BY_OID} So a row belongs into another chunk there. All rows are migrated.",
            todo="Nothing.",
            details=[f"{h.label}: space dimension {h.column} {h.type}" for h in hashed],
        )


def _hashed_partitions_full(inventory: Inventory, where: str) -> Iterator[Finding]:
    if hashed := inventory.hazards.partitioned_by_oid:
        yield look(
            "partitions-hashed-by-oid-routed",
            f"Rows of {some([h.label for h in hashed])} are restored through the partitioned "
            "table; they will be in other partitions than on the source.",
            where=where,
            why=f"{_BY_OID} All rows are migrated, and compared table by table instead of "
            "partition by partition.",
            todo="Nothing.",
            details=[f"{h.label}: PARTITION BY HASH ({h.column}), {h.type}" for h in hashed],
        )


def _hashed_partitions(inventory: Inventory, where: str) -> Iterator[Finding]:
    if hashed := inventory.hazards.partitioned_by_oid:
        yield fail(
            "partitions-hashed-by-oid",
            f"Rows of {some([h.label for h in hashed])} do not fit their partitions on another "
            "server.",
            where=where,
            why=f"{_BY_OID} A split migration copies each partition by itself.",
            todo="Use the full method: its rows are restored through the partitioned table.",
            details=[f"{h.label}: PARTITION BY HASH ({h.column}), {h.type}" for h in hashed],
        )


def _access_methods(inventory: Inventory, where: str) -> Iterator[Finding]:
    columnar = [u for u in inventory.hazards.access_methods if u.method == "hypercore"]
    if columnar:
        statements = [use.statement for use in columnar]
        yield fail(
            "hypercore",
            f"{plural(len(columnar), 'table or chunk', 'tables and chunks')} of "
            f"{some(sorted({use.of for use in columnar}))} have the access method hypercore.",
            where=where,
            why="TimescaleDB 2.18 to 2.21 had it and 2.22 removed it; even where it exists, "
            "functions that take whole rows fail on it, so neither method can read and compare "
            "these rows.",
            todo=f"Convert them on the source first; they stay compressed: {statements[0]}",
            details=statements,
        )


def _other_access_methods(prepared: Prepared) -> Iterator[Finding]:
    others = [u for u in prepared.inventory.hazards.access_methods if u.method != "hypercore"]
    if others:
        yield look(
            "access-methods",
            f"{some(sorted({use.of for use in others}))}: another access method than heap.",
            where=prepared.source.label,
            why="Where the target lacks it, the table is created with the target's own default, "
            "and the restore names that as an error. Its rows are migrated either way.",
            todo=f"Nothing; or convert it on the source first: {others[0].statement}",
            details=[f"{u.statement}  -- now {u.method}" for u in others],
        )


HYPERTABLE_CHECKS: tuple[AnyCheck, ...] = (
    SourceCheck(gives=("multi-node",), run=_multi_node),
    SourceCheck(gives=("tiered-data",), run=_tiered),
    SourceCheck(gives=("hashed-by-oid", "hashed-by-function"), run=_hashed_full, methods=FULL_ONLY),
    SourceCheck(gives=("hashed-by-oid-routed",), run=_hashed_split, methods=SPLIT_ONLY),
    SourceCheck(gives=("partitions-hashed-by-oid",), run=_hashed_partitions, methods=SPLIT_ONLY),
    SourceCheck(
        gives=("partitions-hashed-by-oid-routed",),
        run=_hashed_partitions_full,
        methods=FULL_ONLY,
        settled_by_check=True,
    ),
    SourceCheck(gives=("hypercore",), run=_access_methods),
    Check(gives=("access-methods",), run=_other_access_methods),
    SourceCheck(
        gives=("chunk-skipping",), run=_chunk_skipping, methods=FULL_ONLY, settled_by_check=True
    ),
)
