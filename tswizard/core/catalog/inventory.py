"""What a database holds, as plain data.

Everything is read once by `catalog.read` and never changes. Names are unquoted; `qualified`
gives them ready for SQL. Sizes are bytes, intervals are the server's own text.
"""

from dataclasses import dataclass
from enum import StrEnum

from tswizard.core.naming import qualified


@dataclass(frozen=True, slots=True)
class Role:
    """The role we are connected as, and what it may do."""

    name: str
    superuser: bool
    createrole: bool
    bypass_rls: bool
    owns_database: bool


@dataclass(frozen=True, slots=True)
class Server:
    """One server, as one connection saw it."""

    version_num: int
    """As `server_version_num`, e.g. 170005."""
    version: str
    timescaledb: str | None
    """Installed version in this database; None without the extension."""
    timescaledb_schema: str | None
    timescaledb_offered: tuple[str, ...]
    """Versions in pg_available_extension_versions."""
    license: str | None
    """`timescaledb.license`: "timescale" (community) or "apache"."""
    database: str
    encoding: str
    collate: str
    ctype: str
    size_bytes: int
    role: Role
    in_recovery: bool
    tls: str | None
    """TLS protocol of this connection, e.g. TLSv1.3; None without TLS."""
    latency_s: float
    """Median of a few round trips."""
    pooler: bool
    """The connection's backend pid is not the server's own: something sits between."""
    concurrent: bool
    """False where one backend serves every connection (the embedded server)."""
    restoring: bool
    """`timescaledb.restoring` is on for new sessions: a restore was left open."""

    @property
    def major(self) -> int:
        return self.version_num // 10000


class DimensionKind(StrEnum):
    RANGE = "range"
    HASH = "hash"


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension of a hypertable, from timescaledb_information.dimensions."""

    number: int
    column: str
    column_type: str
    kind: DimensionKind
    interval: str | None
    """Chunk interval: an interval's text or an integer's, None for hash."""
    integer: bool
    partitions: int | None
    partitioning_function: str | None
    """schema.name, quoted; None for the default."""
    integer_now: str | None
    """schema.name of integer_now_func, quoted."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk, from timescaledb_information.chunks (or the catalog when the view hides it)."""

    schema: str
    name: str
    compressed: bool
    partial: bool
    """Compressed, and holds rows that are not (`status & 8`)."""
    range_start: str | None
    """Start of the primary dimension as text: a timestamp or an integer."""
    range_end: str | None
    bytes: int
    """Total bytes with indexes and toast; for a compressed chunk with its compressed table."""
    tiered: bool = False

    @property
    def sql(self) -> str:
        return qualified(self.schema, self.name)


@dataclass(frozen=True, slots=True)
class Compression:
    """Compression settings of a hypertable."""

    segmentby: tuple[str, ...]
    orderby: tuple[str, ...]
    """Column with direction and nulls, e.g. `time DESC NULLS FIRST`."""
    merge_interval: str | None = None


@dataclass(frozen=True, slots=True)
class Hypertable:
    """A hypertable of the user, or (with `cagg`) an aggregate's materialization."""

    schema: str
    name: str
    owner: str
    dimensions: tuple[Dimension, ...]
    chunks: tuple[Chunk, ...]
    compression: Compression | None
    bytes: int
    rows_estimate: int
    cagg: str | None = None
    """schema.name of the aggregate whose materialization this is."""
    distributed: bool = False
    tiered: bool = False

    @property
    def sql(self) -> str:
        return qualified(self.schema, self.name)

    @property
    def label(self) -> str:
        """How screens name it: the aggregate's name for a materialization."""
        return self.cagg or f"{self.schema}.{self.name}"

    @property
    def compressed_chunks(self) -> int:
        return sum(chunk.compressed for chunk in self.chunks)


class TableKind(StrEnum):
    PLAIN = "table"
    PARTITIONED = "partitioned"
    PARTITION = "partition"
    FOREIGN = "foreign table"
    MATVIEW = "materialized view"


@dataclass(frozen=True, slots=True)
class Table:
    """A table that is not a hypertable nor a part of one."""

    schema: str
    name: str
    kind: TableKind
    owner: str
    bytes: int
    rows_estimate: int
    unlogged: bool = False
    row_security: bool = False
    inherits: bool = False

    @property
    def sql(self) -> str:
        return qualified(self.schema, self.name)

    @property
    def label(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Cagg:
    """A continuous aggregate."""

    schema: str
    name: str
    owner: str
    definition: str
    """Fully qualified SELECT, without the last semicolon."""
    materialized_only: bool
    compressed: bool
    finalized: bool
    hypertable: str
    """schema.name of what it reads: a hypertable or another aggregate."""
    parent: str | None
    """schema.name of the aggregate it stands on; None on a hypertable."""
    materialization_schema: str
    materialization_name: str

    @property
    def label(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Job:
    """A job of the user (id >= 1000), from timescaledb_information.jobs."""

    id: int
    application: str
    proc_schema: str
    proc_name: str
    owner: str
    scheduled: bool
    schedule_interval: str
    config: str | None
    """JSON text."""
    target: str | None
    """schema.name of its hypertable or aggregate."""

    @property
    def retention(self) -> bool:
        return self.proc_name == "policy_retention"

    @property
    def compression(self) -> bool:
        return self.proc_name in ("policy_compression", "policy_recompression")


@dataclass(frozen=True, slots=True)
class Sequence:
    schema: str
    name: str
    last_value: int
    is_called: bool


@dataclass(frozen=True, slots=True)
class Extension:
    name: str
    version: str
    schema: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything a source or a target holds that concerns a move."""

    server: Server
    extensions: tuple[Extension, ...]
    schemas: tuple[str, ...]
    """Schemas of the user (not the extension's, not PostgreSQL's)."""
    hypertables: tuple[Hypertable, ...]
    tables: tuple[Table, ...]
    caggs: tuple[Cagg, ...]
    jobs: tuple[Job, ...]
    sequences: tuple[Sequence, ...]
    roles_granted: tuple[str, ...]
    """Roles that own or are granted something here, PUBLIC left out."""
    roles: tuple[str, ...]
    """All roles of this server."""
    large_objects: int
    distributed: bool
    """Multi-node: distributed hypertables or data nodes exist."""
    tiered: bool
    """Some chunks live in object storage."""
    null_compressed: tuple[str, ...]
    """Hypertables with a compressed chunk in which a variable-length column is all NULL or may
    be (timescale/timescaledb#8893); empty at 2.20.1 and later."""

    @property
    def user_objects(self) -> int:
        """What makes a database not empty."""
        return len(self.hypertables) + len(self.tables) + len(self.caggs) + len(self.sequences)

    @property
    def stored_bytes(self) -> int:
        """Bytes of all tables as stored, indexes included."""
        return sum(h.bytes for h in self.hypertables) + sum(t.bytes for t in self.tables)
