"""What an estimate rests on: sizes and counts of the source, and what a probe timed."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from tswizard.core.catalog.hypertable_model import Chunk, Hypertable
from tswizard.core.catalog.inventory import Inventory, Server, TableKind
from tswizard.core.model.answers import Answers
from tswizard.core.model.parallel_jobs import parallel_jobs
from tswizard.core.model.probed import Probe

GUESSED_EXPANSION = 12.0
"""Compressed bytes to rows, where the catalog does not tell: TimescaleDB compresses by 90 to 95
percent where it fits the data (https://docs.timescale.com/use-timescale/latest/compression/)."""

_DAMPED = 0.7
"""What is created object by object slows down less than the yardstick does: on an embedded server
that takes 25 times as long for it, 8 to 10 times (docs/estimate.md)."""

_LARGE = 16 << 20
"""Bytes of a chunk's rows: about what is 4 MiB in a dump, where full builds indexes one by one."""

REFERENCE = 0.055
"""Seconds that the yardstick took where the costs of objects were measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One migration that is not decided yet."""

    inventory: Inventory
    target: Server
    answers: Answers
    probe: Probe | None
    cores: int
    """Of this machine, where the client tools run."""
    shared: bool
    """Both servers run on this machine too, and share those cores."""

    @property
    def jobs(self) -> int:
        """What works at once."""
        return parallel_jobs(self.answers, self.inventory.server, self.target)

    @property
    def trip(self) -> float:
        """Seconds of a round trip to the source."""
        timed = self.probe.source_round_trip if self.probe else None
        return self.inventory.server.latency_s if timed is None else timed

    @property
    def target_trip(self) -> float:
        timed = self.probe.target_round_trip if self.probe else None
        return self.target.latency_s if timed is None else timed

    @property
    def timed_yardstick(self) -> bool:
        return self.probe is not None and bool(self.probe.yardstick)

    @property
    def stored_in_copy(self) -> float | None:
        """Bytes of COPY for each byte of compressed rows as they are stored; None if uncounted."""
        return self.probe.stored_in_copy if self.probe else None

    @property
    def slowness(self) -> float:
        """How many times longer servers take for the same than where the costs were measured."""
        if self.probe is None or not self.probe.yardstick:
            return 1.0
        return float((self.probe.yardstick / REFERENCE) ** _DAMPED)

    # Objects

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        """Those of every hypertable that lie on the server."""
        return tuple(chunk for h in self.inventory.hypertables for chunk in _here(h))

    @property
    def compressed(self) -> tuple[Chunk, ...]:
        return tuple(chunk for chunk in self.chunks if chunk.compressed)

    @property
    def chunk_entries(self) -> int:
        """Indexes, constraints and triggers of all chunks, without foreign keys."""
        entries = sum(h.post_data * len(_here(h)) for h in self.inventory.hypertables)
        return max(0, entries - sum(self.chunk_keys.values()))

    @property
    def large_chunk_entries(self) -> int:
        """The same of those with many rows, which a restore sends one by one."""
        large = sum(h.post_data * sum(map(_is_large, _here(h))) for h in self.inventory.hypertables)
        return min(large, self.chunk_entries)

    @property
    def chunk_keys(self) -> Mapping[tuple[str, str], int]:
        """Foreign keys of all chunks, by the table that they reference."""
        chunks = {(h.schema, h.name): len(_here(h)) for h in self.inventory.hypertables}
        found = Counter[tuple[str, str]]()
        for key in self.inventory.constraints:
            if key.references and not key.incoming:
                found[key.references] += chunks.get((key.schema, key.table), 0)
        return found

    @property
    def tables(self) -> int:
        """Tables with rows of their own."""
        kinds = (TableKind.PLAIN, TableKind.PARTITION)
        return sum(table.kind in kinds for table in self.inventory.tables)

    @property
    def relations(self) -> int:
        """What a dump reads one by one: tables, chunks, and where compressed rows lie."""
        return self.tables + len(self.chunks) + len(self.compressed)

    @property
    def schema_objects(self) -> int:
        """What is created besides chunks, roughly: tables, what is on them, views, functions."""
        inventory = self.inventory
        return (
            2 * (len(inventory.tables) + len(inventory.hypertables) + len(inventory.caggs))
            + len(inventory.extras.objects)
            + len(inventory.sequences)
            + len(inventory.constraints)
        )

    # Bytes

    @property
    def plain_bytes(self) -> int:
        """Of rows that are not compressed, as stored, without indexes."""
        compressed = sum(chunk.data_bytes for chunk in self.compressed)
        return max(0, self.inventory.dump_bytes - compressed)

    @property
    def compressed_bytes(self) -> int:
        """Of compressed chunks, as stored, without indexes."""
        return sum(chunk.data_bytes for chunk in self.compressed)

    @property
    def expanded_bytes(self) -> int:
        """Of the same rows before they were compressed."""
        known = [chunk for chunk in self.compressed if chunk.uncompressed_bytes]
        told = sum(chunk.uncompressed_bytes for chunk in known)
        rest = self.compressed_bytes - sum(chunk.data_bytes for chunk in known)
        ratio = told / max(1, sum(c.data_bytes for c in known)) if known else GUESSED_EXPANSION
        return int(told + rest * ratio)

    @property
    def guesses_expansion(self) -> bool:
        """The catalog does not tell what compressed rows took before."""
        return any(not chunk.uncompressed_bytes for chunk in self.compressed)

    @property
    def row_bytes(self) -> int:
        """All rows, uncompressed."""
        return self.plain_bytes + self.expanded_bytes

    @property
    def index_bytes(self) -> int:
        """Of indexes on rows that are not compressed: they are built again."""
        inventory = self.inventory
        of_compressed = sum(chunk.index_bytes for chunk in self.compressed)
        hypertables = sum(h.index_bytes for h in inventory.hypertables)
        return max(0, hypertables - of_compressed + sum(t.index_bytes for t in inventory.tables))

    @property
    def hypertables_with_compression(self) -> tuple[Hypertable, ...]:
        return tuple(h for h in self.inventory.hypertables if h.compression is not None)


def _here(hypertable: Hypertable) -> tuple[Chunk, ...]:
    """Its chunks that lie on the server."""
    return tuple(chunk for chunk in hypertable.chunks if not chunk.tiered)


def _is_large(chunk: Chunk) -> bool:
    return not chunk.compressed and chunk.data_bytes > _LARGE
