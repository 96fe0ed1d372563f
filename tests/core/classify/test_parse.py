"""Lines become messages, in every dress that the tools have worn."""

import pytest

from tests.support.classified import messages
from tswizard.core.classify.message import MAX_MESSAGE_CHARS, Message, PlainLine
from tswizard.core.classify.parse import Parser
from tswizard.core.classify.toc import TocEntry
from tswizard.core.model.judged import Severity


def one(text: str, tool: str | None = None) -> Message:
    (message,) = messages(text, tool)
    return message


_SEED_RESTORE = """\
pg_restore: creating EXTENSION "timescaledb"
pg_restore: creating COMMENT "EXTENSION timescaledb"
pg_restore: while PROCESSING TOC:
pg_restore: from TOC entry 6239; 0 0 COMMENT EXTENSION timescaledb\x20
pg_restore: error: could not execute query: ERROR:  must be owner of extension timescaledb
pg_restore: warning: errors ignored on restore: 1
"""


def test_error_with_its_toc_entry() -> None:
    error, total = messages(_SEED_RESTORE)
    assert error.tool == "pg_restore"
    assert error.severity is Severity.ERROR
    assert error.text == "must be owner of extension timescaledb"
    assert error.toc == TocEntry(
        id=6239, kind="COMMENT", schema=None, name="EXTENSION timescaledb", owner=""
    )
    assert error.number == 5
    assert error.whole
    assert total.text == "errors ignored on restore: 1"
    assert total.severity is Severity.WARNING


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        (
            "218; 1259 16392 TABLE t postgres",
            TocEntry(id=218, kind="TABLE", schema=None, name="t", owner="postgres"),
        ),
        (
            "3378; 0 16392 TABLE DATA odd name postgres",
            TocEntry(id=3378, kind="TABLE DATA", schema=None, name="odd name", owner="postgres"),
        ),
        (
            "2; 3079 16423 EXTENSION pg_trgm (no owner)",
            TocEntry(id=2, kind="EXTENSION", schema=None, name="pg_trgm", owner=""),
        ),
        (
            "3231; 2606 16406 FK CONSTRAINT u u_id_fkey me",
            TocEntry(id=3231, kind="FK CONSTRAINT", schema=None, name="u u_id_fkey", owner="me"),
        ),
        ("1; 0 0 NOVELTY x me", None),
        ("1; 0 0 TABLE", None),
    ],
)
def test_toc_lines(line: str, entry: TocEntry | None) -> None:
    message = one(
        f"pg_restore: from TOC entry {line}\n"
        "pg_restore: error: could not execute query: ERROR:  x\n"
    )
    assert message.toc == entry


def test_verbose_lines_tell_the_schema() -> None:
    message = one(
        'pg_restore: creating INDEX "Odd Schema.t_idx"\n'
        "pg_restore: from TOC entry 9; 1259 3 INDEX t_idx me\n"
        'pg_restore: error: could not execute query: ERROR:  relation "t_idx" already exists\n'
        'Command was: CREATE INDEX t_idx ON "Odd Schema".t USING btree (i);\n\n\n'
    )
    assert message.toc is not None
    assert message.toc.label == "INDEX Odd Schema.t_idx"
    assert message.subject is not None
    assert message.subject.table == '"Odd Schema".t'


def test_two_schemas_of_one_name_are_not_guessed() -> None:
    text = "".join(f'pg_restore: processing data for table "{schema}.t"\n' for schema in ("a", "b"))
    text += "pg_restore: launching item 3 INDEX x\n"
    message = one(
        f"{text}pg_restore: from TOC entry 9; 0 3 TABLE DATA t me\n"
        'pg_restore: error: COPY failed for table "t": ERROR:  x\n'
    )
    assert message.toc is not None
    assert message.toc.schema is None


def test_second_error_of_an_entry_is_not_announced_again() -> None:
    first, second = messages(
        "pg_restore: from TOC entry 5; 0 0 ACL TABLE t me\n"
        'pg_restore: error: could not execute query: ERROR:  role "a" does not exist\n'
        "Command was: GRANT SELECT ON TABLE public.t TO a;\n\n\n"
        'pg_restore: error: could not execute query: ERROR:  role "b" does not exist\n'
        "Command was: GRANT SELECT ON TABLE public.t TO b;\n\n\n"
    )
    assert first.toc == second.toc
    assert second.toc is not None


