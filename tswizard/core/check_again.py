"""Checking a finished run again: when the user has repaired something, or days later.

What waited only on the user is applied, both databases are compared as they are now, and jobs that
had stayed paused because something failed are enabled.
"""

from collections.abc import Iterator
from dataclasses import replace

from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.methods import method_of
from tswizard.core.model.events import StepState
from tswizard.core.model.finding import Level
from tswizard.core.model.plan import Task
from tswizard.core.run.context import StepFailed, failed
from tswizard.core.run.method import Method, MethodStep, applicable
from tswizard.core.run.record import RunRecord, StepRecord
from tswizard.core.run.run_folder import RunFolder, RunFolderError, not_planned
from tswizard.core.run.runner import Run
from tswizard.core.run.task_again import task_again
from tswizard.core.steps import source_jobs
from tswizard.core.steps.apply_waiting import APPLY_WAITING
from tswizard.core.steps.compare import CHECK
from tswizard.core.steps.enable_jobs import ENABLE_JOBS
from tswizard.core.steps.stored_run import read_stored_run


async def check_again(run_folder: RunFolder, source: Endpoint, target: Endpoint) -> Run:
    """A check of a run that is over. Raises RunFolderError when it is not, is busy or lacks its
    tools, CannotConnect, psycopg.Error."""
    inventory = run_folder.inventory()
    if not run_folder.record.planned or inventory is None:
        raise not_planned(run_folder.record)
    await _take_newer(run_folder, target)
    record = run_folder.record
    if not record.over:
        raise RunFolderError(
            f"{record.id} is unfinished; resume it first: tswizard resume {record.id}"
        )
    if run_folder.busy:
        raise RunFolderError(f"{record.id} is in use by another tswizard process.")
    task = await task_again(run_folder, inventory, source, target)
    method = method_of(record.answers)
    steps = (APPLY_WAITING, *_to_repeat(method, task, record))
    record = record.with_steps_before(
        CHECK, StepRecord(name=APPLY_WAITING.id, title=APPLY_WAITING.title)
    )
    run_folder.save(replace(record.to_do_again({step.id for step in steps}), leaving=()))
    return Run(task, run_folder, method, again=steps)


async def _take_newer(run_folder: RunFolder, target: Endpoint) -> None:
    """Another machine may have checked it since: then its record on the target is the newer one."""
    ours = run_folder.record
    if not ours.over or run_folder.busy:
        return
    async with connected(target) as connection:
        try:
            stored = await read_stored_run(connection)
        except StepFailed:  # another version's
            return
    if stored and stored.record.id == ours.id and stored.record.checked > ours.checked:
        run_folder.save(_here(stored.record, ours))


def _here(theirs: RunRecord, ours: RunRecord) -> RunRecord:
    """Their record with what holds on this machine only."""
    return replace(theirs.with_addresses_of(ours), answers=ours.answers)


def _to_repeat(method: Method, task: Task, record: RunRecord) -> Iterator[MethodStep]:
    """The check, and each step before and after it that left something open."""
    for step in applicable(method, task):
        done = record.step(step.id).state is StepState.DONE
        if (
            step.id == CHECK
            or (step.again and _left_open(record.step(step.id)))
            or (step.id == source_jobs.RESUME.id and record.paused_source_jobs)
            or (step.id == ENABLE_JOBS and not done)
        ):
            yield step


def _left_open(step: StepRecord) -> bool:
    return any(f.level in (Level.LOOK, Level.FAIL) for f in step.findings) or any(
        not judged.verdict.explained for judged in step.judged
    )


async def find_checked(target: Endpoint, source: Endpoint | None) -> tuple[RunFolder, Endpoint]:
    """This machine's folder of the finished run on a target, created if there is none, and its
    source.

    `source` is the source's address as reachable from this machine, if it is not the recorded one.
    Raises StepFailed if no run is recorded there, RunFolderError if it is unfinished,
    BadEndpoint for a recorded source that is no valid address here, CannotConnect, psycopg.Error.
    """
    async with connected(target) as connection:
        stored = await read_stored_run(connection)
    if stored is None:
        raise failed(
            "no-run",
            "There is no record of a run on this target.",
            where=target.label,
            todo="It is removed when everything has passed. On the machine of the run: "
            "tswizard check RUN",
        )
    ours = stored.record
    if not ours.over:
        raise RunFolderError(
            f"{ours.id} is unfinished; resume it first: tswizard resume --target …"
        )
    source = source or Endpoint.parse(ours.source)
    here = RunFolder.known(ours.id)
    record = replace(
        ours,
        source=source.conninfo,
        target=target.conninfo,
        source_label=source.label,
        target_label=target.label,
        answers=here.record.answers if here else replace(ours.answers, staging=""),
    )
    if here is None:
        return RunFolder.create_for(record, stored.inventory), source
    if here.busy:
        raise RunFolderError(f"Another tswizard process is checking {ours.id}.")
    here.save(record)
    return here, source
