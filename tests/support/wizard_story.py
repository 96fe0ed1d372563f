"""Runs of the wizard as they were recorded, cut where a screen shall be looked at.

Figures of tables are invented where a demo has too few of them; sentences are not.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from tests.support.metrics_inventory import GIB, MIB
from tests.support.recordings import load_probe, load_run
from tests.support.wizard_world import RUNS, SOURCE, TARGET, prepared_for, titles
from tswizard.core.advise import advise
from tswizard.core.classify.log import classify_log
from tswizard.core.full.steps import FullStep
from tswizard.core.model.answers import Answers, MethodName
from tswizard.core.model.events import (
    Event,
    LogVerdict,
    RunStarted,
    StepProgress,
    StepStarted,
    StepState,
    TableProgress,
    TableState,
    Unit,
)
from tswizard.core.model.finding import Level
from tswizard.core.model.judged import JudgedMessage
from tswizard.core.model.outcome import Outcome
from tswizard.core.model.recommendation import Advice
from tswizard.core.model.verdict import Verdict
from tswizard.core.probe.events import ProbeDone
from tswizard.core.run.record import RunRecord, StepRecord
from tswizard.core.run.run_folder import RunFolder
from tswizard.core.split.steps import SplitStep

FULL, SPLIT = Answers(), Answers(method="split")


def whole(name: str = "full") -> list[Event]:
    """A recorded run from its first event to its last, its steps called as they are today."""
    return [_titled(event) for event in load_run(name).events]


def _titled(event: Event) -> Event:
    if not isinstance(event, RunStarted):
        return event
    known = titles(FULL) | titles(SPLIT)
    return replace(
        event, steps=tuple((id, known.get(id, title), state) for id, title, state in event.steps)
    )


NOON = whole()[0].at
"""2026-11-24 12:00:00 UTC: when every recorded run begins."""
RUN = "run-20261124-120000"


def before(step: str, name: str) -> list[Event]:
    """Up to the beginning of a step."""
    events = whole(name)
    return events[: next(n for n, event in enumerate(events) if _starts(event, step))]


def _starts(event: Event, step: str) -> bool:
    return isinstance(event, StepStarted) and event.step == step


def in_rows() -> list[Event]:
    """A full migration in the middle of restoring the rows."""
    events = whole()
    half = next(n for n, event in enumerate(events) if _half_way(event))
    return events[: half + 1]


def _half_way(event: Event) -> bool:
    if not isinstance(event, StepProgress) or event.step != FullStep.RESTORE_ROWS:
        return False
    return 2 * event.done > (event.total or 0)


def outcome(result: Level) -> Outcome:
    """What a run came to; of a `pass` only that."""
    recorded = load_run("lost" if result is Level.FAIL else "full").outcome
    assert recorded is not None
    return replace(recorded, result=result, advice=_advice("full"))


# A split migration of large tables

LONG_TABLE = "plant_north.readings_of_all_the_very_long_named_sensors_in_the_northern_plants"
UNICODE_TABLE = "messwerte.Größe der 測定値 in Straße №7"


def split_pieces() -> list[Event]:
    """In the middle of its chunks: of one table a piece is retried, of another two are refused."""
    events = before(SplitStep.COPY_HYPERTABLES, "split")
    at = events[-1].at
    return [*events, StepStarted(at, SplitStep.COPY_HYPERTABLES), *pieces(at)]


def pieces(at: float = NOON) -> Iterator[StepProgress | TableProgress]:
    """Figures of five tables, of which one has a retried piece and one two refused ones."""
    for n in range(41):
        yield _copied(at + n, n * 205 * MIB)
        yield _table(at + n, "public.metrics", 2 * n, 412, n * 910_000, n * 118)
        yield _table(
            at + n, LONG_TABLE, n // 10, 1_024, n * 22_500, n * 51, TableState.RETRYING, retried=3
        )
    at += 40
    yield _table(at, "public.events", 0, 97, 0, 0, TableState.WAITING)
    yield _table(
        at, UNICODE_TABLE, 95, 97, 47_010_210, 1_400, TableState.FAILED, failed=2, retried=10
    )
    yield _table(at, "public.devices", 12, 12, 48_102, 9, TableState.DONE)


def resumed_pieces() -> list[Event]:
    """A resumed run in the middle of its chunks: what was copied before counts."""
    earlier = before(SplitStep.COPY_HYPERTABLES, "split")
    done = {event.step for event in earlier if isinstance(event, StepStarted)}
    started, *_ = whole("split")
    assert isinstance(started, RunStarted)
    steps = tuple(
        (id, title, StepState.DONE if id in done else StepState.PENDING)
        for id, title, _ in started.steps
    )
    events: list[Event] = [
        replace(started, steps=steps),
        StepStarted(NOON + 2, SplitStep.COPY_HYPERTABLES),
    ]
    for n in range(40):
        mib = (205 + n) * 100
        events += [
            _copied(NOON + 2 + n, mib * MIB),
            _table(NOON + 2 + n, "public.metrics", 205 + n, 412, 455_000 * (205 + n), mib),
        ]
    return events


def _copied(at: float, done: int) -> StepProgress:
    return StepProgress(
        at, step=SplitStep.COPY_HYPERTABLES, done=done, total=40 * GIB, unit=Unit.BYTES
    )


def _table(
    at: float,
    name: str,
    done: int,
    total: int,
    rows: int,
    mib: int,
    state: TableState = TableState.WORKING,
    *,
    failed: int = 0,
    retried: int = 0,
) -> TableProgress:
    return TableProgress(
        at,
        step=SplitStep.COPY_HYPERTABLES,
        table=name,
        done=done,
        total=total,
        rows=rows,
        state=state,
        bytes=mib * MIB,
        failed=failed,
        retried=retried,
    )


# Messages with their verdicts


def _recorded(verdict: Verdict) -> JudgedMessage:
    judged = (event.judged for event in whole() if isinstance(event, LogVerdict))
    return next(message for message in judged if message.verdict is verdict)


SAFE = _recorded(Verdict.SAFE)
ROLE_MISSING = _recorded(Verdict.LOOK)
ROWS_LOST, *_ = classify_log(
    [
        "pg_restore: error: COPY failed for table "
        '"compress_hyper_2_156_chunk": ERROR:  function 0x7f1c returned NULL\n'
    ],
    "pg_restore",
    "full",
    "data",
).judged


# Folders of runs


def left_in_restore_mode() -> RunFolder:
    """Of a run whose machine went off while rows were restored."""
    earlier = [e.step for e in before(FullStep.RESTORE_ROWS, "full") if isinstance(e, StepStarted)]
    folder = run_folder(done=earlier)
    steps = tuple(
        replace(step, state=StepState.RUNNING) if step.name == FullStep.RESTORE_ROWS else step
        for step in folder.record.steps
    )
    folder.record = replace(folder.record, steps=steps)
    return folder


@cache
def _advice(method: MethodName) -> Advice:
    """What Method says of the demo's servers after the recorded probe."""
    done = next(event for event in load_probe().events if isinstance(event, ProbeDone))
    return advise(prepared_for(Answers(method=method)), (), done.probe, cores=4)


def run_folder(
    folder: Path = RUNS / RUN,
    *,
    done: Sequence[str] = (),
    demo: bool = False,
    method: MethodName = "full",
) -> RunFolder:
    """A run's folder that needs no disk until it is written to."""
    answers = Answers(method=method)
    steps = tuple(
        StepRecord(
            name=id,
            state=StepState.DONE if id in done else StepState.PENDING,
            seconds=12.0 * (id in done),
            title=title,
        )
        for id, title in titles(answers).items()
    )
    record = RunRecord(
        id=RUN,
        started=NOON,
        source=SOURCE.conninfo,
        target=TARGET.conninfo,
        source_label=SOURCE.label,
        target_label=TARGET.label,
        answers=answers,
        steps=steps,
        demo=demo,
        advice=_advice(method),
    )
    return RunFolder(folder, record)
