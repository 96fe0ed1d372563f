"""A run as its events tell it, on a clock that starts at noon."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from tests.tui import world
from tswizard.core.model.answers import Answers
from tswizard.core.model.events import (
    Event,
    FindingFound,
    LogLine,
    LogVerdict,
    RunFinished,
    RunStarted,
    StepFinished,
    StepProgress,
    StepStarted,
    StepState,
    TableProgress,
    TableState,
    Unit,
)
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.judged import JudgedMessage, Severity
from tswizard.core.model.outcome import Outcome, StepOutcome, TableRows
from tswizard.core.model.verdict import Verdict
from tswizard.core.report.checklist import Checklist, ChecklistLine, File, Todo
from tswizard.core.run.run_folder import RunFolder, RunRecord, StepRecord

NOON = 1_795_521_600.0
"""2026-11-24 12:00:00 UTC."""
RUN = "run-20261124-120000"
STEPS = tuple((step.id, step.title, StepState.PENDING) for step in world.PLAN.steps)


def judged(
    verdict: Verdict, rule: str, message: str, reason: str, todo: str = "", *detail: str
) -> JudgedMessage:
    """A verdict as the classifier gives it."""
    return JudgedMessage(
        verdict=verdict,
        rule=rule,
        tool="pg_restore",
        method="full",
        phase="restore-schema",
        object="",
        message=message,
        reason=reason,
        todo=todo,
        detail=detail or (f"pg_restore: error: could not execute query: ERROR:  {message}",),
        number=1,
        severity=Severity.ERROR,
        counts_as_error=True,
    )


OWNER = judged(
    Verdict.SAFE,
    "extension-owner",
    "must be owner of extension timescaledb",
    "TimescaleDB is on the target already; only the comment on it is skipped.",
    "",
    "pg_restore: while PROCESSING TOC:",
    "pg_restore: from TOC entry 6239; 0 0 COMMENT EXTENSION timescaledb",
    "pg_restore: error: could not execute query: ERROR:  must be owner of extension timescaledb",
    "Command was: COMMENT ON EXTENSION timescaledb IS 'Enables scalable inserts';",
)
ROLE_MISSING = judged(
    Verdict.LOOK,
    "role-missing",
    'role "reporting" does not exist',
    "The target has no role reporting, so this grant is missing: ACL public.metrics.",
    'Create it (CREATE ROLE "reporting" NOLOGIN;), then run the grant again: '
    'GRANT SELECT ON TABLE public.metrics TO "reporting";',
)
ROWS_LOST = judged(
    Verdict.LOST,
    "copy-failed",
    'COPY failed for table "compress_hyper_2_156_chunk": ERROR:  function 0x7f1c returned NULL',
    "Rows of the hypertable public.metrics did not arrive: the chunk _hyper_1_12_chunk.",
    "Update TimescaleDB on the source to 2.20.1 or later, then migrate again.",
)


def started(at: float = NOON) -> Iterator[Event]:
    yield RunStarted(at, RUN, STEPS)


def step(id: str, at: float, seconds: float, *events: Event) -> Iterator[Event]:
    """A whole step."""
    yield StepStarted(at, id)
    yield from events
    yield StepFinished(at + seconds, step=id, state=StepState.DONE, seconds=seconds)


def _line(at: float, text: str) -> LogLine:
    return LogLine(at, "pg_restore" if text.startswith("pg_restore") else "pg_dump", text)


def until_rows() -> list[Event]:
    """Up to the middle of restoring the rows: the dump is done, two errors have verdicts."""
    events = list(started())
    events += step("pause-source-jobs", NOON, 0.4, LogLine(NOON, "tswizard", "paused job 1001"))
    events += step(
        "dump",
        NOON + 1,
        1233,
        LogLine(NOON + 1, "tswizard", "$ pg_dump --no-password --verbose --format=directory"),
        *(
            _line(
                NOON + 2 + n,
                f'pg_dump: dumping contents of table "_timescaledb_internal._hyper_1_{n}_chunk"',
            )
            for n in range(1, 40)
        ),
    )
    events += step("prepare", NOON + 1234, 0.2)
    events += step(
        "restore-schema",
        NOON + 1235,
        14,
        _line(NOON + 1236, 'pg_restore: creating EXTENSION "timescaledb"'),
        LogVerdict(NOON + 1236, OWNER),
        _line(NOON + 1237, "pg_restore: creating TABLE public.metrics"),
        LogVerdict(NOON + 1238, ROLE_MISSING),
    )
    events += step("restore-catalog", NOON + 1249, 3.1)
    at = NOON + 1253
    events.append(StepStarted(at, "restore-rows"))
    for n in range(60):
        events.append(
            StepProgress(
                at + n,
                step="restore-rows",
                done=n * 230 * world.MIB,
                total=40 * world.GIB,
                unit=Unit.BYTES,
            )
        )
        events.append(
            TableProgress(
                at + n,
                step="restore-rows",
                table="public.metrics",
                done=2 * n,
                total=412,
                rows=n * 910_000,
                state=TableState.WORKING,
            )
        )
    events += [
        TableProgress(
            at + 59,
            step="restore-rows",
            table="public.events",
            done=0,
            total=97,
            rows=None,
            state=TableState.WAITING,
        ),
        TableProgress(
            at + 59,
            step="restore-rows",
            table="public.devices",
            done=1,
            total=1,
            rows=48_102,
            state=TableState.DONE,
        ),
        *(
            _line(
                at + 50 + n,
                f'pg_restore: processing data for table "_timescaledb_internal._hyper_1_{n}_chunk"',
            )
            for n in range(9)
        ),
    ]
    return events


SPLIT_STEPS = (
    ("plan-pieces", "Plan the pieces"),
    ("dump-schema", "Dump the schema"),
    ("pre-data", "Restore the schema"),
    ("hypertables", "Make hypertables"),
    ("chunks", "Make chunks"),
    ("copy-tables", "Copy plain tables"),
    ("copy-hypertables", "Copy hypertables"),
    ("settle", "Bring all to one moment"),
    ("post-data", "Indexes and the rest"),
    ("check", "Check everything"),
)
LONG_TABLE = "plant_north.readings_of_all_the_very_long_named_sensors_in_the_northern_plants"
UNICODE_TABLE = "messwerte.Größe der 測定値 in Straße №7"


def split_pieces() -> list[Event]:
    """A split run in the middle of its chunks: one table broke off, one has refused pieces."""
    events: list[Event] = [
        RunStarted(NOON, RUN, tuple((*step, StepState.PENDING) for step in SPLIT_STEPS))
    ]
    for number, (id, _) in enumerate(SPLIT_STEPS[:6]):
        events += step(id, NOON + 10 * number, 9.0)
    at = NOON + 60
    events.append(StepStarted(at, "copy-hypertables"))

    def table(
        second: int, name: str, done: int, total: int, rows: int, state: TableState, mib: int
    ) -> TableProgress:
        failed = 2 if state is TableState.FAILED else 0
        retried = {TableState.FAILED: 10, TableState.RETRYING: 3}.get(state, 0)
        return TableProgress(
            at + second,
            step="copy-hypertables",
            table=name,
            done=done,
            total=total,
            rows=rows,
            state=state,
            bytes=mib * world.MIB,
            failed=failed,
            retried=retried,
        )

    for n in range(41):
        events += [
            StepProgress(
                at + n,
                step="copy-hypertables",
                done=n * 205 * world.MIB,
                total=40 * world.GIB,
                unit=Unit.BYTES,
            ),
            table(n, "public.metrics", 2 * n, 412, n * 910_000, TableState.WORKING, n * 118),
            table(n, LONG_TABLE, n // 10, 1_024, n * 22_500, TableState.RETRYING, n * 51),
        ]
    events += [
        table(40, "public.events", 0, 97, 0, TableState.WAITING, 0),
        table(40, UNICODE_TABLE, 95, 97, 47_010_210, TableState.FAILED, 1_400),
        table(40, "public.devices", 12, 12, 48_102, TableState.DONE, 9),
        LogLine(
            at + 40,
            "tswizard",
            f"worker 2: server closed the connection while copying {LONG_TABLE}; again in 4 s "
            "(attempt 2)",
        ),
    ]
    return events


def resumed_pieces() -> list[Event]:
    """A split run that goes on in the middle of its chunks: what was copied before counts."""
    steps = (
        (*step, StepState.DONE if number < 6 else StepState.PENDING)
        for number, step in enumerate(SPLIT_STEPS)
    )
    events: list[Event] = [
        RunStarted(NOON, RUN, tuple(steps)),
        StepStarted(NOON + 2, "copy-hypertables"),
    ]
    for n in range(40):
        done = (205 + n) * 100 * world.MIB
        events += [
            StepProgress(
                NOON + 2 + n,
                step="copy-hypertables",
                done=done,
                total=40 * world.GIB,
                unit=Unit.BYTES,
            ),
            TableProgress(
                NOON + 2 + n,
                step="copy-hypertables",
                table="public.metrics",
                done=205 + n,
                total=412,
                rows=455_000 * (205 + n),
                state=TableState.WORKING,
                bytes=done,
            ),
        ]
    return events


def whole(*, result: Level = Level.PASS) -> list[Event]:
    """A run from its first event to its last."""
    events = until_rows()
    at = NOON + 2000
    if result is Level.FAIL:
        events.append(LogVerdict(at, ROWS_LOST))
    events.append(StepFinished(at, step="restore-rows", state=StepState.DONE, seconds=747))
    for number, (id, _, _) in enumerate(STEPS[6:]):
        events += step(id, at + number, 1)
    events.append(RunFinished(at + 60, result=result, seconds=2060, report="/state/report.md"))
    return events


def failed_in_rows() -> list[Event]:
    """The connection is lost while rows are restored."""
    finding = Finding(
        Level.FAIL,
        "connection-lost",
        "The connection was lost: server closed the connection unexpectedly",
        where="restore-rows",
        why="",
        todo="When the server answers again, resume the run.",
    )
    at = NOON + 1400
    return [
        *until_rows(),
        FindingFound(at, finding),
        StepFinished(
            at, step="restore-rows", state=StepState.FAILED, seconds=147, why=finding.what
        ),
        RunFinished(at, result=None, seconds=1400, findings=(finding,)),
    ]


def outcome(result: Level, findings: Sequence[Finding] = ()) -> Outcome:
    """What the whole run came to."""
    return Outcome(
        run=RUN,
        result=result,
        method="full",
        source=world.SOURCE.label,
        target=world.TARGET.label,
        started=NOON,
        seconds=2060,
        steps=tuple(StepOutcome(id, StepState.DONE, 1.0) for id, _, _ in STEPS),
        findings=tuple(findings),
        judged=(OWNER,) if result is Level.PASS else (OWNER, ROLE_MISSING, ROWS_LOST),
        tables=(
            TableRows(
                name="public.metrics",
                source_rows=31_204_551_000,
                target_rows=31_204_551_000,
                equal=True,
            ),
            TableRows(
                name="public.events",
                source_rows=48_000_210,
                target_rows=48_000_210,
                equal=True,
                newer_on_source=1_912,
            ),
        ),
    )


def run_folder(
    folder: Path,
    *done: str,
    demo: bool = False,
    method: Literal["full", "split"] = "full",
) -> RunFolder:
    """A run's folder that needs no disk until it is written to."""
    steps = tuple(
        StepRecord(
            step[0],
            StepState.DONE if step[0] in done else StepState.PENDING,
            12.0 * (step[0] in done),
            title=step[1],
        )
        for step in (STEPS if method == "full" else SPLIT_STEPS)
    )
    record = RunRecord(
        id=RUN,
        started=NOON,
        source=world.SOURCE.conninfo,
        target=world.TARGET.conninfo,
        source_label=world.SOURCE.label,
        target_label=world.TARGET.label,
        answers=Answers(method=method),
        steps=steps,
        demo=demo,
    )
    return RunFolder(folder, record)


