"""A finished dump is restored into another empty target: the old one could not be cleared, or the
user wants another."""

import asyncio
from dataclasses import replace

from tswizard.core.catalog.read import read_inventory
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.methods import method_of
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.prepared import Prepared
from tswizard.core.preflight import examine
from tswizard.core.prepare import prepare
from tswizard.core.run.method import applicable
from tswizard.core.run.record import StepRecord
from tswizard.core.run.run_folder import RunFolder, RunFolderError, all_runs


def movable(run_folder: RunFolder) -> bool:
    """Can this run go on into another target? Raises RunFolderError."""
    record = run_folder.record
    holds = method_of(record.answers).holds_elsewhere(run_folder)
    return record.resumable and holds is not None and run_folder.inventory() is not None


def movable_runs() -> tuple[RunFolder, ...]:
    """Those of this machine that can be read, newest first."""
    return tuple(run_folder for run_folder in all_runs() if _surely_movable(run_folder))


def _surely_movable(run_folder: RunFolder) -> bool:
    try:
        return movable(run_folder)
    except RunFolderError:
        return False


async def move(
    run_folder: RunFolder, source: Endpoint, target: Endpoint
) -> tuple[tuple[Finding, ...], bool]:
    """Have a run go on into another target; what preflight says of that one, and whether it did.

    Nothing is changed where a finding fails. Raises RunFolderError when the run cannot,
    CannotConnect, psycopg.Error.
    """
    record, inventory = run_folder.record, run_folder.inventory()
    if not movable(run_folder) or inventory is None:
        raise RunFolderError(f"{record.id} has no finished dump to restore into another target.")
    if run_folder.busy:
        raise RunFolderError(f"{record.id} is in use by another tswizard process.")
    prepared = await asyncio.to_thread(
        prepare,
        source=source,
        target=target,
        inventory=inventory,
        target_inventory=await read_inventory(target),
        answers=record.answers,
    )
    # Of the source and this machine nothing is asked anymore: the dump is there.
    found = [f async for f in examine(prepared) if f.where == target.label]
    if prepared.tools is None or any(f.level is Level.FAIL for f in found):
        return tuple(found), False
    _save(run_folder, prepared, tuple(found))
    return tuple(found), True


def _save(run_folder: RunFolder, prepared: Prepared, found: tuple[Finding, ...]) -> None:
    record = run_folder.record
    method = method_of(record.answers)
    hold = method.holds_elsewhere(run_folder) or frozenset()
    task = prepared.task(run_folder.dump_path)
    steps = tuple(
        record.step(step.id) if step.id in hold else StepRecord(name=step.id, title=step.title)
        for step in applicable(method, task)
    )
    run_folder.save(
        replace(
            record,
            source=prepared.source.conninfo,
            source_label=prepared.source.label,
            target=prepared.target.conninfo,
            target_label=prepared.target.label,
            steps=steps,
            preflight=(*(f for f in record.preflight if f.where != record.target_label), *found),
            leaving=(),
            abandoned=tuple(dict.fromkeys((*record.abandoned, record.target_label))),
            missing_roles=prepared.missing_roles,
            # What was equal, or written, in another target says nothing of this one.
            tables=(),
            checked=0.0,
            arrived=(),
            target_counters=None,
        )
    )
