"""Answers and inventory become steps with their exact commands."""

import shlex
from dataclasses import replace

import pytest

from tests.support.sample_inventory import RETENTION, SERVER
from tests.support.sample_task import SECRET, TOOLS, task
from tswizard.core.build_plan import build_plan
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.dump.send_entries import SENT_AT_ONCE
from tswizard.core.full.small_tables import SMALL_FIRST
from tswizard.core.model.answers import Answers
from tswizard.core.steps.enable_jobs import to_enable


def ids(answers: Answers) -> list[str]:
    return [step.id for step in build_plan(task(answers)).steps]


def test_the_order_of_a_full_migration() -> None:
    assert ids(Answers()) == [
        "pause-source-jobs",
        "dump",
        "enter-restore-mode",
        "restore-schema",
        "restore-catalog",
        "restore-rows",
        "restore-post-data",
        "leave-restore-mode",
        "hypertable-foreign-keys",
        "analyze",
        "check",
        "resume-source-jobs",
        "enable-jobs",
    ]


def test_what_is_not_answered_is_not_there() -> None:
    assert "pause-source-jobs" not in ids(Answers(pause_source_jobs=False))
    assert "resume-source-jobs" not in ids(Answers(pause_source_jobs=False))
    assert ids(Answers(compress_first=True))[0] == "compress-chunks"
    assert "recreate-extension" not in ids(Answers(recreate_extension=True))
    other = replace(
        task(Answers(recreate_extension=True)), target_server=replace(SERVER, timescaledb="2.30.0")
    )
    assert build_plan(other).steps[0].id == "recreate-extension"


@pytest.mark.parametrize(
    ("step", "first"), [("restore-schema", SENT_AT_ONCE), ("restore-post-data", SMALL_FIRST)]
)
def test_review_says_who_restores_what_is_small(step: str, first: str) -> None:
    def commands(inventory: Inventory) -> tuple[str, ...]:
        plan = build_plan(replace(task(), inventory=inventory))
        return next(planned.commands for planned in plan.steps if planned.id == step)

    some = task().inventory
    assert commands(some)[0] == first
    elsewhere = replace(some.extras, tablespaces=("fast",))
    for alone in (replace(some, extras=elsewhere), replace(some, large_objects=20_000)):
        assert commands(alone) == commands(some)[1:]


def test_commands_can_be_pasted_and_hold_no_password() -> None:
    steps = {step.id: step for step in build_plan(task()).steps}
    for step in steps.values():
        for command in step.commands:
            assert SECRET not in command
    argv = shlex.split(steps["dump"].commands[0])
    assert argv[0] == "/usr/lib/postgresql/17/bin/pg_dump"
    assert "--file=/var/tmp/a folder/dump" in argv
    assert "--compress=lz4" in argv
    assert "--jobs=4" in argv
    restore = shlex.split(steps["restore-catalog"].commands[0])
    assert "--jobs=1" in restore
    assert "--no-owner" in restore


@pytest.mark.parametrize(
    ("offered", "flag"),
    [(("zstd", "gzip"), "--compress=zstd:1"), (("gzip",), "--compress=1")],
)
def test_the_dump_is_compressed_lightly(offered: tuple[str, ...], flag: str) -> None:
    plan = build_plan(task(tools=replace(TOOLS, compressions=offered)))
    assert flag in shlex.split(next(s for s in plan.steps if s.id == "dump").commands[0])


def test_one_job_where_one_backend_serves_everybody() -> None:
    alone = replace(task(), target_server=replace(SERVER, concurrent=False))
    assert alone.jobs == 1


def test_retention_comes_last_and_what_was_off_stays_off() -> None:
    jobs = (
        RETENTION,
        replace(RETENTION, id=1001, proc_name="policy_compression"),
        replace(RETENTION, id=1002, proc_name="policy_refresh_continuous_aggregate"),
        replace(RETENTION, id=1003, proc_name="my_job", scheduled=False),
    )
    held = task()
    with_jobs = replace(held, inventory=replace(held.inventory, jobs=jobs))
    assert [job.id for job in to_enable(with_jobs)] == [1002, 1001, 1000]
    some = replace(with_jobs, answers=Answers(policies=(1000, 1002)))
    assert [job.id for job in to_enable(some)] == [1002, 1000]
