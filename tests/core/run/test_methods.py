"""A run knows its steps by their ids: in its folder, on the target and in reports."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.sample_task import prepared
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.full.method import FULL
from tswizard.core.full.steps import FullStep
from tswizard.core.methods import METHODS
from tswizard.core.model.answers import Answers
from tswizard.core.model.events import StepState
from tswizard.core.resume import _refuse_unknown_steps, start
from tswizard.core.run.method import Method
from tswizard.core.run.record import RECORD_FORMAT, StepRecord
from tswizard.core.run.run_folder import RunFolder, RunFolderError
from tswizard.core.split.method import SPLIT
from tswizard.core.split.steps import SplitStep

NOWHERE = Endpoint.parse("host=/nowhere dbname=none")

IDS = {
    "full": (
        "recreate-extension compress-chunks pause-source-jobs dump enter-restore-mode "
        "restore-schema restore-catalog restore-rows restore-post-data leave-restore-mode "
        "drop-left-out hypertable-foreign-keys refresh-materialized-views analyze "
        "restore-event-triggers check resume-source-jobs enable-jobs"
    ),
    "split": (
        "pause-source-jobs plan-pieces dump-schema pre-data hypertables continuous-aggregates "
        "cagg-ranges primary-keys chunks export copy-tables constraints-before compression "
        "copy-hypertables reconcile cagg-logging cagg-refresh sequences constraints-after "
        "compression-last post-data cagg-dependents recreate-policies refresh-materialized-views "
        "analyze restore-event-triggers check resume-source-jobs enable-jobs"
    ),
}


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(tmp_path / "state"))


def begun(method: Method) -> RunFolder:
    return start(prepared(Answers(method=method.name)), ()).run_folder


def done(run_folder: RunFolder, *ids: str) -> None:
    record = run_folder.record
    for id in ids:
        record = record.with_step(replace(record.step(id), state=StepState.DONE))
    run_folder.save(record)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_ids_of_steps_are_part_of_the_format_of_a_run(method: Method) -> None:
    """Who changes an id, or the order, also raises RECORD_FORMAT, so that a run of an earlier
    version is refused and not resumed wrongly."""
    assert RECORD_FORMAT == 2
    assert [step.id for step in method.steps] == IDS[method.name].split()


def test_every_id_that_the_code_asks_for_is_in_the_table() -> None:
    for ids, method in ((FullStep, FULL), (SplitStep, SPLIT)):
        assert {step.value for step in ids} <= {step.id for step in method.steps}


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_a_run_with_a_step_that_nobody_knows_is_not_resumed(method: Method) -> None:
    run_folder = begun(method)
    _refuse_unknown_steps(method, run_folder)
    record = run_folder.record
    renamed = replace(record.steps[1], name="of-another-version")
    run_folder.save(replace(record, steps=(record.steps[0], renamed, *record.steps[2:])))
    with pytest.raises(RunFolderError, match="of-another-version"):
        _refuse_unknown_steps(method, run_folder)


def test_a_run_of_an_earlier_version_gets_the_steps_that_it_lacks_in_their_places() -> None:
    plan = [StepRecord(name=name) for name in ("a", "b", "c", "d")]
    record = replace(
        begun(SPLIT).record, steps=(StepRecord(name="b", state=StepState.DONE), plan[2])
    )
    assert [s.name for s in record.with_plan(plan).steps] == ["a", "b", "c", "d"]
    assert record.with_plan(plan).step("b").state is StepState.DONE


async def test_an_interrupted_restore_is_repeated_from_its_first_step() -> None:
    run_folder = begun(FULL)
    done(run_folder, "pause-source-jobs", "dump", "enter-restore-mode", "restore-schema")
    again = {
        "enter-restore-mode",
        "restore-schema",
        "restore-catalog",
        "restore-rows",
        "restore-post-data",
        "pause-source-jobs",
        "resume-source-jobs",
    }
    assert await FULL.to_repeat(run_folder, NOWHERE) == again | {"dump"}
    run_folder.dump_path.mkdir()
    (run_folder.dump_path / "toc.dat").touch()
    assert await FULL.to_repeat(run_folder, NOWHERE) == again


async def test_a_complete_restore_is_not_repeated() -> None:
    run_folder = begun(FULL)
    done(run_folder, *(step.name for step in run_folder.record.steps if step.name != "check"))
    assert await FULL.to_repeat(run_folder, NOWHERE) == {"pause-source-jobs", "resume-source-jobs"}
    done(run_folder, "check")
    assert await FULL.to_repeat(run_folder, NOWHERE) == set()
    assert await SPLIT.to_repeat(run_folder, NOWHERE) == set()


def test_questions_belong_to_one_method_or_to_all() -> None:
    from tswizard.questions import QUESTIONS

    keys = {question.key for question in QUESTIONS if question.section == "answers"}
    for method in METHODS:
        assert method.asks <= keys
        for other in METHODS:
            assert other is method or not method.asks & other.asks