CHECKLIST = Checklist(
    Level.LOOK,
    (
        ChecklistLine(
            Level.PASS,
            "schema: 41 of 41 tables, 63 of 63 indexes, 12 of 12 foreign keys, 4 more kinds of "
            "objects",
            ("41 of 41 tables", "63 of 63 indexes (and 1,207 on chunks)", "12 of 12 foreign keys"),
        ),
        ChecklistLine(
            Level.PASS, "hypertables: 3 of 3, 5 of 5 dimensions, 2 of 2 compression settings"
        ),
        ChecklistLine(Level.PASS, "continuous aggregates: 3 of 3, 3 of 3 definitions"),
        ChecklistLine(Level.PASS, "policies: 4 of 4, schedules equal"),
        ChecklistLine(
            Level.LOOK,
            "rows: public.events has 1,912 rows on the source that are newer than the dump",
            ("They were written between 12:00:07 and 12:34:20.", "public.events: 1,912"),
            "Copy them or accept the loss.",
        ),
        ChecklistLine(
            Level.PASS, "rows: 38 of 38 tables equal, 31,252,599,312 rows, every checksum"
        ),
        ChecklistLine(
            Level.LOOK,
            "errors: pg_restore ignored 2, 1 matched known-safe rules, 1 need a look, 0 lost "
            "something",
            ('LOOK ACL public.metrics role "reporting" does not exist',),
        ),
        ChecklistLine(
            Level.PASS, "before and around the run: 9 further checks", ("The target is empty.",)
        ),
        ChecklistLine(Level.SKIP, "checksums: rows were only counted"),
    ),
    (
        Todo("host", f"Point applications at the new host {world.TARGET.label}", "host=x7f0q"),
        Todo(
            "newer-0",
            "1,912 rows of public.events are newer: copy them or accept the loss",
            "COPY (SELECT * FROM public.events WHERE ts >= '2026-11-24 12:00:07') TO STDOUT",
        ),
        Todo("keep", f"Keep {world.SOURCE.label} until you are sure, then delete it"),
    ),
    (
        File("report", "/home/ada/.local/state/tswizard/runs/run-20261124-120000/report.md"),
        File("dump", "/home/ada/.local/state/tswizard/runs/run-20261124-120000/dump"),
    ),
)
LOST = Checklist(
    Level.FAIL,
    (
        ChecklistLine(
            Level.FAIL,
            "rows: public.metrics lost 432,050 of 31,204,551,000 rows",
            ("[2026-03-01, 2026-03-02): 432,050 on the source, 0 on the target",),
            "Update TimescaleDB on the source to 2.20.1 or later, then migrate again.",
        ),
        *CHECKLIST.lines[:4],
    ),
    (Todo("todo-0", "Do not use the target yet: see what failed above"), *CHECKLIST.todo[:1]),
    CHECKLIST.files[:1],
)
