"""Copies a bundle: one query on the source, one string of COPY statements on the target.

So a piece costs one round trip of the target, that between the end of its rows and the server's
readiness for the next ones; the source's is shared by all. Small chunks of one table share theirs
too, see `staged_chunks`.
"""

import math
import select
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from psycopg import OperationalError, sql
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from tswizard.core.db.connection import Connection, rows
from tswizard.core.split.copy.chunks import BARE_SEARCH_PATH
from tswizard.core.split.copy.copy_context import CopyContext
from tswizard.core.split.copy.errors import SnapshotStale, SourceFailed
from tswizard.core.split.copy.frames import FramedRows, RowsEnded, new_token
from tswizard.core.split.copy.psql_reader import PsqlReader
from tswizard.core.split.copy.pump import STOP_POLL_MS, Stopped, TargetSink, run_pump
from tswizard.core.split.copy.scripts import loose_copy_out, stored_copy_out
from tswizard.core.split.copy.snapshot import SourceSnapshot
from tswizard.core.split.copy.staged_chunks import (
    staged_copy_in,
    staged_copy_out,
    staged_groups,
    staged_inserts,
)
from tswizard.core.split.copy.stored_piece import (
    batches_and_rows,
    loose_copy_in,
    require_batches,
    stored_copy_in,
)
from tswizard.core.split.ledger.bundles import CopiedPiece
from tswizard.core.split.plan.piece import (
    Piece,
    SourceTable,
    copy_in,
    copy_out,
    destination,
    stored_layout,
)

_ABORT = 30.0
"""Seconds for the target to notice that a COPY was given up; then the connection is."""

_REFERENCED = """
SELECT r.name FROM pg_catalog.unnest(%s::text[]) AS r (name)
WHERE EXISTS (SELECT FROM pg_catalog.pg_constraint
  WHERE contype = 'f' AND confrelid = r.name::pg_catalog.regclass)
"""


