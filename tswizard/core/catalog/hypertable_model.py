"""Hypertables, their dimensions, chunks and compression settings, as plain data."""

from dataclasses import dataclass
from enum import StrEnum

from tswizard.core.db.identifiers import literal, qualified


class DimensionKind(StrEnum):
    RANGE = "range"
    HASH = "hash"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """A dimension of a hypertable."""

    number: int
    column: str
    quoted: str
    """The column as quote_ident writes it."""
    column_type: str
    kind: DimensionKind
    interval: str | None
    """Chunk interval as text, an interval or an integer; None for hash."""
    partitions: int | None
    partitioning_function: str | None
    """schema.name, quoted; None for the default."""
    integer_now: str | None
    """schema.name of integer_now_func, quoted."""

    @property
    def interval_sql(self) -> str | None:
        """The chunk interval as an SQL constant; None for hash."""
        if self.interval is None:
            return None
        integer = self.interval.lstrip("-").isdigit()
        return f"{'bigint' if integer else 'INTERVAL'} {literal(self.interval)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A chunk, from timescaledb_information.chunks (or the catalog when the view hides it)."""

    schema: str
    name: str
    compressed: bool
    partial: bool
    """Compressed, with rows that are not (`status & 8`)."""
    range_start: str | None
    """Start of the primary dimension (inclusive), a literal of the dimension's type: an integer,
    a date, a timestamp (with +00 where the type has a time zone), or -infinity."""
    range_end: str | None
    """Its end, exclusive; the same form."""
    bytes: int
    """Total bytes with indexes and toast; for a compressed chunk with its compressed table."""
    tiered: bool = False
    compressed_table: str | None = None
    """`schema.name`, unquoted, of the relation that holds its compressed rows."""
    rows_estimate: int = 0
    """From statistics; 0 where there are none."""
    index_bytes: int = 0
    """The part of `bytes` in indexes."""
    uncompressed_bytes: int = 0
    """Of a compressed chunk: what its compressed rows took before, without indexes; 0 where that
    is not known."""

    @property
    def sql(self) -> str:
        return qualified(self.schema, self.name)

    @property
    def data_bytes(self) -> int:
        """As stored, without indexes: what a dump reads."""
        return self.bytes - self.index_bytes


@dataclass(frozen=True, slots=True)
class OrderByColumn:
    """One column of a compression's ORDER BY."""

    column: str
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True)
class Compression:
    """Compression settings of a hypertable."""

    segmentby: tuple[str, ...]
    orderby: tuple[OrderByColumn, ...]
    merge_interval: str | None = None
    """compress_chunk_time_interval, as ALTER TABLE takes it."""
    sparse: str | None = None
    """Sparse indexes that the user chose, as JSON; None leaves the choice to the server."""

    @property
    def chosen(self) -> bool:
        """False where the server chooses columns: from 2.19 on when a chunk is compressed."""
        return bool(self.segmentby or self.orderby)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypertable:
    """A hypertable of the user, or (with `cagg`) of a continuous aggregate."""

    schema: str
    name: str
    owner: str
    dimensions: tuple[Dimension, ...]
    chunks: tuple[Chunk, ...]
    compression: Compression | None
    bytes: int
    rows_estimate: int
    cagg: str | None = None
    """schema.name of the continuous aggregate whose materialization hypertable this is."""
    distributed: bool = False
    tiered: bool = False
    index_bytes: int = 0
    """The part of `bytes` in indexes: not dumped, rebuilt."""
    row_security: bool = False
    post_data: int = 1
    """Indexes, foreign keys and triggers, of which each chunk has its own: so many entries of
    post-data has a dump for each chunk."""

    @property
    def sql(self) -> str:
        return qualified(self.schema, self.name)

    @property
    def label(self) -> str:
        """How screens name it: a materialization hypertable by its continuous aggregate."""
        return self.cagg or f"{self.schema}.{self.name}"

    @property
    def compressed_chunks(self) -> int:
        return sum(chunk.compressed for chunk in self.chunks)
