"""Beginning a run, and resuming one that was stopped."""

from dataclasses import replace

from tswizard.core.db.endpoint import Endpoint
from tswizard.core.methods import method_of
from tswizard.core.model.finding import Finding
from tswizard.core.model.plan import Task
from tswizard.core.model.prepared import Prepared
from tswizard.core.model.recommendation import Advice
from tswizard.core.run.method import Method, applicable
from tswizard.core.run.record import FINAL, StepRecord
from tswizard.core.run.run_folder import RunFolder, RunFolderError, not_planned
from tswizard.core.run.runner import Run
from tswizard.core.run.task_again import task_again


def start(
    prepared: Prepared,
    findings: tuple[Finding, ...],
    *,
    demo: bool = False,
    advice: Advice | None = None,
) -> Run:
    """A new run, with what preflight found and what was estimated. Raises RunFolderError when it
    cannot be recorded."""
    method = method_of(prepared.answers)
    run_folder = RunFolder.create(
        prepared.source, prepared.target, prepared.answers, (), findings, demo=demo
    )
    task = prepared.task(run_folder.dump_path)
    planned = _planned(method, task)
    run_folder.save_inventory(task.inventory)
    record = replace(
        run_folder.record,
        steps=planned,
        missing_roles=prepared.missing_roles,
        advice=advice,
    )
    # Last: a run that has steps can be resumed.
    run_folder.save(record)
    return Run(task, run_folder, method)


async def needs_confirmation(run_folder: RunFolder, target: Endpoint) -> str | None:
    """What resuming would remove from the target, as a sentence to confirm; None for nothing.

    Raises CannotConnect.
    """
    return await method_of(run_folder.record.answers).confirmation(run_folder, target)


async def reopen(
    run_folder: RunFolder, source: Endpoint, target: Endpoint, *, confirm: str | None = None
) -> Run:
    """A run to resume. `confirm` is the target's database name as the user typed it.

    Raises RunFolderError when it is over, busy, not confirmed or lacks its tools, CannotConnect.
    """
    method = method_of(run_folder.record.answers)
    if run_folder.record.resumable and not run_folder.busy:
        await method.adopt(run_folder, target)
    record = run_folder.record
    inventory = run_folder.inventory()
    if not record.planned or inventory is None:
        raise not_planned(record)
    if record.over:
        raise RunFolderError(
            f"{record.id} has finished ({record.state}); there is nothing to resume."
        )
    if run_folder.busy:
        raise RunFolderError(f"{record.id} is in use by another tswizard process.")
    task = await task_again(run_folder, inventory, source, target)
    question = await method.confirmation(run_folder, target)
    if question and confirm != task.target_server.database:
        raise RunFolderError(f"{question} Type the target's database name to confirm.")
    _refuse_unknown_steps(method, run_folder)
    record = record.with_plan(_planned(method, task))
    run_folder.save(record)
    unfinished = {step.name for step in record.steps if step.state not in FINAL}
    names = unfinished | await method.to_repeat(run_folder, source)
    run_folder.save(replace(record.repeated(names), leaving=()))
    return Run(task, run_folder, method, confirmed=bool(question))


def _planned(method: Method, task: Task) -> tuple[StepRecord, ...]:
    return tuple(StepRecord(name=step.id, title=step.title) for step in applicable(method, task))


def _refuse_unknown_steps(method: Method, run_folder: RunFolder) -> None:
    """A step whose id this version does not know would be left out of the resume in silence."""
    known = {step.id for step in method.steps}
    if unknown := [step.name for step in run_folder.record.steps if step.name not in known]:
        raise RunFolderError(
            f"{run_folder.record.id} has steps that this version of tswizard does not know "
            f"({', '.join(unknown)}); resume it with the version that began it."
        )
