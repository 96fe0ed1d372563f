"""Copies a compressed chunk as it is stored: into the relation of the target's shell.

Everything happens in the transaction that marks the piece. Whatever is refused, and whatever has
changed on the source since the chunk was planned, leaves nothing behind: the shell is decompressed
and the rows take the way of all others (`fall_back`).
"""

from dataclasses import replace

from psycopg import Error, sql

from tswizard.core.db.connection import Connection, rows, value
from tswizard.core.db.errors import is_transient, message_of, refuses_writes
from tswizard.core.split.copy.errors import SourceFailed
from tswizard.core.split.ledger import queue
from tswizard.core.split.plan.packed import StoredLayout, Way
from tswizard.core.split.plan.piece import Piece, SourceTable, copy_in

_DIVISION_BY_ZERO = "22012"
"""How a script says that the source is not as it was planned."""


class StoredRefused(Exception):
    """Compressed rows that could not be copied as they are stored; they are decompressed."""


def stored_copy_in(piece: Piece, layout: StoredLayout) -> sql.Composed:
    """`COPY … FROM STDIN` into the shell's relation."""
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT {})").format(
        _relation(piece),
        sql.SQL(", ").join(sql.Identifier(column.name) for column in layout.columns),
        sql.Identifier(layout.format),
    )


def create_batches_table(layout: StoredLayout) -> sql.Composed:
    """A temporary table for the batches of a file, dropped with this transaction."""
    columns = sql.SQL(", ").join(
        sql.Identifier(name) + sql.SQL(f" {kind}") for name, kind in layout.in_file
    )
    return sql.SQL("CREATE TEMPORARY TABLE tswizard_batches ({}) ON COMMIT DROP").format(columns)


def batches_copy_in(table: SourceTable) -> sql.Composed:
    """`COPY … FROM STDIN` of a file's batches."""
    return sql.SQL("COPY {} FROM STDIN (FORMAT {})").format(_BATCHES, sql.Identifier(table.format))


def move_batches(piece: Piece, layout: StoredLayout) -> sql.Composed:
    """From the temporary table into the shell's relation. Bloom filters are not in files."""
    known = {name for name, _ in layout.in_file}
    columns = [c for c in layout.columns if c.name in known or c.derived]
    return sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(
        _relation(piece),
        sql.SQL(", ").join(sql.Identifier(c.name) for c in columns),
        sql.SQL(", ").join(sql.SQL(c.expression) for c in columns),
        _BATCHES,
    )


_BATCHES = sql.Identifier("pg_temp", "tswizard_batches")


def loose_copy_in(table: SourceTable) -> sql.Composed:
    """`COPY … FROM STDIN` of rows that are not compressed. Through the hypertable: a chunk that
    rows are copied into directly is not marked as partial before 2.28, and hides them."""
    return copy_in(table, table.target_sql)


def _relation(piece: Piece) -> sql.Identifier:
    assert piece.shell is not None
    return sql.Identifier(piece.shell.schema, piece.shell.name)


def _chunk(piece: Piece) -> sql.Identifier:
    assert piece.target_chunk is not None
    return sql.Identifier(*piece.target_chunk)


async def empty_shell(target: Connection, piece: Piece) -> None:
    """Remove an earlier copy of the chunk, which stays compressed. Call it in a transaction.

    Not by TRUNCATE of the chunk, which is logged for continuous aggregates that read it.
    """
    await target.execute(sql.SQL("TRUNCATE ONLY {}").format(_relation(piece)))
    await target.execute(sql.SQL("DELETE FROM ONLY {}").format(_chunk(piece)))


def batches_and_rows(piece: Piece) -> sql.Composed:
    """The query of what is in the shell."""
    query = "SELECT pg_catalog.count(*), COALESCE(pg_catalog.sum(_ts_meta_count), 0) FROM ONLY {}"
    return sql.SQL(query).format(_relation(piece))


def require_batches(found: int, copied: int) -> None:
    """Raises StoredRefused if the shell holds other batches than were copied."""
    if found != copied:
        raise StoredRefused(f"its relation holds {found} batches, {copied} were copied")


async def count_rows(target: Connection, piece: Piece, batches: int) -> int:
    """Rows in the shell. Raises StoredRefused if it holds other batches than were copied."""
    found, number = (await rows(target, batches_and_rows(piece)))[0]
    require_batches(found, batches)
    return int(number)


async def rebuild(target: Connection, piece: Piece, functions: str) -> None:
    """Decompress the chunk and compress it again: the target makes what it keeps beside the rows.
    Call it in a transaction. Raises StoredRefused if that merges it into another chunk."""
    assert piece.target_chunk is not None
    chunk = _chunk(piece).as_string(None)
    for name in ("decompress_chunk", "compress_chunk"):
        query = sql.SQL("SELECT {}(%s::pg_catalog.regclass) = %s::pg_catalog.regclass").format(
            sql.Identifier(functions, name)
        )
        if not await value(target, query, (chunk, chunk)):
            raise StoredRefused(f"{name}() did not keep it as a chunk of its own")


async def fall_back(target: Connection, piece: Piece, functions: str, reason: str) -> Piece:
    """Let a piece's rows be decompressed from now on; the piece as it is stored now. Call it in the
    transaction that has locked the piece."""
    if piece.target_chunk is not None:
        query = sql.SQL("SELECT {}(%s::pg_catalog.regclass, true)").format(
            sql.Identifier(functions, "decompress_chunk")
        )
        await target.execute(query, (_chunk(piece).as_string(None),))
    changed = replace(piece, packed=None, shell=None, reason=reason)
    await queue.save_pieces(target, [changed])
    await queue.requeue(target, [changed])
    return changed


def why_decompressed(error: Exception) -> str:
    """Why the rows of a piece that could not be copied as stored are decompressed from now on;
    empty for errors that say nothing of the way they go."""
    if isinstance(error, Error) and refuses_writes(error):
        return ""
    if not isinstance(error, Error | SourceFailed | StoredRefused) or is_transient(error):
        return ""
    if isinstance(error, SourceFailed) and error.sqlstate == _DIVISION_BY_ZERO:
        return "the source has changed or compressed it otherwise since it was planned"
    return message_of(error)


def is_rebuilt(piece: Piece) -> bool:
    """Is the chunk compressed again after the copy?"""
    return piece.shell is not None and piece.shell.way is Way.REBUILT