def test_an_entry_ends_with_the_next_object() -> None:
    _, second = messages(
        "pg_restore: from TOC entry 5; 0 0 COMMENT EXTENSION x me\n"
        "pg_restore: error: could not execute query: ERROR:  must be owner of extension x\n"
        'pg_restore: creating TABLE "public.t"\n'
        "pg_restore: error: could not execute query: ERROR:  must be owner of extension x\n"
    )
    assert second.toc is None


def test_details_hints_context_and_command() -> None:
    message = one(
        'pg_restore: error: could not execute query: ERROR:  relation "a.b" does not exist\n'
        "LINE 2:    FROM a.b;\n"
        "                ^\n"
        "DETAIL:  first\nsecond\n"
        "HINT:  try\n"
        "CONTEXT:  SQL function f\n"
        "Command was: CREATE FUNCTION a.f() RETURNS integer\n"
        "    LANGUAGE sql\n"
        "    AS $$\n\nselect 1;\n\n$$;\n"
        "\n\n"
        'pg_restore: creating TABLE "public.t"\n'
    )
    assert message.statement_line.startswith("LINE 2:    FROM a.b;")
    assert message.detail == "first\nsecond"
    assert message.hint == "try"
    assert message.context == "SQL function f"
    assert message.command.endswith("select 1;\n\n$$;")
    assert message.subject is not None
    assert (message.subject.kind, message.subject.schema, message.subject.name) == (
        "FUNCTION",
        "a",
        "f",
    )


@pytest.mark.parametrize(
    ("text", "core", "severity"),
    [
        ("pg_restore: error: x", "x", Severity.ERROR),
        ("pg_restore: fatal: x", "x", Severity.ERROR),
        ("/usr/lib/postgresql/15/bin/pg_restore: error: x", "x", Severity.ERROR),
        ("pg_restore.exe: error: x", "x", Severity.ERROR),
        ("pg_restore: [archiver (db)] could not execute query: ERROR:  x", "x", Severity.ERROR),
        ("pg_dump: [archiver (db)] query failed: ERROR:  x", "x", Severity.ERROR),
        ("pg_restore: WARNING:  x", "x", Severity.WARNING),
        ("pg_dump: NOTICE:  x", "x", Severity.NOTICE),
        ("psql:file.sql:12: ERROR:  x", "x", Severity.ERROR),
        ("psql: error: x", "x", Severity.ERROR),
        ("ERROR:  x", "x", Severity.ERROR),
        ("WARNING:  x", "x", Severity.WARNING),
        ("pg_restore: \x1b[01;31merror: \x1b[0mx", "x", Severity.ERROR),
        ("pg_restore: error: x\r", "x", Severity.ERROR),
        ("pg_dump: detail: x", "x", Severity.ORPHAN),
        ("DETAIL:  x", "DETAIL:  x", Severity.ORPHAN),
        ("Command was: x", "Command was: x", Severity.ORPHAN),
        ("pg_restore: something new", "something new", Severity.UNKNOWN),
        ("bash: pg_dump: command not found", "bash: pg_dump: command not found", Severity.UNKNOWN),
    ],
)
def test_prefixes(text: str, core: str, severity: Severity) -> None:
    message = one(f"{text}\n")
    assert (message.text, message.severity) == (core, severity)


def test_sum_line_before_version_12() -> None:
    message = one("WARNING: errors ignored on restore: 3\n")
    assert (message.tool, message.severity) == ("pg_restore", Severity.WARNING)


def test_toc_line_before_version_12() -> None:
    message = one(
        "pg_restore: [archiver (db)] Error while PROCESSING TOC:\n"
        "pg_restore: [archiver (db)] Error from TOC entry 204; 1259 17702 TABLE c postgres\n"
        "pg_restore: [archiver (db)] could not execute query: ERROR:  x\n"
        "    Command was: CREATE TABLE c (\n    i integer\n);\n\n\n"
    )
    assert message.toc is not None
    assert message.toc.kind == "TABLE"
    assert message.command.startswith("CREATE TABLE c (")


