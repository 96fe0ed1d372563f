"""What a database holds that one of the methods cannot carry as it is, as plain data."""

from dataclasses import dataclass

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
    """A column whose values are hashed by OIDs, which are others on every server, and which decides
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
class Hazards:
    """Everything of this kind in one database."""

    missing_values: tuple[MissingValue, ...] = ()
    hashed_by_oid: tuple[HashedByOid, ...] = ()
    access_methods: tuple[AccessMethodUse, ...] = ()
    in_extension_schemas: tuple[str, ...] = ()
    """Objects of the user in schemas of TimescaleDB, each as `kind identity`."""
    extension_uses: tuple[ExtensionUse, ...] = ()
