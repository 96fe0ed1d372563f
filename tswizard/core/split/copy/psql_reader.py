"""Reads the source: a psql for each worker that writes a piece's rows into a named pipe.

psql passes rows on in C, psycopg would hand each to Python. One psql serves piece after piece,
since a connection costs as much as a small chunk. After the rows it prints `done`, unless there
was an error: a binary COPY that is cut short at the end of a row looks complete to its reader.
"""

import asyncio
import fcntl
import os
import re
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from psycopg import sql
from psycopg.conninfo import make_conninfo

from tswizard.core.catalog.catalog_shape import Shape
from tswizard.core.catalog.hypertables import chunk_relations
from tswizard.core.db.child_process import Child, start_process
from tswizard.core.db.endpoint import child_environment
from tswizard.core.db.session_settings import (
    KEEPALIVES,
    ROW_SECURITY_OFF,
    set_where_known,
    startup_options,
)
from tswizard.core.split.copy.copy_job import CopyJob
from tswizard.core.split.copy.errors import (
    SnapshotLost,
    SnapshotStale,
    SourceFailed,
    is_snapshot_missing,
)
from tswizard.core.split.copy.stored_piece import stored_copy_out
from tswizard.core.split.plan.packed import StoredLayout
from tswizard.core.split.plan.piece import Piece, PieceKind, SourceTable, copy_out

PIPES = "tswizard-pipes-"
"""Prefix of the private folders that pipes lie in."""
_SET_PIPE_SIZE = getattr(fcntl, "F_SETPIPE_SZ", 1031)
_PIPE = 1 << 20
"""Bytes of the pipe between psql and us, where the system gives that many."""
_ERRORS = 64 << 10
"""Bytes of psql's messages that are kept."""

# What psql says at the end of a script is in `end`: here it is done, in others a query tells.
_IN_SESSION = f"{set_where_known()} \\g /dev/null\n\\set end done\n"

_MESSAGE = re.compile(r"(?:ERROR|FATAL|PANIC):\s+(?:([0-9A-Z]{5}): )?(.*)")


class PsqlProcess:
    """A running psql, and the named pipe that it writes rows to."""

    def __init__(self, process: asyncio.subprocess.Process, fifo: Path) -> None:
        self.child = Child(process)
        self._process = process
        self._fifo = fifo
        self._number = 0
        self._kept_open: int | None = None
        self._errors = asyncio.create_task(self._drain())
        self._end = asyncio.create_task(self._unblock())

    @property
    def pid(self) -> int:
        return self._process.pid

    async def _drain(self) -> bytes:
        stream = self._process.stderr
        assert stream is not None
        kept = b""
        while more := await stream.read(_ERRORS):
            kept = (kept + more)[-_ERRORS:]
        return kept

    async def _unblock(self) -> None:
        """If psql exits without having opened the pipe, the pipe's reader must see an end."""
        await self._process.wait()
        self._let_end()
        with suppress(OSError):
            os.close(os.open(self._fifo, os.O_WRONLY | os.O_NONBLOCK))

    def _let_end(self) -> None:
        if self._kept_open is not None:
            os.close(self._kept_open)
            self._kept_open = None

    @contextmanager
    def pipe(self, *, keep_open: bool = False) -> Iterator[int]:
        """The pipe's reading end; it ends when psql has written all results of a query.

        psql before 15 opens it again for each result. With `keep_open` it ends only when psql does.
        """
        descriptor = os.open(self._fifo, os.O_RDONLY | os.O_NONBLOCK)
        with suppress(OSError):
            fcntl.fcntl(descriptor, _SET_PIPE_SIZE, _PIPE)
        if keep_open and self._process.returncode is None:
            self._kept_open = os.open(self._fifo, os.O_WRONLY | os.O_NONBLOCK)
        try:
            yield descriptor
        finally:
            self._let_end()
            os.close(descriptor)

    async def send(self, script: str) -> None:
        """Give psql a script, on its input since a wide table's SQL is too long for argv."""
        self._number += 1
        stream = self._process.stdin
        assert stream is not None
        with suppress(ConnectionError):
            stream.write(f"{script}\\echo :end {self._number}\n".encode())
            await stream.drain()

    async def finish(self) -> None:
        """Wait until psql has confirmed the end of the script.

        Raises SourceFailed, SnapshotLost, SnapshotStale.
        """
        stream = self._process.stdout
        assert stream is not None
        printed = (await stream.readline()).decode("utf-8", "replace").strip()
        if printed == f"done {self._number}":
            return
        if printed == f"stale {self._number}":
            raise SnapshotStale
        code = await self._process.wait()
        error = psql_error((await self._errors).decode("utf-8", "replace"), code)
        if is_snapshot_missing(error):
            raise SnapshotLost from error
        raise error

    async def close(self) -> None:
        """End psql, whatever it is doing."""
        await self.child.end()
        for task in (self._errors, self._end):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