@pytest.mark.parametrize(
    "text",
    [
        "pg_dump: warning: there are circular foreign-key constraints on this table:\n"
        "pg_dump: hypertable\n"
        "pg_dump: You might not be able to restore the dump without using it.\n"
        "pg_dump: Consider using a full dump instead of a --data-only dump to avoid this.\n",
        "pg_dump: NOTICE: there are circular foreign-key constraints on this table:\n"
        "pg_dump:   hypertable\n"
        "pg_dump: You might not be able to restore the dump without using it.\n"
        "pg_dump: Consider using a full dump instead of a --data-only dump to avoid this.\n",
        "pg_dump: warning: there are circular foreign-key constraints on this table:\n"
        "pg_dump: detail: hypertable\n"
        "pg_dump: hint: You might not be able to restore the dump without using it.\n"
        "pg_dump: hint: Consider using a full dump instead of a --data-only dump to avoid it.\n",
    ],
    ids=["12 to 14", "before 12", "15 and later"],
)
def test_circular_tables_in_every_version(text: str) -> None:
    message = one(text)
    assert message.detail == "hypertable"
    assert message.whole
    assert not one("".join(text.splitlines(keepends=True)[:2])).whole


@pytest.mark.parametrize(
    "query",
    [
        "pg_dump: detail: Query was: LOCK TABLE a.t IN ACCESS SHARE MODE",
        "pg_dump: error: query was: LOCK TABLE a.t IN ACCESS SHARE MODE",
        "pg_dump: [archiver (db)] query was: LOCK TABLE a.t IN ACCESS SHARE MODE",
    ],
)
def test_query_of_pg_dump_in_every_version(query: str) -> None:
    message = one(f"pg_dump: error: query failed: ERROR:  permission denied for table t\n{query}\n")
    assert message.text == "permission denied for table t"
    assert message.command == "LOCK TABLE a.t IN ACCESS SHARE MODE"


def test_a_body_that_looks_like_a_log_hides_nothing_and_makes_nothing_harmless() -> None:
    real, fake_line, fake, _ = messages(
        "pg_restore: from TOC entry 7; 1255 1 FUNCTION f() me\n"
        'pg_restore: error: could not execute query: ERROR:  function "f" already exists\n'
        "Command was: CREATE FUNCTION a.f() RETURNS integer LANGUAGE plpgsql AS $$\n"
        "ERROR:  a line in a body\n\n"
        "pg_restore: error: could not execute query: ERROR:  must be owner of extension x\n"
        "$$;\n\n\n"
        "pg_restore: warning: errors ignored on restore: 1\n"
    )
    assert real.subject is not None
    assert real.subject.kind == "FUNCTION"
    assert fake_line.tool == "server"
    assert fake.toc is None or fake.toc.kind == "FUNCTION"


def test_after_a_finished_command_a_strange_line_stands_alone() -> None:
    error, strange = messages(
        "pg_restore: error: could not execute query: ERROR:  x\n"
        "Command was: CREATE SCHEMA a;\n\n\nKilled\n"
    )
    assert error.command == "CREATE SCHEMA a;"
    assert (strange.text, strange.severity) == ("Killed", Severity.UNKNOWN)


def test_trouble_inside_a_message_is_kept_apart() -> None:
    message = one("pg_dump: WARNING:  fine\nbash: line 1: Segmentation fault\n")
    assert message.strays == ("bash: line 1: Segmentation fault",)


_LOOP = "pg_restore: entering main parallel loop\n"


def test_workers_that_write_into_one_line() -> None:
    """As recorded with -j2: the prefix of one line stands in the other."""
    (message,) = messages(
        f"{_LOOP}"
        'pg_restore:pg_restore:  processing data for table "a.t"\n'
        'processing data for table "a.u"\n'
        "pg_restore: pg_restore:from TOC entry 3; 0 1 TABLE DATA t me\n"
        ' error: COPY failed for table "t": ERROR:  bad\nCONTEXT:  COPY t, line 1\n'
        'pg_restore: pg_restore:creating TRIGGER "a.t x"\n'
        " launching item 5981 FK CONSTRAINT a b\n"
    )
    assert message.text == 'COPY failed for table "t": ERROR:  bad'
    assert message.toc is not None
    assert message.toc.id == 3
    assert message.whole


def test_a_severity_that_went_into_another_line_comes_back() -> None:
    (message,) = messages(
        f"{_LOOP}"
        "pg_restore:pg_restore:  error: launching item 6 INDEX i\n"
        'could not execute query: ERROR:  relation "x" already exists\n'
        "Command was: CREATE INDEX x ON a.t (i);\n\n\n"
        "pg_restore: finished main parallel loop\n"
    )
    assert message.severity is Severity.ERROR
    assert message.whole


