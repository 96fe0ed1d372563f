"""What other programs put around a line is taken off, and nothing else."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tswizard.core.classify.frames import Framed, FrameStripper
from tswizard.core.model.judged import Severity

SAID = 'pg_restore: error: COPY failed for table "t": ERROR:  x'


def stripped(*lines: str) -> list[Framed]:
    frames = FrameStripper()
    found = [one for n, line in enumerate(lines, 1) for one in frames.feed(line, n)]
    return [*found, *frames.close()]


@pytest.mark.parametrize(
    "frame",
    [
        "2022/02/03 05:00:01 ",
        "[2024-05-06T07:08:09.123Z] ",
        "14:02:12 ",
        "14:02:12.123 ",
        "2024-05-06 07:08:09,123 ",
        "2024-05-06T07:08:09.123456789Z ",
        "2024-05-06 07:08:09.123 CEST ",
        "2024-05-06 07:08:09+02:00: ",
        "06/May/2024 07:08:09 ",
        "restore-1  | ",
        "mover_restore_1     | ",
        "[pod/restore-7f9cd/main] ",
        "2024-05-06T07:08:09.1Z stderr F ",
        "May  6 07:08:09 db01 restore.sh[12]: ",
        "<14>1 2024-05-06T07:08:09Z db01 restore 12 - - ",
        "restore\tRun it\t2024-05-06T07:08:09.1234567Z ",
        "##[error]",
        "::error::",
        "#12 3.456 ",
        "null_resource.db (local-exec): ",
        "2024-05-06T07:08:09.1+00:00 app[run.12]: ",
        "00:20:38 992269 ERROR  ",
        "2024-05-06 07:08:09.123 992269 ERROR  pgcmd.c:475               ",
        "2024-05-06 07:08:09,123 - restore - ERROR - ",
        "[2024-05-06, 07:08:09 UTC] {subprocess.py:93} INFO - ",
        "ERROR:root:",
        "INFO: ",
        "[ERROR] ",
        "> ",
        "    ",
        "\x1b[0m> ".replace("\x1b[0m", ""),
        "worker-3 restore> ",
        "restore-1  | 2024-05-06T07:08:09Z [pod/a/b] ",
    ],
)
def test_a_frame_is_taken_off(frame: str) -> None:
    assert [one.text for one in stripped(f"{frame}{SAID}\r\n")] == [SAID]


@pytest.mark.parametrize(
    "line",
    [
        SAID,
        "Command was: CREATE TABLE public.t (",
        '    "time" timestamp with time zone NOT NULL,',
        "CREATE INDEX i ON public.t USING btree (a);",
        "DETAIL:  Key (id)=(5) already exists.",
        " setval ",
        "     44",
        "(1 row)",
        "COPY 88102",
        "psql:C:/My Files/x.sql:12: ERROR:  x",
        "    ADD CONSTRAINT c CHECK ((note <> 'ERROR:  x'::text));",
    ],
)
def test_a_line_without_a_frame_stays(line: str) -> None:
    assert [one.text for one in stripped(line)] == [line]


def test_the_lines_after_a_prefix_that_was_learned() -> None:
    lines = [f"job 17, try 1> {text}" for text in (SAID, "CONTEXT:  COPY t, line 1", "  more")]
    assert [one.text for one in stripped(*lines)] == [SAID, "CONTEXT:  COPY t, line 1", "  more"]


@pytest.mark.parametrize("key", ["log", "msg", "message", "MESSAGE", "textPayload"])
def test_json_with_line_ends_in_it(key: str) -> None:
    entry = {key: f"{SAID}\nCONTEXT:  COPY t, line 1", "level": "error"}
    found = stripped(json.dumps(entry))
    assert [one.text for one in found] == [SAID, "CONTEXT:  COPY t, line 1"]
    assert [(one.number, one.level) for one in found] == [(1, Severity.ERROR)] * 2


def test_streams_are_kept_apart() -> None:
    found = stripped(f"a-1  | {SAID}", "b-1  | CONTEXT:  COPY u, line 1")
    assert len({one.stream for one in found}) == 2


def test_a_line_that_the_runtime_cut() -> None:
    head, tail = SAID[:20], SAID[20:]
    stamp = "2024-05-06T07:08:09.1Z stderr"
    found = stripped(f"{stamp} P {head}", f"{stamp} F {tail}")
    assert [(one.text, one.number) for one in found] == [(SAID, 1)]


def test_powershell_wraps_and_frames_the_first_line() -> None:
    found = stripped(
        'pg_restore.exe : pg_restore: error: COPY failed for table "t":',
        "ERROR:  x",
        "At line:1 char:1",
        "+ & pg_restore -d t",
        "+ ~~~~~~~~~~~~~~~~~",
        "    + CategoryInfo          : NotSpecified: (pg_restore: error::String) [], Remo",
        "   teException",
        "    + FullyQualifiedErrorId : NativeCommandError",
        " ",
        "CONTEXT:  COPY t, line 1",
    )
    assert [(one.number, one.text) for one in found] == [
        (1, SAID),
        (10, "CONTEXT:  COPY t, line 1"),
    ]


_PIECES = st.sampled_from(
    [
        *(
            "2024-05-06 07:08:09.123 UTC ",
            "restore-1  | ",
            "[1] ",
            "ERROR:  ",
            "{",
            '"log":"',
            "\\n",
        ),
        *("pg_restore: ", "error: ", "pg_restore.exe : ", "+ ", "DÉTAIL : ", "x " * 40, "- " * 50),
        *("stderr P ", "#12 3.4 ", "time=", 'msg="', '"', "&quot;", "\t", "« ", " »", ":", "    "),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(st.one_of(_PIECES, st.text(max_size=8)), max_size=14), max_size=8))
def test_any_text_gives_lines_back(lines: list[list[str]]) -> None:
    texts = ["".join(line).replace("\n", " ") for line in lines]
    for framed in stripped(*texts):
        assert 1 <= framed.number <= len(texts) + 6
