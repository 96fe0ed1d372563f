"""What a probe timed: samples of the source, and how fast each of them moved."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class SampleKind(StrEnum):
    """Rows that move at a rate of their own."""

    TABLE = "table"
    CHUNK = "chunk"
    COMPRESSED = "compressed chunk"


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRelation:
    """One table or chunk of a sample. Names are unquoted."""

    schema: str
    name: str
    bytes: int
    """As stored, without indexes."""
    rows: int
    """From statistics; 0 where there are none."""
    uncompressed: int = 0
    """Of a compressed chunk: bytes of its rows before compression; 0 where it is not known."""
    stored_in: tuple[str, str] | None = None
    """Of a compressed chunk: the relation that holds its rows. pg_dump reads that one."""
    dumped_rows: int = 0
    """Rows that pg_dump reads: of a compressed chunk its batches; 0 where that is not known."""

    @property
    def dumped(self) -> tuple[str, str]:
        """Schema and name of what pg_dump reads."""
        return self.stored_in or (self.schema, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A table, or chunks of one hypertable, that can be timed."""

    kind: SampleKind
    table: str
    """Of the table or hypertable, as screens name it."""
    relations: tuple[SampleRelation, ...]
    of: int
    """How many relations of this kind the table has."""

    @property
    def bytes(self) -> int:
        """As stored, without indexes."""
        return sum(relation.bytes for relation in self.relations)

    @property
    def label(self) -> str:
        """`public.metrics, 1 of 412 chunks`."""
        if self.kind is SampleKind.TABLE:
            return self.table
        return f"{self.table}, {len(self.relations):,} of {self.of:,} {self.kind}s"


class Timed(StrEnum):
    """What is timed, each by itself."""

    DUMP = "pg_dump"
    """Full's pg_dump of the sample."""
    COPY = "copy out"
    """Split's own reading of it, thrown away."""
    CHECKSUM = "checksum"
    """What the check does with it on the source."""
    STREAM = "copy to target"
    """Split's way from the source into a scratch table."""
    RESTORE = "restore"
    """Rows as text into a scratch table, as pg_restore loads them."""
    INDEX = "index"
    """An index on the scratch table."""
    COMPRESS = "compress"
    """Compression of the scratch table's rows."""


ON_TARGET = frozenset((Timed.STREAM, Timed.RESTORE, Timed.INDEX, Timed.COMPRESS))
"""What needs a scratch table there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One thing that was timed."""

    what: Timed
    kind: SampleKind
    table: str
    """The sample, as screens name it."""
    connections: int
    bytes: int
    """What moved. Of a dump and a checksum: bytes as stored that were read; else of COPY."""
    stored: int
    """Bytes of the source as stored (compressed chunks: as they were before) that this was of."""
    rows: int
    seconds: float
    before: float = 0.0
    """Seconds before the first row: of a dump, reading the whole catalog."""
    complete: bool = True
    """False when it was ended after its time: what it had done until then counts."""
    pieces: int = 1
    """Tables and chunks that it was of, one statement or more each."""

    @property
    def rate(self) -> float:
        """Bytes a second."""
        return self.bytes / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Everything that one probe found out."""

    at: float
    """When, in seconds since the epoch."""
    timings: tuple[Timing, ...] = ()
    source_round_trip: float | None = None
    """Seconds, median; None where it was not timed."""
    target_round_trip: float | None = None
    yardstick: float | None = None
    """Seconds that a fixed piece of work takes, the slower server's; None where it was not timed.
    What is created object by object takes longer on a server that takes longer for this."""
    stored_in_copy: float | None = None
    """Bytes of COPY for each byte of compressed rows, as both are stored; None where there are
    none, or nobody counted."""
    problems: tuple[str, ...] = ()
    """What could not be timed, and why; a sentence each."""
    limits: tuple[str, ...] = ()
    """What limits a rate, a sentence each."""
    broke: str = ""
    """The sentence of the connection that was lost in the middle, if one was."""

    def of(
        self, what: Timed, kind: SampleKind | None = None, *, parallel: bool | None = None
    ) -> tuple[Timing, ...]:
        """Timings of that, in order; `parallel` wants more than one connection, or one."""
        return tuple(
            t
            for t in self.timings
            if t.what is what
            and (kind is None or t.kind is kind)
            and (parallel is None or parallel == (t.connections > 1))
        )

    @property
    def both_ends(self) -> bool:
        """Was the way into the target timed as well?"""
        return any(t.what in (Timed.STREAM, Timed.RESTORE) for t in self.timings)

    def with_newer(self, newer: Iterable[Timing]) -> tuple[Timing, ...]:
        """These timings in place of older ones of the same."""
        fresh = {(t.what, t.kind, t.connections > 1): t for t in newer}
        kept = [t for t in self.timings if (t.what, t.kind, t.connections > 1) not in fresh]
        return (*kept, *fresh.values())
