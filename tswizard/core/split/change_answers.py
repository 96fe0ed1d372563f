"""A split run that was stopped continues with other answers: the record on its target has them too,
and what lies in the old staging folder is carried along or copied again."""

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.answers import Answers
from tswizard.core.model.wording import plural
from tswizard.core.run.run_folder import RunFolder, RunFolderError, dump_folder
from tswizard.core.split.copy.staging import location_of
from tswizard.core.split.ledger import queue
from tswizard.core.split.ledger.plan_store import read_plan
from tswizard.core.split.takeover import reading_record
from tswizard.core.steps.stored_run import StoredRun, read_stored_run, write_stored_run

_CARRIED = ("schema.dump", "*.list")
"""Of the schema. It is small, and must not contradict what it was restored from before."""


async def change_split_answers(
    run_folder: RunFolder, target: Endpoint, answers: Answers
) -> tuple[str, ...]:
    """Have the run continue with these answers; what became of files, in sentences.

    Files of rows in the old staging folder count as lost: their pieces are copied again.
    Raises RunFolderError, StepFailed for another version's ledger, CannotConnect.
    """
    old, new = run_folder.dump_path, dump_folder(run_folder.path, answers)
    record = replace(run_folder.record, answers=answers)
    moved = old != new
    if moved:
        await asyncio.to_thread(_carry, old, new)
    again = 0
    async with reading_record(target) as connection:
        plan = await read_plan(connection)
        if moved and plan is not None and plan.run == record.id:
            again = await queue.requeue_lost_files(connection, location_of(old))
        stored = await read_stored_run(connection)
        if stored is not None and stored.record.id == record.id:
            run = StoredRun(run_folder.location, record, stored.inventory)
            await write_stored_run(connection, run)
    run_folder.save(record)
    told = (f"To be copied again: {plural(again, 'piece')}, with files in {old}.",) if again else ()
    if moved and answers.keep_dumps and old.exists():
        return (*told, f"{old} stays as it is (keep_dumps); remove it when you no longer need it.")
    if moved:
        await asyncio.to_thread(shutil.rmtree, old, ignore_errors=True)
    return told


def _carry(old: Path, new: Path) -> None:
    try:
        new.mkdir(parents=True, exist_ok=True, mode=0o700)
        for pattern in _CARRIED:
            for path in old.glob(pattern):
                shutil.copy2(path, new / path.name)
    except OSError as error:
        raise RunFolderError(
            f"The staging folder {new} cannot be used: {error.strerror or error}."
        ) from error
