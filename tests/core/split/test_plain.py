"""What can be known without a server."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tswizard.core.db.errors import is_transient
from tswizard.core.model.finding import Level
from tswizard.core.split.copy.errors import (
    Ends,
    Halt,
    PieceRefused,
    SourceFailed,
    explain,
    is_snapshot_missing,
)
from tswizard.core.split.copy.psql_reader import ended
from tswizard.core.split.copy.pump import FileSink, Pump, Stopped
from tswizard.core.split.copy.staging import Staged, Staging, file_name
from tswizard.core.split.ledger.queue import PieceState, StoredPiece
from tswizard.core.split.plan.piece import (
    CopyPlan,
    Piece,
    PieceKind,
    SourceColumn,
    SourceTable,
    Stage,
    copy_in,
    copy_out,
)
from tswizard.core.split.plan.plan_diff import diff_plans
from tswizard.core.split.plan.slices import _ranges

TABLE = SourceTable(
    "app.odd", "app", 'o"dd', (SourceColumn('a "b"', "integer"), SourceColumn("c", "app.kind"))
)
PIECE = Piece(1, 0, PieceKind.TABLE, Stage.TABLES, "app", 'o"dd', 100, only=True)
ENDS = Ends("here", "there")


def test_sql_of_a_piece() -> None:
    sliced = replace(PIECE, where="ctid < '(5,0)'::tid")
    assert copy_out(TABLE, sliced).as_string(None) == (
        'COPY (SELECT "a ""b"""::integer, "c"::app.kind FROM ONLY "app"."o""dd" '
        "WHERE ctid < '(5,0)'::tid) TO STDOUT (FORMAT \"binary\")"
    )
    into = copy_in(TABLE, TABLE.sql, freeze=True).as_string(None)
    assert into == ('COPY "app"."o""dd"("a ""b""", "c") FROM STDIN (FORMAT "binary", FREEZE)')
    nothing = replace(TABLE, columns=())
    assert copy_in(nothing, nothing.sql).as_string(None).startswith('COPY "app"."o""dd" FROM')


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=6, unique=True), st.integers(-60, 60))
def test_slices_hold_everything_once(bounds: list[int], x: int) -> None:
    ranges = _ranges("x", [str(bound) for bound in sorted(bounds)])
    held = [r for r in ranges if eval(r.replace("AND", "and"), {"x": x})]  # noqa: S307 - our own text
    assert len(held) == 1


def test_file_names_are_safe_and_their_own() -> None:
    wild = replace(TABLE, label="../a/b c.\n\u00e4" + "x" * 300)
    name = file_name(wild, replace(PIECE, name="chunk"))
    assert "/" not in name
    assert len(name) < 200
    assert name.startswith("000001-")
    assert name.endswith(".binary.copy")
    assert name != file_name(wild, replace(PIECE, id=2, name="chunk"))


def test_a_manifest_survives_a_torn_line(tmp_path: Path) -> None:
    staging = Staging(tmp_path / "staging")
    with staging.writing(TABLE, PIECE) as draft:
        os.write(draft.descriptor, b"rows")
        draft.keep(PIECE, "sum", 3)
    with (tmp_path / "staging" / "manifest.jsonl").open("ab") as file:
        file.write(b'{"piece": 2, "file": "tor')
    again = Staging(tmp_path / "staging")
    assert again.listed(PIECE) == Staged(1, file_name(TABLE, PIECE), 4, "sum", 3)
    assert again.listed(replace(PIECE, id=2)) is None
    other = replace(PIECE, id=3)
    with again.writing(TABLE, other) as draft:
        os.write(draft.descriptor, b"more")
        draft.keep(other, "sum", 3)
    assert Staging(tmp_path / "staging").listed(other) is not None
    (tmp_path / "staging" / file_name(TABLE, PIECE)).write_bytes(b"row")
    assert Staging(tmp_path / "staging").listed(PIECE) is None