def test_a_severity_without_its_text_is_not_forgotten() -> None:
    (message,) = messages(f"{_LOOP}pg_restore:pg_restore:  error: launching item 6 INDEX i\n")
    assert message.severity is Severity.ORPHAN


def test_a_notice_that_lost_its_prefix_is_still_the_tools() -> None:
    message = one(
        'pg_dump:pg_dump: dumping contents of table "app.sensors"\n'
        " NOTICE:  hypertable data are in the chunks, no data will be copied\n"
        "DETAIL:  Data for hypertables are stored in the chunks.\n"
    )
    assert (message.tool, message.severity) == ("pg_dump", Severity.NOTICE)
    assert message.whole


def test_the_rest_of_an_error_without_workers_is_damaged() -> None:
    assert not one('could not execute query: ERROR:  relation "x" already exists\n').whole
    assert not one("error: x\n").whole


def test_an_error_glued_to_the_end_of_a_line_is_found() -> None:
    message = one(
        'pg_restore: creating TABLE "a.bpg_restore: error: COPY failed for table "t": ERROR:  x\n'
    )
    assert message.text.startswith("COPY failed")
    assert not message.whole


def test_entries_of_two_workers_are_told_apart_by_their_commands() -> None:
    first, second = messages(
        f"{_LOOP}"
        "pg_restore: from TOC entry 1; 0 0 COMMENT EXTENSION x me\n"
        "pg_restore: from TOC entry 2; 0 0 INDEX i me\n"
        "pg_restore: error: could not execute query: ERROR:  bad\n"
        "Command was: CREATE INDEX i ON a.t (i);\n\n\n"
        "pg_restore: error: could not execute query: ERROR:  bad\n"
        "Command was: COMMENT ON EXTENSION x IS 'y';\n\n\n"
    )
    assert first.toc is not None
    assert second.toc is not None
    assert (first.toc.id, second.toc.id) == (2, 1)


def test_an_entry_that_does_not_fit_its_command_is_not_believed() -> None:
    message, _ = messages(
        "pg_restore: from TOC entry 1; 0 0 COMMENT EXTENSION x me\n"
        "pg_restore: error: could not execute query: ERROR:  must be owner of extension x\n"
        "Command was: CREATE INDEX i ON a.t (i);\n\n\n"
        "pg_restore: warning: errors ignored on restore: 1\n"
    )
    assert message.toc is None
    assert not message.whole


def test_long_messages_are_cut_and_say_so() -> None:
    body = "".join(f"    column_{n} integer,\n" for n in range(20_000))
    message = one(
        "pg_restore: error: could not execute query: ERROR:  x\n"
        f"Command was: CREATE TABLE t (\n{body});\n\n\n"
    )
    assert sum(map(len, message.lines)) < MAX_MESSAGE_CHARS + 200
    assert len(message.command) <= MAX_MESSAGE_CHARS
    assert message.lines[-1].endswith("more characters not kept)")
    assert message.subject is not None


def test_memory_stays_bounded_in_an_endless_message() -> None:
    parser = Parser("pg_restore")
    parser.feed("pg_restore: error: could not execute query: ERROR:  x\n")
    parser.feed("Command was: CREATE FUNCTION f() AS $$\n")
    line = "x" * 1000 + "\n"
    for _ in range(5_000):
        assert parser.feed(line) == []
    (message,) = (m for m in parser.close() if isinstance(m, Message))
    assert sum(map(len, message.lines)) < MAX_MESSAGE_CHARS + 200
    assert message.lines[-1].startswith("… (")


def test_last_line_without_an_end_may_be_cut() -> None:
    parser = Parser()
    parser.feed("WARNING:  x", ended=False)
    (message,) = (m for m in parser.close() if isinstance(m, Message))
    assert not message.whole


def test_every_line_of_a_log_is_given_back() -> None:
    lines = _SEED_RESTORE.splitlines()
    parser = Parser()
    found = [m for line in lines for m in parser.feed(line)] + parser.close()
    assert [
        line for m in found for line in ((m.text,) if isinstance(m, PlainLine) else m.lines)
    ] == lines
    assert [m.number for m in found] == list(range(1, len(lines) + 1))
