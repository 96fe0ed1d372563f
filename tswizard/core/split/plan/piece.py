"""Pieces: the units that a split migration copies, and the SQL that each is made of."""

from dataclasses import dataclass
from enum import StrEnum

from psycopg import sql

Format = str
"""`binary` or `text`, as COPY names it."""


class PieceKind(StrEnum):
    """What a piece holds."""

    TABLE = "table"
    """A plain table, a leaf partition, or a table's own rows beside its heirs'."""
    SLICE = "slice"
    """A range of a big plain table."""
    CHUNK = "chunk"
    """A chunk, or a range of one."""
    ROUTED = "routed"
    """Rows that lie in a hypertable's own table and belong into chunks."""
    CONFIG = "config"
    """Rows of the user's in a table that an extension brought along."""
    OBJECTS = "large objects"
    COMPRESS = "compress"
    """Not rows: a chunk is compressed again after its copy."""


class Stage(StrEnum):
    """Plain tables go first: what hypertables refer to must be there before their chunks."""

    TABLES = "tables"
    CHUNKS = "chunks"
    LAST = "last"
    """Chunks that can be compressed only after all constraints are there."""


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column that is copied; generated ones are left out."""

    name: str
    type: str
    """As format_type prints it, schema included."""


@dataclass(frozen=True, slots=True)
class SourceTable:
    """What the pieces of one table share."""

    label: str
    """How screens name it."""
    schema: str
    name: str
    columns: tuple[SourceColumn, ...]
    format: Format = "binary"
    why_text: str = ""
    """The column that binary cannot carry; empty for binary."""
    hypertable: bool = False

    @property
    def sql(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)


@dataclass(frozen=True, slots=True)
class Piece:
    """One unit of copying. `table` is its table's place in the plan."""

    id: int
    table_index: int
    kind: PieceKind
    stage: Stage
    schema: str
    """Of the relation that is read."""
    name: str
    bytes: int
    """As the source stores them, without indexes; an estimate for slices."""
    rows_estimate: int = 0
    only: bool = False
    """Read the relation without its heirs."""
    where: str = ""
    """SQL; half-open ranges with typed literals, valid on both ends unless `local`."""
    by_ctid: bool = False
    """`where` names places in the source's files (ctid): it means nothing on the target."""
    whole_relation: bool = True
    """The piece is all that its target relation holds, so that can be emptied first."""
    filenode: int | None = None
    """The file that `where` names places in; a rewritten table has another."""
    dimension_slices: str = ""
    """JSON of a chunk's dimension slices, as create_chunk takes them."""
    first_oid: int = 0
    last_oid: int = 0
    """Of large objects, both inclusive."""
    target_chunk: tuple[str, str] | None = None
    """The chunk that was made for it on the target; None until then, and for routed rows."""

    @property
    def relation(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """All that a run copies."""

    tables: tuple[SourceTable, ...]
    pieces: tuple[Piece, ...]

    def of(self, piece: Piece) -> SourceTable:
        return self.tables[piece.table_index]


def select(table: SourceTable, piece: Piece) -> sql.Composed:
    """The rows of a piece on the source.

    Every column is cast to the type that was planned: free when that is what it is, and right or
    an error, never wrong bytes, when somebody altered it meanwhile.
    """
    columns = sql.SQL(", ").join(
        sql.SQL("{}::").format(sql.Identifier(column.name))
        + sql.SQL(column.type)  # format_type quotes
        for column in table.columns
    )
    query = sql.SQL("SELECT {} FROM {}{}").format(
        columns, sql.SQL("ONLY " if piece.only else ""), piece.relation
    )
    return query + condition(piece)


def condition(piece: Piece) -> sql.Composable:
    """` WHERE …`, or nothing."""
    if not piece.where:
        return sql.SQL("")
    return sql.SQL(" WHERE ") + sql.SQL(piece.where)  # composed by plan


def copy_out(table: SourceTable, piece: Piece) -> sql.Composed:
    """`COPY (SELECT …) TO STDOUT` for the source."""
    return sql.SQL("COPY ({}) TO STDOUT (FORMAT {})").format(
        select(table, piece), sql.Identifier(table.format)
    )


def destination(table: SourceTable, piece: Piece) -> sql.Identifier:
    """Where a piece's rows go on the target."""
    if piece.target_chunk is not None:
        return sql.Identifier(*piece.target_chunk)
    if table.hypertable:
        return table.sql
    return piece.relation


def copy_in(table: SourceTable, place: sql.Identifier, *, freeze: bool = False) -> sql.Composed:
    """`COPY … FROM STDIN` for the target, columns named.

    A table without columns of its own has no list: `()` is no SQL.
    """
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
    listed = sql.SQL("({})").format(names) if table.columns else sql.SQL("")
    return sql.SQL("COPY {}{} FROM STDIN (FORMAT {}{})").format(
        place,
        listed,
        sql.Identifier(table.format),
        sql.SQL(", FREEZE" if freeze else ""),
    )