def test_an_unfinished_file_leaves_nothing(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    with pytest.raises(OSError, match="full"), staging.writing(TABLE, PIECE) as draft:
        os.write(draft.descriptor, b"half")
        raise OSError(errno.ENOSPC, "disk full")
    assert list(tmp_path.iterdir()) == []
    assert staging.listed(PIECE) is None


@given(st.binary(max_size=600_000))
def test_a_pump_moves_every_byte(data: bytes) -> None:
    read, write = os.pipe()
    with os.fdopen(write, "wb") as file, os.fdopen(os.memfd_create("out"), "r+b") as out:
        pump = Pump(read, FileSink(out.fileno()), sum_input=True)
        fed = os.fork()
        if fed == 0:
            try:
                file.write(data)
                file.close()
            finally:
                os._exit(0)
        file.close()
        assert pump.run() == len(data) == pump.moved
        os.waitpid(fed, 0)
        out.seek(0)
        assert out.read() == data
    os.close(read)


def test_a_pump_can_be_stopped() -> None:
    read, write = os.pipe()
    pump = Pump(read, FileSink(write))
    pump.stop()
    with pytest.raises(Stopped):
        pump.run()
    os.close(read)
    os.close(write)


@pytest.mark.parametrize(
    ("error", "id", "halts"),
    [
        (SourceFailed("42P01", 'relation "x" does not exist'), "dropped-on-source", False),
        (SourceFailed("42703", 'column "x" does not exist'), "table-altered", False),
        (SourceFailed("42501", "permission denied for table x"), "table-unreadable", False),
        (SourceFailed("XX001", "invalid page in block 3"), "not-read", False),
        (OSError(errno.ENOSPC, "No space left on device", "/tmp/x"), "staging-full", True),
        (OSError(errno.EACCES, "Permission denied", "/tmp/x"), "staging", True),
        (psycopg.errors.DiskFull("could not extend file"), "target-full", True),
        (psycopg.errors.ReadOnlySqlTransaction("cannot execute"), "target-read-only", True),
        (psycopg.errors.CheckViolation("violates check"), "value-refused", False),
        (psycopg.errors.UndefinedTable("no such table"), "target-table-differs", False),
        (psycopg.errors.InsufficientPrivilege("permission denied"), "target-forbidden", False),
        (psycopg.errors.SyntaxError("at or near"), "not-copied", False),
    ],
)
def test_every_lasting_error_has_one_finding(error: Exception, id: str, halts: bool) -> None:
    assert not is_transient(error)
    verdict = explain(error, TABLE, PIECE, ENDS)
    assert isinstance(verdict, Halt if halts else PieceRefused)
    assert verdict.finding.id == id
    assert verdict.finding.level in (Level.FAIL, Level.LOOK)
    assert verdict.finding.todo
    assert isinstance(verdict, Halt) or verdict.gone == (id == "dropped-on-source")


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (SourceFailed(None, 'connection to server at "x" failed: Connection refused'), True),
        (SourceFailed(None, "server closed the connection unexpectedly"), True),
        (SourceFailed("57P01", "terminating connection due to administrator command"), True),
        (SourceFailed("40001", "could not serialize access"), True),
        (SourceFailed(None, 'FATAL:  password authentication failed for user "x"'), False),
        (SourceFailed("42501", "permission denied"), False),
        (psycopg.errors.DeadlockDetected("deadlock"), True),
        (psycopg.errors.TooManyConnections("sorry"), True),
        (psycopg.errors.UniqueViolation("twice"), False),
    ],
)
def test_which_errors_pass(error: Exception, passing: bool) -> None:
    assert is_transient(error) is passing


def test_a_snapshot_that_is_gone_is_no_missing_type() -> None:
    assert is_snapshot_missing(SourceFailed("22023", 'invalid snapshot identifier: "0000-1"'))
    assert is_snapshot_missing(SourceFailed("42704", 'snapshot "0000-1" does not exist'))
    assert not is_snapshot_missing(SourceFailed("42704", 'type "app.snapshot" does not exist'))


def test_a_later_plan_keeps_what_is_known() -> None:
    cut = [
        replace(
            PIECE, id=n, name="big", kind=PieceKind.SLICE, where=f"w{n}", by_ctid=True, filenode=7
        )
        for n in (2, 3)
    ]
    big = replace(TABLE, name="big")
    known = [StoredPiece(p, PieceState.DONE, 1, 5) for p in (PIECE, *cut)]
    fresh = CopyPlan(
        (TABLE, big, replace(TABLE, name="new")),
        (
            replace(PIECE, id=1),
            *(replace(p, table_index=1, where="elsewhere") for p in cut),
            replace(PIECE, id=9, table_index=2, name="new"),
        ),
    )
    diff = diff_plans(known, (TABLE, big), fresh)
    assert [(p.id, p.name, p.table_index) for p in diff.added.pieces] == [(4, "new", 2)]
    assert diff.dropped == diff.rewritten == ()
    moved = replace(
        fresh, pieces=tuple(replace(p, filenode=8) if p.by_ctid else p for p in fresh.pieces)
    )
    diff = diff_plans(known, (TABLE, big), moved)
    assert {k.piece.id for k in diff.rewritten} == {2, 3}
    assert [p.where for p in diff.added.pieces if p.name == "big"] == ["elsewhere"] * 2
    diff = diff_plans(known, (TABLE, big), replace(fresh, pieces=fresh.pieces[1:]))
    assert [k.piece.id for k in diff.dropped] == [1]


@pytest.mark.parametrize(
    "words",
    [
        "the database system is starting up",
        "the database system is not yet accepting connections",
        "the database system is not accepting connections",
        "the database system is in recovery mode",
        "the database system is shutting down",
    ],
)
def test_a_source_that_restarts_is_waited_for(words: str) -> None:
    """psql has no SQLSTATE to show for a connection that it did not get."""
    assert is_transient(SourceFailed(None, f"connection to server failed: FATAL:  {words}"))


@pytest.mark.parametrize(
    ("said", "message", "passing"),
    [
        (
            'psql: error: connection to server at "db" (::1), port 5 failed: Connection refused\n'
            "\tIs the server running on that host and accepting TCP/IP connections?\n",
            'connection to server at "db" (::1), port 5 failed: Connection refused',
            True,
        ),
        (
            'psql: error: connection to server at "db" (::1), port 5 failed: Connection refused\n'
            "\tIs the server running on that host and accepting TCP/IP connections?\n"
            'connection to server at "db" (10.0.0.1), port 5 failed: fe_sendauth: no password '
            "supplied\n",
            'connection to server at "db" (10.0.0.1), port 5 failed: fe_sendauth: no password '
            "supplied",
            False,
        ),
        (
            'psql: error: could not translate host name "db" to address: Temporary failure in '
            "name resolution\n",
            'could not translate host name "db" to address: Temporary failure in name resolution',
            True,
        ),
    ],
)
def test_what_psql_says_without_a_connection(said: str, message: str, passing: bool) -> None:
    """As psql 17 and 18 print it."""
    error = ended(said, 2)
    assert (error.sqlstate, error.message) == (None, message)
    assert is_transient(error) is passing