class PsqlReader:
    """A worker's psql, started when it is needed and restarted after an error."""

    def __init__(self, job: CopyJob, folder: Path, passfile: str | None, number: int) -> None:
        self._job = job
        self._env = child_environment(os.environ, passfile) | {
            "PGCLIENTENCODING": job.options.encoding
        }
        self._fifo = folder / f"rows-{number}"
        self._psql: PsqlProcess | None = None

    @asynccontextmanager
    async def running(
        self, script: str, *, keep_open: bool = False
    ) -> AsyncIterator[tuple[PsqlProcess, int]]:
        """psql running a script, and the pipe to read from (see `PsqlProcess.pipe`). Call `finish`
        at the pipe's end."""
        try:
            if self._psql is None:
                self._psql = await self._start()
            with self._psql.pipe(keep_open=keep_open) as descriptor:
                await self._psql.send(script)
                yield self._psql, descriptor
        except BaseException:
            await asyncio.shield(self.close())
            raise

    async def _start(self) -> PsqlProcess:
        source = self._job.source
        options = startup_options(source.get("options"), ROW_SECURITY_OFF)
        conninfo = make_conninfo(source.conninfo, options=options, **KEEPALIVES)
        self._fifo.unlink(missing_ok=True)
        os.mkfifo(self._fifo, 0o600)
        argv = (
            str(self._job.psql),
            "--no-psqlrc",
            "--quiet",
            "--no-password",
            "--set=ON_ERROR_STOP=1",
            "--set=VERBOSITY=verbose",
            f"--dbname={conninfo}",
        )
        process = await start_process(argv, self._env, stdin=PIPE, stderr=PIPE)
        psql = PsqlProcess(process, self._fifo)
        await psql.send(_IN_SESSION)
        await psql.finish()
        return psql

    async def close(self) -> None:
        """End psql; the next piece starts another."""
        if self._psql is not None:
            psql, self._psql = self._psql, None
            await psql.close()

    def script(self, table: SourceTable, piece: Piece, snapshot: str | None) -> str:
        """The script for a piece: one read-only transaction, under the snapshot if one is held.

        `\\g` names the file that psql writes the result to. `end` is what it prints at last:
        `stale` if the relation was rewritten after the snapshot was taken, and so may have looked
        empty. `before` is the state under the snapshot, which is compared with the state now.
        """
        lines = [_begin(snapshot)]
        if piece.filenode is not None:
            lines.append(_guard(piece.relation, piece.filenode))
        state = self._state(piece)
        lines += [
            f"SELECT {state} AS before \\gset",
            f"{copy_out(table, piece).as_string(None)} \\g {self._fifo}",
            "COMMIT;",
            f"SELECT CASE {state} WHEN :'before' THEN 'done' ELSE 'stale' END AS end \\gset",
        ]
        return "\n".join(lines) + "\n"

    def stored_script(self, piece: Piece, layout: StoredLayout, snapshot: str | None) -> str:
        """The script for the batches of a chunk that travels as it is stored.

        Under the snapshot, chunk and relation have to be in the state in which the chunk was
        planned, or it fails. Afterwards both must be as they were, or it ends as `stale`: rows that
        were decompressed or compressed since can be invisible, or visible too early. Rows that
        were only added since do no harm.
        """
        return self._of_packed(piece, stored_copy_out(piece, layout), snapshot)

    def file_script(self, table: SourceTable, piece: Piece, snapshot: str | None) -> str:
        """The script for the batches of such a chunk as files have them: the target's relation is
        not there yet, so all columns go, by name, but bloom filters, which have no binary format
        and harm nobody where they are missing."""
        assert piece.packed is not None
        relation = sql.Identifier(piece.packed.schema, piece.packed.name).as_string(None)
        copy = sql.SQL("COPY (SELECT :columns FROM ONLY {}) TO STDOUT (FORMAT {})").format(
            sql.Identifier(piece.packed.schema, piece.packed.name), sql.Identifier(table.format)
        )
        columns = _COLUMNS_OF_BATCHES.format(sql.Literal(relation).as_string(None))
        return self._of_packed(piece, copy, snapshot, before=columns)

    def loose_script(self, table: SourceTable, piece: Piece, snapshot: str | None) -> str:
        """The script for the rows of such a chunk that are not compressed."""
        rows = copy_out(table, replace(piece, only=True))
        return self._of_packed(piece, rows, snapshot)

    def _of_packed(
        self, piece: Piece, copy: sql.Composed, snapshot: str | None, before: str = ""
    ) -> str:
        assert piece.packed is not None
        packed = piece.packed
        now = self._job.options.packed_state.format(
            chunk=packed.chunk, rel=packed.relation_oid, comp=packed.oid
        )
        planned = sql.Literal(piece.packed.state).as_string(None)
        loose = int(piece.packed.partial)
        return (
            f"{_begin(snapshot)}\n"
            "SELECT 1 / pg_catalog.count(*)::int "
            f"FROM ({now}) s WHERE state = {planned} AND loose = {loose} \\g /dev/null\n"
            f"{before}"
            f"{copy.as_string(None)} \\g {self._fifo}\n"
            "COMMIT;\n"
            f"SELECT CASE WHEN EXISTS (SELECT FROM ({now}) s WHERE state = {planned} "
            f"AND loose >= {loose}) THEN 'done' ELSE 'stale' END AS end \\gset\n"
        )

    def bundle_script(
        self, pieces: Sequence[tuple[SourceTable, Piece]], snapshot: str | None, token: str
    ) -> str:
        """The script for several pieces: one query, one round trip. See `frames`.

        A line with the token and the states of all relations comes first, one with the token alone
        after the rows of each piece, and one with the states at the end: they are as in `script`.
        """
        states = " || '|' || ".join(self._state(piece) for _, piece in pieces)
        with_states = f"COPY (SELECT '{token}' || {states}) TO STDOUT"
        statements = [*_beginning(snapshot), with_states]
        for table, piece in pieces:
            statements.append(copy_out(table, piece).as_string(None))
            statements.append(f"COPY (SELECT '{token}') TO STDOUT")
        statements += ["COMMIT", with_states]
        return " \\;\n".join(statements) + f" \\g {self._fifo}\n"

    def _state(self, piece: Piece) -> str:
        """SQL of the files that hold a relation's rows, as the transaction sees them."""
        name = f"{sql.Literal(piece.relation.as_string(None)).as_string(None)}::pg_catalog.regclass"
        compressed = self._job.options.chunk_state.replace("%s", name)
        return (
            "pg_catalog.concat_ws(' ', (SELECT relfilenode FROM pg_catalog.pg_class "
            f"WHERE oid = {name}), {compressed if piece.kind is PieceKind.CHUNK else 'NULL'})"
        )


