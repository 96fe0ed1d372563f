"""Pieces: the units that a split migration copies, and the SQL of each."""

import json
from dataclasses import dataclass
from enum import StrEnum

from psycopg import sql

from tswizard.core.split.plan.packed import PackedRows, Shell, StoredLayout


class PieceKind(StrEnum):
    """What a piece holds."""

    TABLE = "table"
    """A plain table, a leaf partition, or the own rows of a table that has child tables."""
    SLICE = "slice"
    """A range of a big plain table."""
    CHUNK = "chunk"
    """A chunk, or a time range of one."""
    ROUTED = "routed"
    """Rows in a hypertable's root table, which belong in chunks."""
    CONFIG = "config"
    """The user's rows in an extension's configuration table."""
    OBJECTS = "large objects"
    COMPRESS = "compress"
    """No rows: a chunk is compressed after it was copied."""


class Stage(StrEnum):
    """Plain tables come first: what hypertables refer to must exist before their chunks."""

    TABLES = "tables"
    CHUNKS = "chunks"
    LAST = "last"
    """Chunks that can be compressed only when all constraints exist."""


class PieceState(StrEnum):
    """Where a piece stands. One that is being copied is `waiting`, and locked."""

    WAITING = "waiting"
    BLOCKED = "blocked"
    """A compression whose chunk is not complete yet."""
    STAGED = "staged"
    """In a file."""
    DONE = "done"
    FAILED = "failed"
    GONE = "gone"
    """Its relation was dropped on the source."""


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column that is copied; generated columns are not."""

    name: str
    type: str
    """As format_type() prints it, schema included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTable:
    """What the pieces of one table share."""

    label: str
    """How screens name it."""
    schema: str
    name: str
    columns: tuple[SourceColumn, ...]
    format: str = "binary"
    """`binary` or `text`, as COPY names it."""
    text_column: str = ""
    """The first column that COPY's binary format cannot carry; empty for binary."""
    hypertable: bool = False
    cagg: tuple[str, str] | None = None
    """Schema and name of the continuous aggregate that keeps its rows in this hypertable."""
    target: tuple[str, str] | None = None
    """Such a hypertable as the target calls it, once it is there: its name holds an id."""
    search_path: str = ""
    """With which its expressions can be evaluated; empty where they need none."""
    routed: bool = False
    """A hypertable whose rows do not fit the source's chunks: the target routes them."""
    feeds_caggs: bool = False
    """Continuous aggregates read it on the source."""
    layouts: tuple[StoredLayout, ...] = ()
    """How compressed rows of it are copied as they are stored."""

    @property
    def on_target(self) -> tuple[str, str] | None:
        """Its schema and name on the target; None where there is no such table."""
        return self.target if self.cagg else (self.schema, self.name)

    @property
    def target_sql(self) -> sql.Identifier:
        """The same for SQL, where it is known to be there."""
        assert self.on_target is not None
        return sql.Identifier(*self.on_target)

    @property
    def sql(self) -> sql.Identifier:
        """Its name on the source."""
        return sql.Identifier(self.schema, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One unit of copying."""

    id: int
    table_index: int
    """Of its table, in the plan."""
    kind: PieceKind
    stage: Stage
    schema: str
    """Of the relation that is read."""
    name: str
    bytes: int
    """As stored on the source, without indexes; an estimate for slices."""
    rows_estimate: int = 0
    only: bool = False
    """Read the relation without its child tables."""
    where: str = ""
    """SQL: half-open ranges with typed literals, valid on both servers unless `by_ctid`."""
    by_ctid: bool = False
    """`where` is a range of the source's pages, which means nothing on the target."""
    whole_relation: bool = True
    """The piece is all that its target relation holds, which can therefore be truncated first."""
    filenode: int | None = None
    """The file whose pages `where` names; a rewritten table has another one."""
    dimension_slices: str = ""
    """JSON of a chunk's dimension slices, as create_chunk() takes them."""
    first_oid: int = 0
    last_oid: int = 0
    """Of large objects, both inclusive."""
    target_chunk: tuple[str, str] | None = None
    """The chunk that was created for it on the target; None before that, and for routed rows."""
    packed: PackedRows | None = None
    """Of a compressed chunk that may travel as it is stored."""
    shell: Shell | None = None
    """What its compressed rows go into; None where rows are decompressed on their way."""
    reason: str = ""
    """Why a compressed chunk is decompressed, or rebuilt."""

    @property
    def relation(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """All that a run copies."""

    tables: tuple[SourceTable, ...]
    pieces: tuple[Piece, ...]

    def table_of(self, piece: Piece) -> SourceTable:
        return self.tables[piece.table_index]


@dataclass(frozen=True, slots=True)
class StoredPiece:
    """A piece as the ledger has it."""

    piece: Piece
    state: PieceState
    snapshot_id: int | None
    """The snapshot that it was last copied or compared under."""
    rows: int | None


def stored_layout(table: SourceTable, piece: Piece) -> StoredLayout | None:
    """How the piece is copied as it is stored; None where its rows are decompressed."""
    return table.layouts[piece.shell.layout] if piece.shell else None


def relation_key(piece: Piece) -> str:
    """The relation that a piece is of, as the ledger stores it; all of its slices share it."""
    return json.dumps((piece.schema, piece.name), ensure_ascii=False)


def select_rows(table: SourceTable, piece: Piece) -> sql.Composed:
    """The query of a piece's rows on the source.

    Every column is cast to its planned type: no cost if that is its type, and an error instead of
    wrong bytes if the column was altered in the meantime.
    """
    columns = sql.SQL(", ").join(
        sql.SQL("{}::").format(sql.Identifier(column.name))
        + sql.SQL(column.type)  # format_type() quotes
        for column in table.columns
    )
    query = sql.SQL("SELECT {} FROM {}{}").format(
        columns, sql.SQL("ONLY " if piece.only else ""), piece.relation
    )
    return query + where_clause(piece)


def where_clause(piece: Piece) -> sql.Composable:
    """` WHERE …`, or nothing."""
    if not piece.where:
        return sql.SQL("")
    return sql.SQL(" WHERE ") + sql.SQL(piece.where)  # composed by the planner


def copy_out(table: SourceTable, piece: Piece) -> sql.Composed:
    """`COPY (SELECT …) TO STDOUT` for the source."""
    return sql.SQL("COPY ({}) TO STDOUT (FORMAT {})").format(
        select_rows(table, piece), sql.Identifier(table.format)
    )


def is_routed(table: SourceTable, piece: Piece) -> bool:
    """Do the rows go into a hypertable, which routes them into chunks?"""
    return table.hypertable and piece.target_chunk is None


def destination(table: SourceTable, piece: Piece) -> sql.Identifier:
    """The relation on the target that a piece's rows go to."""
    if piece.target_chunk is not None:
        return sql.Identifier(*piece.target_chunk)
    if table.hypertable:
        return table.target_sql
    return piece.relation


def copy_in(table: SourceTable, relation: sql.Identifier, *, freeze: bool = False) -> sql.Composed:
    """`COPY … FROM STDIN` for the target, with a column list.

    A table without columns has no list: `()` is no SQL.
    """
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
    column_list = sql.SQL("({})").format(names) if table.columns else sql.SQL("")
    return sql.SQL("COPY {}{} FROM STDIN (FORMAT {}{})").format(
        relation,
        column_list,
        sql.Identifier(table.format),
        sql.SQL(", FREEZE" if freeze else ""),
    )