async def copy_bundle(
    context: CopyContext,
    target: Connection,
    source: PsqlReader,
    pieces: Sequence[Piece],
    snapshot: SourceSnapshot,
    began: Callable[[Piece], None],
) -> list[CopiedPiece]:
    """Copy pieces that were claimed together, in the transaction that has locked them. `began` is
    called, in another thread, for each whose turn it is.

    Raises SourceFailed, SnapshotLost, StoredRefused, OSError, psycopg.Error; the transaction must
    be rolled back then.
    """
    tables = [context.plan.table_of(piece) for piece in pieces]
    streams = list(_all_streams(context, tables, pieces))
    token = new_token()
    script = source.scripts.bundle(pieces, [s.out for s in streams], snapshot.name, token)
    async with source.running(script, keep_open=True) as (psql, pipe):
        into = await _statements(context, target, tables, pieces, streams)
        pump = BundlePump(
            pipe=pipe,
            token=token,
            target=target,
            statements=into.as_bytes(target),
            streams=streams,
            pieces=len(pieces),
            paused=context.paused,
            began=lambda number: began(pieces[number]),
        )
        context.pumps.update(zip((piece.id for piece in pieces), pump.copied, strict=True))
        try:
            await run_pump(pump, context.threads)
        except RowsEnded:
            await psql.finish()
            raise SourceFailed(None, "psql ended before all rows were read") from None
        finally:
            for piece in pieces:
                context.pumps.pop(piece.id, None)
        await psql.finish()
    if pump.states_before != pump.states_after:
        raise SnapshotStale
    return [
        CopiedPiece(piece, one.rows, one.moved)
        for piece, one in zip(pieces, pump.copied, strict=True)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One COPY of each server."""

    number: int
    """Of its piece, in the bundle; of the first where it is staged."""
    out: sql.Composed
    into: sql.Composed | None = None
    """None where it depends on the target, see `_statements`."""
    batches: sql.Composed | None = None
    """A query of the batches that have arrived, and of their rows; None where it moves rows."""
    staged: tuple[int, ...] = ()
    """The pieces whose rows are all in it, for `inserts` to tell them apart."""
    before: sql.Composed | None = None
    """What has to be done first."""
    inserts: tuple[sql.Composed, ...] = ()


def _all_streams(
    context: CopyContext, tables: Sequence[SourceTable], pieces: Sequence[Piece]
) -> Iterator[Stream]:
    groups = {group[0]: group for group in staged_groups(pieces, context.not_staged)}
    staged = {place for group in groups.values() for place in group}
    for number, (table, piece) in enumerate(zip(tables, pieces, strict=True)):
        if group := groups.get(number):
            some = [pieces[place] for place in group]
            before, into = staged_copy_in(table, some, number)
            yield Stream(
                number=number,
                out=staged_copy_out(table, some),
                into=into,
                staged=group,
                before=before,
                inserts=tuple(staged_inserts(table, some, number)),
            )
        elif number not in staged:
            yield from _streams(number, table, piece)


def _streams(number: int, table: SourceTable, piece: Piece) -> Iterator[Stream]:
    """What is read of a piece. Rows that are not compressed go before the batches, see
    `copy_piece`."""
    layout = stored_layout(table, piece)
    if layout is None:
        yield Stream(number=number, out=copy_out(table, piece))
        return
    assert piece.packed is not None
    if piece.packed.partial:
        yield Stream(number=number, out=loose_copy_out(table, piece), into=loose_copy_in(table))
    yield Stream(
        number=number,
        out=stored_copy_out(piece, layout),
        into=stored_copy_in(piece, layout),
        batches=batches_and_rows(piece),
    )


async def _statements(
    context: CopyContext,
    target: Connection,
    tables: Sequence[SourceTable],
    pieces: Sequence[Piece],
    streams: Sequence[Stream],
) -> sql.Composed:
    """What the target is told: see `copy_piece` for when a relation is truncated first."""
    into = [destination(t, p) for t, p in zip(tables, pieces, strict=True)]
    emptied = {
        into[s.number].as_string(None)
        for s in streams
        if s.into is None and pieces[s.number].whole_relation and not tables[s.number].feeds_caggs
    }
    if emptied:
        emptied -= {name for (name,) in await rows(target, _REFERENCED, (sorted(emptied),))}
    statements: list[sql.Composable] = []
    path = BARE_SEARCH_PATH
    for stream in streams:
        table, relation = tables[stream.number], into[stream.number]
        wanted = context.search_path_of(table, pieces[stream.number])
        if wanted != path:
            path = wanted
            statements.append(
                sql.SQL("SELECT pg_catalog.set_config('search_path', {}, true)").format(path)
            )
        if stream.into is None:
            freeze = relation.as_string(None) in emptied
            if freeze:
                statements.append(sql.SQL("TRUNCATE ONLY {}").format(relation))
            statements.append(copy_in(table, relation, freeze=freeze))
        else:
            statements += [*([stream.before] if stream.before else ()), stream.into]
        statements += stream.inserts
        if stream.batches is not None:
            statements.append(stream.batches)
    return sql.SQL(";\n").join(statements)


@dataclass(slots=True)
class PieceCount:
    """What has gone over of one piece."""

    moved: int = 0
    rows: int = 0


@dataclass(slots=True, kw_only=True)
class BundlePump:
    """Moves the rows of a bundle, in a thread."""

    pipe: int
    token: str
    target: Connection
    statements: bytes
    streams: Sequence[Stream]
    pieces: int
    paused: Callable[[], bool]
    began: Callable[[int], None]
    copied: list[PieceCount] = field(init=False)
    states_before: str = ""
    states_after: str = ""
    _stop: bool = field(default=False)

    def __post_init__(self) -> None:
        self.copied = [PieceCount() for _ in range(self.pieces)]

    def stop(self) -> None:
        """End the thread soon, wherever it waits."""
        self._stop = True

    def run(self) -> int:
        """Move all rows; the bytes moved. Raises RowsEnded, Stopped, StoredRefused, OSError,
        psycopg.Error."""
        frames = FramedRows(self.pipe, self.token, stopped=lambda: self._stop, paused=self.paused)
        target = self.target
        copies = TargetCopies(target.pgconn, target.info.encoding, lambda: self._stop)
        try:
            copies.start(self.statements)
            self.states_before = frames.next(_nothing)
            for stream in self.streams:
                one = self.copied[stream.number]
                self.began(stream.number)
                copies.begin()
                frames.next(partial(copies.write, one))
                moved = copies.end()
                if stream.staged:
                    self._share(stream, moved, [copies.count() for _ in stream.staged])
                    continue
                if stream.batches is not None:
                    batches, arrived = copies.numbers()
                    require_batches(batches, moved)
                    moved = arrived
                one.rows += moved
            copies.finish()
            self.states_after = frames.next(_nothing)
        except Stopped:
            raise  # the connection is closed by whoever stops
        except BaseException:
            copies.abort()
            raise
        return sum(one.moved for one in self.copied)

    def _share(self, stream: Stream, rows: int, by_piece: Sequence[int]) -> None:
        if sum(by_piece) != rows:
            raise OperationalError(f"{sum(by_piece)} of {rows} staged rows were inserted")
        whole, copied = self.copied[stream.number], [self.copied[n] for n in stream.staged]
        size, whole.moved = whole.moved, 0
        for one, some in zip(copied, by_piece, strict=True):
            one.rows, one.moved = some, size * some // max(rows, 1)


def _nothing(block: memoryview) -> None:
    raise SourceFailed(None, f"psql has written what nobody asked for ({len(block)} B)")


class TargetCopies:
    """A string of statements with several times COPY on the target, used from a thread.

    libpq gives one result after the other; psycopg's own COPY expects that there is one.
    https://www.postgresql.org/docs/current/libpq-copy.html
    """

    def __init__(self, pgconn: PGconn, encoding: str, stopped: Callable[[], bool]) -> None:
        self._pgconn = pgconn
        self._encoding = encoding
        self._stopped = stopped
        self._until = math.inf
        self._sink = TargetSink(pgconn)
        self._poll = select.poll()
        self._poll.register(pgconn.socket, select.POLLIN)
        self._sending = select.poll()
        self._sending.register(pgconn.socket, select.POLLIN | select.POLLOUT)
        self._copying = False

    def start(self, statements: bytes) -> None:
        """Send them."""
        self._pgconn.send_query(statements)

    def begin(self) -> None:
        """Wait until the next COPY takes rows. Raises psycopg.Error."""
        while (result := self._result()) is not None:
            if result.status == ExecStatus.COPY_IN:
                self._copying = True
                return
        raise OperationalError("the target has ended a COPY before it began")

    def write(self, count: PieceCount, block: memoryview) -> None:
        """Rows of it."""
        self._sink.write(block, self._stopped)
        count.moved += len(block)

    def end(self) -> int:
        """The end of its rows; how many there were. Raises psycopg.Error."""
        while self._pgconn.put_copy_end() == 0:
            self._wait(self._sending)
        self._copying = False
        result = self._result()
        if result is None:
            raise OperationalError("the target has not confirmed a COPY")
        return result.command_tuples or 0

    def numbers(self) -> tuple[int, ...]:
        """The row that a query between two COPY statements returns. Raises psycopg.Error."""
        result = self._result()
        if result is None or result.status != ExecStatus.TUPLES_OK or result.ntuples != 1:
            raise OperationalError("the target has not answered a query after a COPY")
        return tuple(int(result.get_value(0, n) or b"0") for n in range(result.nfields))

    def count(self) -> int:
        """How many rows the next statement has changed. Raises psycopg.Error."""
        result = self._result()
        if result is None or result.status != ExecStatus.COMMAND_OK:
            raise OperationalError("the target has not answered a statement after a COPY")
        return result.command_tuples or 0

    def finish(self) -> None:
        """Wait for the end of all statements."""
        while self._result() is not None:
            pass

    def abort(self) -> None:
        """Give up the statements that are under way, so that a ROLLBACK can follow."""
        self._stopped = lambda: False
        self._until = time.monotonic() + _ABORT
        try:
            if self._copying:
                self._pgconn.put_copy_end(b"given up")
            while (result := self._next()) is not None:
                if result.status == ExecStatus.COPY_IN:  # it had not begun to take rows
                    self._pgconn.put_copy_end(b"given up")
        except (OperationalError, TimeoutError):
            self._pgconn.finish()

    def _result(self) -> PGresult | None:
        """The next result. Raises psycopg.Error for one that is an error."""
        result = self._next()
        if result is not None and result.status == ExecStatus.FATAL_ERROR:
            raise error_from_result(result, encoding=self._encoding)
        return result

    def _next(self) -> PGresult | None:
        while self._pgconn.flush():
            self._wait(self._sending)
            self._pgconn.consume_input()
        while self._pgconn.is_busy():
            self._wait(self._poll)
            self._pgconn.consume_input()
        return self._pgconn.get_result()

    def _wait(self, on: select.poll) -> None:
        on.poll(STOP_POLL_MS)
        if time.monotonic() > self._until:
            raise TimeoutError
        if self._stopped():
            raise Stopped