# A block of nothing but NULL goes as NULL, see `ways`.
_COLUMNS_OF_BATCHES = """\
SELECT pg_catalog.string_agg(CASE WHEN t.typname = 'compressed_data' THEN pg_catalog.format(\
'CASE WHEN pg_catalog.pg_column_size(%1$I) > 5 THEN %1$I END', a.attname) \
ELSE pg_catalog.quote_ident(a.attname) END, ', ' ORDER BY a.attname) AS columns \
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
WHERE a.attrelid = {}::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped \
AND t.typname <> 'bloom1' \\gset
"""


def _begin(snapshot: str | None) -> str:
    return " \\; ".join(_beginning(snapshot)) + ";"


def _beginning(snapshot: str | None) -> list[str]:
    """The statements that begin a transaction of a script."""
    statements = ["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"]
    if snapshot is not None:
        statements.append(f"SET TRANSACTION SNAPSHOT {sql.Literal(snapshot).as_string(None)}")
    return statements


def _guard(relation: sql.Identifier, filenode: int) -> str:
    """Fails with a division by zero if a relation was rewritten since it was planned."""
    name = sql.Literal(relation.as_string(None)).as_string(None)
    return (
        f"SELECT 1 / (pg_catalog.pg_relation_filenode({name}::pg_catalog.regclass) = "
        f"{filenode})::int \\g /dev/null"
    )


def chunk_state_sql(shape: Shape) -> str:
    """For Options: which file holds a chunk's compressed rows, and whether it has any."""
    if not shape.timescaledb:
        return "NULL::text"
    return (
        "(SELECT pg_catalog.concat_ws(' ', k.status & 1, c.oid, c.relfilenode) "
        f"FROM ({chunk_relations(shape)}) k LEFT JOIN pg_catalog.pg_class c ON c.oid = k.comp "
        "WHERE k.rel = %s)"
    ).replace("\n", " ")


def psql_error(text: str, code: int) -> SourceFailed:
    """The error that psql exited with. Indented lines are hints that belong to the line above:
    `Is the server running on that host?`."""
    lines = [line for line in text.splitlines() if line[:1].strip()]
    for line in lines:
        if found := _MESSAGE.search(line):
            return SourceFailed(found[1], found[2].strip())
    message = lines[-1].removeprefix("psql: error: ") if lines else f"psql exited with {code}"
    return SourceFailed(None, message)
