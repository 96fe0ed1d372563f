"""Resuming a split migration on another machine, and back on the first one.

The run's record on its target is authoritative: the process that led the run last wrote it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from psycopg import Error

from tswizard.core.db.connection import Connection, connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import message_of
from tswizard.core.model.events import StepState
from tswizard.core.model.existing_folder import existing_folder
from tswizard.core.run.context import StepFailed, failed
from tswizard.core.run.record import RunRecord
from tswizard.core.run.run_folder import RunFolder, RunFolderError
from tswizard.core.split.ledger import queue
from tswizard.core.split.ledger.leader_lock import LeaderLock, is_held_by_live_session
from tswizard.core.split.ledger.plan_store import read_plan
from tswizard.core.split.steps import SplitStep
from tswizard.core.steps import target_marker
from tswizard.core.steps.compare import CHECK
from tswizard.core.steps.stored_run import StoredRun, other_version, read_stored_run


async def take_over(target: Endpoint, source: Endpoint | None) -> tuple[RunFolder, Endpoint]:
    """This machine's run folder of the run on a target, created if there is none, and its source.

    `source` is the source's address as reachable from this machine, if it is not the recorded one.
    Raises RunFolderError if another process leads the run, StepFailed if there is none to resume,
    BadEndpoint for a recorded source that is no valid address here, CannotConnect.
    """
    async with reading_record(target) as connection:
        found = await _find(connection, target)
    ours = found.record
    if ours.over:
        raise RunFolderError(f"{ours.id} has finished ({ours.state}); there is nothing to resume.")
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
        return RunFolder.create_for(_with_local_staging(record), found.inventory), source
    if here.busy:
        raise RunFolderError(f"Another tswizard process is running {ours.id}.")
    here.save(record)
    return here, source


async def write_off_files(target: Endpoint, location: str) -> int:
    """Have the pieces copied again whose files were at a location that is lost; how many.

    Raises RunFolderError if none was there, StepFailed for another version's ledger, CannotConnect.
    """
    async with reading_record(target) as connection:
        if await read_plan(connection) is None:
            raise RunFolderError(f"There is no run on {target.label} that copies through files.")
        if number := await queue.requeue_lost_files(connection, location):
            return number
        others = ", ".join(await queue.staged_elsewhere(connection, ""))
    raise RunFolderError(
        f"This run has no files in {location}" + (f", but in {others}." if others else ".")
    )


@asynccontextmanager
async def reading_record(target: Endpoint) -> AsyncIterator[Connection]:
    """A connection for reading the run's record. Raises CannotConnect, RunFolderError."""
    async with connected(target) as connection:
        try:
            yield connection
        except Error as error:
            raise RunFolderError(
                f"The run's record on {target.label} cannot be read: {message_of(error)}."
            ) from None


async def _find(target: Connection, end: Endpoint) -> StoredRun:
    plan = await read_plan(target)
    stored = await read_stored_run(target)
    if stored is None:
        mark = await target_marker.read(target)
        if mark is not None:
            raise failed(
                "run-elsewhere",
                f"The run on this target, {mark.run}, uses the full method: its dump is on "
                f"{mark.host or 'the machine that started it'}.",
                where=end.label,
                todo=f"On that machine: tswizard resume {mark.run}",
            )
        if plan is not None:
            raise other_version(f"{plan.run} has a plan there, but no record")
        raise failed(
            "no-run",
            "There is no run on this target to resume.",
            where=end.label,
            todo="Check that it is the right target; a finished run leaves nothing there.",
        )
    await _refuse_led(target, stored)
    return stored


async def _refuse_led(target: Connection, stored: StoredRun) -> None:
    if not stored.record.over and await is_held_by_live_session(target, LeaderLock.RUN):
        raise RunFolderError(
            f"Another tswizard process is running {stored.record.id}, in {stored.location}. Wait "
            "for it, or add workers with tswizard join."
        )


async def sync_from_target(run_folder: RunFolder, target: Endpoint) -> None:
    """Replace this run folder's record by the target's if another machine led the run last.

    Raises RunFolderError if another process leads the run now, or if the target holds nothing of
    it anymore, CannotConnect.
    """
    record = run_folder.record
    try:
        async with reading_record(target) as connection:
            plan = await read_plan(connection)
            stored = await read_stored_run(connection)
            if stored is not None and stored.record.id == record.id:
                await _refuse_led(connection, stored)
    except StepFailed as failure:
        raise RunFolderError(f"{failure.finding.what} {failure.finding.todo}") from None
    if stored is None or stored.record.id != record.id:
        if plan is None and _has_rows_on_target(record):
            raise RunFolderError(
                f"{target.label} no longer holds anything of {record.id}: it was finished from "
                "another machine, or the target was emptied. Start a new run with an empty target."
            )
        return
    if stored.location != run_folder.location:
        run_folder.save(_with_local_facts(stored.record, record))


def _has_rows_on_target(record: RunRecord) -> bool:
    """Must the target hold rows of this run, by its record?"""
    planned = record.step(SplitStep.PLAN).state is StepState.DONE
    return planned and record.step(CHECK).state is not StepState.DONE


def _with_local_staging(record: RunRecord) -> RunRecord:
    """Files go to the run folder if this machine lacks the other one's staging folder."""
    staging = record.answers.staging
    if not staging or existing_folder(staging) is not None:
        return record
    return replace(record, answers=replace(record.answers, staging=""))


def _with_local_facts(theirs: RunRecord, ours: RunRecord) -> RunRecord:
    """Their record, with what holds for this machine only."""
    answers = replace(theirs.answers, staging=ours.answers.staging)
    return replace(theirs.with_addresses_of(ours), answers=answers)
