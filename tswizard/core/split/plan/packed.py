"""How the rows of a compressed chunk travel: as they are stored, or decompressed."""

from dataclasses import dataclass
from enum import StrEnum


class Way(StrEnum):
    """How the rows of a compressed chunk reach the target."""

    STORED = "stored"
    """Its compressed rows go as they are into the target's compressed chunk."""
    REBUILT = "rebuilt"
    """The same, and then the target decompresses and compresses them: what it keeps beside the
    rows cannot be copied."""
    DECOMPRESSED = "decompressed"
    """The source decompresses the rows, the target compresses them again."""

    @property
    def words(self) -> str:
        """As the log, the checklist and docs/compressed-chunks.md call it."""
        match self:
            case Way.STORED:
                return "as stored"
            case Way.REBUILT:
                return "as stored, then rebuilt"
            case Way.DECOMPRESSED:
                return "decompressed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedRows:
    """The relation in which the source keeps a chunk's compressed rows."""

    schema: str
    name: str
    chunk: int
    """The chunk's id in the catalog."""
    relation_oid: int
    """The chunk's OID."""
    oid: int
    state: str
    """Of chunk and relation when the chunk was planned, as `packed_state` prints it."""
    partial: bool = False
    """The chunk holds rows that are not compressed as well (`status & 8`)."""
    unordered: bool = False
    """Its batches overlap (`status & 2`): nobody but TimescaleDB can say so of another chunk."""


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """A column of the target's relation, and what it gets."""

    name: str
    expression: str
    """SQL, on the source's relation."""
    compressed: bool = False
    """A block of compressed values."""
    derived: bool = False
    """The source's relation has no column of that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLayout:
    """What is copied between two relations of compressed rows; chunks of a hypertable share it."""

    columns: tuple[StoredColumn, ...]
    format: str
    """`binary` or `text`, as COPY names it."""
    in_file: tuple[tuple[str, str], ...] = ()
    """Columns of the source's relation with their types, as files have them: all but bloom filters,
    by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """The empty relation on the target that a chunk's compressed rows go into."""

    schema: str
    name: str
    layout: int
    """Its number in the table's `layouts`."""
    way: Way
