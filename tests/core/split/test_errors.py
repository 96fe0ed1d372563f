"""Every error of a piece has its finding, and transient ones are tried again."""

import errno

import psycopg
import pytest

from tests.support.split_ends import PIECE, TABLE
from tswizard.core.db.errors import is_transient
from tswizard.core.model.finding import Level
from tswizard.core.split.copy.errors import (
    EndLabels,
    Halt,
    PieceRefused,
    SourceFailed,
    explain,
    is_snapshot_missing,
)
from tswizard.core.split.copy.psql_reader import psql_error

ENDS = EndLabels("here", "there")


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
    ("error", "transient"),
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
def test_which_errors_are_transient(error: Exception, transient: bool) -> None:
    assert is_transient(error) is transient


def test_a_lost_snapshot_is_no_missing_type() -> None:
    assert is_snapshot_missing(SourceFailed("22023", 'invalid snapshot identifier: "0000-1"'))
    assert is_snapshot_missing(SourceFailed("42704", 'snapshot "0000-1" does not exist'))
    assert not is_snapshot_missing(SourceFailed("42704", 'type "app.snapshot" does not exist'))


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
    ("said", "message", "transient"),
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
def test_what_psql_says_without_a_connection(said: str, message: str, transient: bool) -> None:
    """As psql 17 and 18 print it."""
    error = psql_error(said, 2)
    assert (error.sqlstate, error.message) == (None, message)
    assert is_transient(error) is transient
