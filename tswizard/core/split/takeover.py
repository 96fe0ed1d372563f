"""Going on with a split migration on another machine, and coming back to the first one.

The run's record on its target is what counts: whoever led last wrote it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from psycopg import Error

from tswizard.core.db.connection import Connection, connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import message_of
from tswizard.core.model.events import StepState
from tswizard.core.run.context import StepFailed, failed
from tswizard.core.run.run_folder import RunFolder, RunFolderError, RunRecord
from tswizard.core.split.ledger import queue, run_record
from tswizard.core.split.ledger.leader_lock import LeaderLock, is_held_by_live_session
from tswizard.core.split.ledger.plan_store import other_version, read_plan
from tswizard.core.split.ledger.run_record import StoredRun
from tswizard.core.split.steps import SplitStep
from tswizard.core.steps import target_marker
from tswizard.core.steps.compare import CHECK


async def take_over(target: Endpoint, source: Endpoint | None) -> tuple[RunFolder, Endpoint]:
    """This machine's folder of the run on a target, made if there is none, and its source.

    `source` is where the source is seen from here, if not as the run knows it. Raises
    RunFolderError when another process leads the run, StepFailed when there is none to resume,
    BadEndpoint for a source that cannot be read here, CannotConnect.
    """
    async with _reading(target) as connection:
        found = await _find(connection, target)
    ours = found.record
    if not ours.resumable:
        raise RunFolderError(f"{ours.id} is over ({ours.state}); there is nothing to resume.")
    source = source or Endpoint.parse(ours.source)
    here = RunFolder.known(ours.id)
    record = replace(
        here.record if here else ours,
        source=source.conninfo,
        target=target.conninfo,
        source_label=source.label,
        target_label=target.label,
    )
    if here is None:
        return RunFolder.take_up(_staged_here(record), found.inventory), source
    if here.busy:
        raise RunFolderError(f"{ours.id} is being worked on by another tswizard.")
    here.save(record)
    return here, source


async def write_off_files(target: Endpoint, location: str) -> int:
    """Have the pieces copied again whose files lay at that location, which is lost; how many.

    Raises RunFolderError when none lies there, StepFailed when the run's record is none that this
    version reads, CannotConnect.
    """
    async with _reading(target) as connection:
        if await read_plan(connection) is None:
            raise RunFolderError(f"There is no run on {target.label} that copies by files.")
        if number := await queue.requeue_lost_files(connection, location):
            return number
        others = ", ".join(await queue.staged_elsewhere(connection, ""))
    raise RunFolderError(
        f"No file of this run lies at {location}"
        + (f"; files lie at {others}." if others else ", nor anywhere else.")
    )


@asynccontextmanager
async def _reading(target: Endpoint) -> AsyncIterator[Connection]:
    """A connection to read the run's record with. Raises CannotConnect, RunFolderError."""
    async with connected(target) as connection:
        try:
            yield connection
        except Error as error:
            raise RunFolderError(
                f"The run's record on {target.label} cannot be read: {message_of(error)}."
            ) from None


async def _find(target: Connection, end: Endpoint) -> StoredRun:
    stored = await read_plan(target)
    found = await run_record.read(target)
    if found is None:
        mark = await target_marker.read(target)
        if mark is not None:
            raise failed(
                "run-elsewhere",
                f"The run on this target, {mark.run}, uses the full method: its dump lies on "
                f"{mark.host or 'the machine that began it'}.",
                where=end.label,
                todo=f"There: tswizard resume {mark.run}",
            )
        if stored is not None:
            raise other_version(f"{stored.run} did not write all of its plan there")
        raise failed(
            "no-run",
            "There is no run on this target that could be resumed.",
            where=end.label,
            todo="See whether it is the right target; a run that is finished leaves nothing there.",
        )
    await _refuse_led(target, found)
    return found


async def _refuse_led(target: Connection, found: StoredRun) -> None:
    if found.record.resumable and await is_held_by_live_session(target, LeaderLock.RUN):
        raise RunFolderError(
            f"{found.record.id} is being led by another tswizard, at {found.location}; let it end, "
            "or help it along: tswizard join."
        )


async def adopt(run_folder: RunFolder, target: Endpoint) -> None:
    """Make the record in this folder what the target says, when another machine led last.

    Raises RunFolderError when the run is led now, or is gone from the
    target, CannotConnect.
    """
    record = run_folder.record
    try:
        async with _reading(target) as connection:
            stored = await read_plan(connection)
            found = await run_record.read(connection)
            if found is not None and found.record.id == record.id:
                await _refuse_led(connection, found)
    except StepFailed as failure:
        raise RunFolderError(f"{failure.finding.what} {failure.finding.todo}") from None
    if found is None or found.record.id != record.id:
        if stored is None and _copied(record):
            raise RunFolderError(
                f"{target.label} holds nothing of {record.id} any more: it was finished from "
                "another machine, or the target was emptied. Begin a new run for an empty target."
            )
        return
    if found.location != run_folder.location:
        run_folder.save(_here(found.record, record))


def _copied(record: RunRecord) -> bool:
    """Were rows to be on the target, and the check not over?"""
    planned = record.step(SplitStep.PLAN).state is StepState.DONE
    return planned and record.step(CHECK).state is not StepState.DONE


def _staged_here(record: RunRecord) -> RunRecord:
    """Files go to the run's own folder where the staging folder of the other machine is not."""
    staging = record.answers.staging
    if not staging or Path(staging).expanduser().is_dir():
        return record
    return replace(record, answers=replace(record.answers, staging=""))


def _here(theirs: RunRecord, ours: RunRecord) -> RunRecord:
    """Their record, with what is only so on this machine."""
    return replace(
        theirs,
        source=ours.source,
        target=ours.target,
        source_label=ours.source_label,
        target_label=ours.target_label,
        answers=replace(theirs.answers, staging=ours.answers.staging),
    )
