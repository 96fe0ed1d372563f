"""What can go wrong with a piece, and the one finding that tells of it."""

import errno
import re
from dataclasses import dataclass

from psycopg import Error
from psycopg.errors import DiskFull, ReadOnlySqlTransaction

from tswizard.core.db.errors import (
    ServerError,
    explain_error,
    is_connection_lost,
    message_of,
)
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.wording import plural
from tswizard.core.split.plan.piece import Piece, PieceKind, SourceTable


class SourceFailed(ServerError):
    """The source could not be read."""


class SnapshotLost(Exception):
    """No session holds the snapshot anymore."""


class SnapshotStale(SnapshotLost):
    """A relation was rewritten after the snapshot was taken, which makes its rows invisible to it.

    After an ALTER TABLE that rewrites the table, a TRUNCATE, or compression or decompression of a
    chunk by TimescaleDB, the table looks empty under older snapshots.
    https://www.postgresql.org/docs/current/mvcc-caveats.html
    """


class PieceRefused(Exception):
    """This piece cannot be copied; others can."""

    def __init__(self, finding: Finding, *, gone: bool = False) -> None:
        super().__init__(finding.what)
        self.finding = finding
        self.gone = gone
        """Its relation was dropped on the source: there is nothing left to copy."""


class Halt(Exception):
    """No piece can be copied anymore."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.what)
        self.finding = finding


# snapmgr.c; the file of an exported snapshot goes with the transaction that exported it.
_NO_SNAPSHOT = re.compile(
    r'invalid snapshot identifier|snapshot ".*" does not exist|could not import the requested'
)


@dataclass(frozen=True, slots=True)
class EndLabels:
    """How findings name the two databases."""

    source: str
    target: str


def explain(
    error: Exception, table: SourceTable, piece: Piece, labels: EndLabels
) -> PieceRefused | Halt:
    """What an error that is not transient means for a piece and for all others."""
    if isinstance(error, PieceRefused | Halt):
        return error
    if isinstance(error, OSError):
        return Halt(_staging(error))
    if isinstance(error, SourceFailed):
        return _on_source(error, table, piece, labels.source)
    if isinstance(error, DiskFull):
        return Halt(
            Finding(
                Level.FAIL,
                "target-full",
                f"The target's disk is full: {message_of(error)}.",
                where=labels.target,
                why=f"While {table.label} was copied; that piece was rolled back.",
                todo="Free or add disk space there, then resume: what was copied is kept.",
            )
        )
    if isinstance(error, ReadOnlySqlTransaction):
        return Halt(
            Finding(
                Level.FAIL,
                "target-read-only",
                f"The target is read-only: {message_of(error)}.",
                where=labels.target,
                todo="See why it is read-only (a standby? no disk space?), then resume.",
            )
        )
    return PieceRefused(_on_target(error, table, piece, labels.target))


def _on_source(error: SourceFailed, table: SourceTable, piece: Piece, where: str) -> PieceRefused:
    name, state, message = _name(table, piece), error.sqlstate, message_of(error)
    if state in ("42P01", "3F000") and "TRANSACTION SNAPSHOT" not in message:
        return PieceRefused(dropped_on_source(table, piece, where), gone=True)
    if state == "42501" and "row-level security" in message:
        finding = Finding(
            Level.FAIL,
            "rows-hidden",
            f"{name} was not copied: row-level security would hide some of its rows from this "
            "role.",
            where=where,
            why=message,
            todo="Connect to the source as the table's owner or as a role with BYPASSRLS, then "
            "resume.",
        )
    elif state == "42501":
        finding = Finding(
            Level.FAIL,
            "table-unreadable",
            f"{name} was not copied: this role lacks SELECT on it.",
            where=where,
            why=message,
            todo="On the source, GRANT SELECT on it to this role, then resume.",
        )
    elif state in (_GUARD, "42703", "42846", "42704", "22P02"):
        finding = Finding(
            Level.FAIL,
            "table-altered",
            f"{name} was altered on the source during the run; it was not copied.",
            where=where,
            why="It was rewritten: the planned page ranges hold other rows now."
            if state == _GUARD
            else message,
            todo="Alter the target's table to match the source's, or undo the change on the "
            "source; then resume.",
        )
    else:
        finding = Finding(
            Level.FAIL,
            "not-read",
            f"{name} could not be read: {message}.",
            where=where,
            todo="Fix the problem above, then resume; all other pieces are kept.",
        )
    return PieceRefused(finding)


_GUARD = "22012"
"""Division by zero, by which `psql_reader` makes sure that a table was not rewritten."""
_VALUES = ("22021", "22P05", "23514", "23502", "22P03", "22P04", "22P02", "22001", "22003", "22007")


def _on_target(error: Exception, table: SourceTable, piece: Piece, where: str) -> Finding:
    name, message = _name(table, piece), message_of(error)
    state, details = "", ""
    if isinstance(error, Error):
        state = error.sqlstate or ""
        details = " ".join(filter(None, (error.diag.message_detail, error.diag.context)))
    if state in ("42P01", "3F000", "42703"):
        return Finding(
            Level.FAIL,
            "target-table-differs",
            f"{name} cannot be copied: {message}.",
            where=where,
            why="The restored schema does not match the source's.",
            todo="Create it there as on the source, then resume.",
        )
    if state in _VALUES or state.startswith("23"):
        return Finding(
            Level.FAIL,
            "value-refused",
            f"The target rejects a value of {name}: {message}.",
            where=where,
            why=_short(details),
            todo="Fix the value on the source, or what rejects it on the target; then resume. No "
            "row of this piece is on the target.",
        )
    if state == "42501":
        return Finding(
            Level.FAIL,
            "target-forbidden",
            f"{name} cannot be written: {message}.",
            where=where,
            todo="Connect to the target as the owner of its tables, then resume.",
        )
    done = "compressed" if piece.kind is PieceKind.COMPRESS else "copied"
    return Finding(
        Level.FAIL,
        f"not-{done}",
        f"{name} could not be {done}: {message}.",
        where=where,
        why=_short(details),
        todo="Fix the problem above, then resume; all other pieces are kept.",
    )


def dropped_on_source(
    table: SourceTable, piece: Piece, where: str, *, copied: int | None = None
) -> Finding:
    """A planned relation that no longer exists on the source; `copied` rows of it are on the
    target."""
    what = "Chunk" if piece.kind in (PieceKind.CHUNK, PieceKind.COMPRESS) else "Table"
    name = f"{piece.name} of {table.label}" if what == "Chunk" else table.label
    if copied is None:
        return Finding(
            Level.LOOK,
            "dropped-on-source",
            f"{what} {name} was dropped on the source before it was copied.",
            where=where,
            why="A retention job or a user dropped it during the run.",
            todo="Nothing if that was intended: its rows are on neither side.",
        )
    return Finding(
        Level.LOOK,
        "dropped-after-copy",
        f"{what} {name} was dropped on the source after it was copied; on the target it keeps "
        f"{plural(copied, 'row')}.",
        where=where,
        why="A retention job or a user dropped it during the run.",
        todo="Drop it there too if its rows are not wanted.",
    )


def columns_changed(before: SourceTable, now: SourceTable, where: str) -> Finding:
    """A table whose columns were changed on the source, and that the target has unchanged."""
    old = {column.name: column.type for column in before.columns}
    new = {column.name: column.type for column in now.columns}
    changes = [f"{name} is new" for name in new if name not in old]
    changes += [f"{name} was dropped" for name in old if name not in new]
    changes += [
        f"{name} is {new[name]}, was {old[name]}"
        for name in old
        if name in new and new[name] != old[name]
    ]
    return Finding(
        Level.FAIL,
        "table-altered",
        f"{before.label} was altered on the source since the run was planned: "
        f"{', '.join(changes)}.",
        where=where,
        why="Its rows are copied with the planned columns.",
        todo="Alter the target's table to match the source's. If that leaves rows incomplete, do "
        "it before a resume, which compares the table and copies it again.",
    )


def missing_on_target(table: SourceTable, where: str) -> Finding:
    """A table that was created on the source after the plan, and that the target lacks."""
    return Finding(
        Level.FAIL,
        "table-new",
        f"{table.label} was created on the source after the schema was copied; it is not copied.",
        where=where,
        todo="Create it on the target as on the source before a resume, which copies its rows; or "
        "migrate it by hand.",
    )


def gave_up(error: Exception, attempts: int, where: str) -> Finding:
    """An error that is still there after all attempts."""
    if is_connection_lost(error):
        id, what = "connection-lost", f"Lost contact with the server: {message_of(error)}."
    elif isinstance(error, Error | ServerError):
        explanation = explain_error(error)
        id, what = explanation.id, explanation.what
    else:
        id, what = "staging-broken", f"A staged file cannot be used: {message_of(error)}."
    return Finding(
        Level.FAIL,
        id,
        what,
        where=where,
        why=f"It was tried {attempts} times, with increasing pauses.",
        todo="When the cause is gone, resume the run: what was copied is kept.",
    )


def _staging(error: OSError) -> Finding:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return Finding(
        Level.FAIL,
        "staging-full" if full else "staging",
        "The staging folder is full."
        if full
        else f"The staging folder cannot be used: {error.strerror or error}.",
        where=str(error.filename or "staging folder"),
        why="Complete files there are kept.",
        todo="Free disk space there, then resume; or name another folder, into which they are "
        "written again: tswizard resume RUN --staging FOLDER",
    )


def _name(table: SourceTable, piece: Piece) -> str:
    return table.label if piece.name in ("", table.name) else f"{piece.name} of {table.label}"


def _short(text: str, limit: int = 300) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def is_snapshot_missing(error: SourceFailed) -> bool:
    """Does this error say that a snapshot cannot be imported anymore?"""
    return bool(_NO_SNAPSHOT.match(error.message))
