"""What a database holds that one of the methods cannot migrate as it is, as plain data."""

from dataclasses import dataclass
from enum import StrEnum

from tswizard.core.db.identifiers import qualified


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingValue:
    """A column that was added with a default after chunks were compressed.

    Their rows do not store it: they take it from pg_attribute.attmissingval of the chunk, which no
    dump holds (timescale/timescaledb#8091).
    """

    hypertable: str
    column: str
    rows: int
    """Compressed rows that do not store it."""
    chunks: tuple[str, ...]
    """For SQL: those that hold such rows."""

    @property
    def label(self) -> str:
        return f"{self.hypertable}.{self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HashedByOid:
    """A column whose values are hashed by OIDs, which differ between servers, and which decides
    where a row belongs."""

    schema: str
    name: str
    """Of the hypertable, or of the partitioned table."""
    column: str
    type: str
    rows: bool
    """It has rows, or at least chunks."""
    hypertable: bool = True
    own_function: bool = False
    """A function of the user hashes it, maybe by the name."""

    @property
    def label(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def key(self) -> tuple[str, str]:
        return self.schema, self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessMethodUse:
    """A relation with another table access method than heap."""

    schema: str
    name: str
    method: str
    of: str
    """What it belongs to, for people: the hypertable of a chunk, else itself."""

    @property
    def statement(self) -> str:
        """Converts it."""
        return f"ALTER TABLE {qualified(self.schema, self.name)} SET ACCESS METHOD heap;"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionUse:
    """A view or function of the user that depends on something of TimescaleDB's."""

    kind: str
    identity: str
    """The user's object, quoted."""
    uses: str
    """`schema.relation.column`, `schema.relation` or `schema.function`, unquoted."""

    @property
    def label(self) -> str:
        return f"{self.kind} {self.identity}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkUse:
    """An object of the user that names a chunk, or where a continuous aggregate stores its rows."""

    kind: str
    identity: str
    """The user's object, quoted; a function with the types of its arguments."""
    chunk: str
    """`schema.relation`, unquoted."""
    of: str
    """Its hypertable or continuous aggregate, for people."""
    bound: bool
    """It depends on the chunk in the catalog; otherwise only the text of a function names it."""

    @property
    def label(self) -> str:
        return f"{self.kind} {self.identity}"


@dataclass(frozen=True, slots=True, kw_only=True)
class InExtensionSchema:
    """An object of the user in a schema of TimescaleDB."""

    kind: str
    identity: str
    """Quoted; a function with the types of its arguments."""
    signature: str = ""
    """Of a function, with the names of its arguments too."""

    @property
    def label(self) -> str:
        return f"{self.kind} {self.identity}"


class ExpressionKind(StrEnum):
    """Where an expression stands."""

    CHECK = "CHECK constraint"
    GENERATED = "generated column"
    DOMAIN = "column of a domain"
    INDEX = "index"

    @property
    def of_rows(self) -> bool:
        """Is it evaluated for each row that is loaded?"""
        return self is not ExpressionKind.INDEX


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedExpression:
    """An expression of the user's that was tried on some rows, in sessions like ours."""

    schema: str
    table: str
    kind: ExpressionKind
    name: str
    """Of the constraint, column or index, unquoted."""
    hypertable: bool
    rows: bool
    """The table has rows."""
    error: str = ""
    """What the server said with nothing but pg_catalog in the search_path; empty if it worked."""
    path: str = ""
    """The first search_path with which it works; empty where none does, or none is needed."""
    depends: bool = False
    """A CHECK that may depend on more than its row: on other tables, the clock, settings."""
    violated: bool = False
    """A CHECK that some rows violate."""
    inherited: bool = False

    @property
    def label(self) -> str:
        return f"{self.kind} {self.schema}.{self.table}.{self.name}"

    @property
    def key(self) -> tuple[str, str]:
        return self.schema, self.table


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazards:
    """Everything of this kind in one database."""

    missing_values: tuple[MissingValue, ...] = ()
    compressed_oids: tuple[str, ...] = ()
    """`schema.hypertable.column` whose compressed values are object ids, as of regclass."""
    hashed_by_oid: tuple[HashedByOid, ...] = ()
    access_methods: tuple[AccessMethodUse, ...] = ()
    in_extension_schemas: tuple[InExtensionSchema, ...] = ()
    """Objects of the user in schemas of TimescaleDB."""
    extension_uses: tuple[ExtensionUse, ...] = ()
    chunk_uses: tuple[ChunkUse, ...] = ()
    expressions: tuple[TriedExpression, ...] = ()
    """Only those that need something."""

    @property
    def routed(self) -> frozenset[tuple[str, str]]:
        """Hypertables of which a row belongs into another chunk on another server."""
        return frozenset(h.key for h in self.hashed_by_oid if h.hypertable)

    @property
    def partitioned_by_oid(self) -> tuple[HashedByOid, ...]:
        """Tables with PARTITION BY HASH of which a row belongs into another partition there."""
        return tuple(h for h in self.hashed_by_oid if not h.hypertable)

    @property
    def compressed_late(self) -> frozenset[tuple[str, str]]:
        """Hypertables whose chunks can only be compressed once all rows and constraints are
        there."""
        return self.routed | {tried.key for tried in self.late_checks if tried.hypertable}

    @property
    def search_paths(self) -> dict[tuple[str, str], str]:
        """Table -> the search_path with which its rows can be loaded."""
        return {
            tried.key: tried.path
            for tried in self.expressions
            if tried.kind.of_rows and tried.error and tried.path
        }

    @property
    def index_paths(self) -> dict[tuple[str, str], str]:
        """Schema and name of an index -> the search_path with which it can be built."""
        return {
            (tried.schema, tried.name): tried.path
            for tried in self.expressions
            if tried.kind is ExpressionKind.INDEX and tried.path
        }

    @property
    def late_checks(self) -> tuple[TriedExpression, ...]:
        """CHECK constraints that are not sure to hold while rows are loaded."""
        return tuple(
            tried
            for tried in self.expressions
            if tried.kind is ExpressionKind.CHECK and (tried.depends or tried.violated)
        )
