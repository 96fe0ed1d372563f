"""Several processes and machines at one run."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.split_ends import (
    Ends,
    Heard,
    content,
    copy_everything,
    job,
    leading,
    migrate,
    resumed_equals_source,
)
from tswizard.core.db.connection import connected, rows
from tswizard.core.db.passfile import passfile
from tswizard.core.run.context import StepFailed
from tswizard.core.run.run_folder import RunFolderError
from tswizard.core.split.coordinator import Coordinator
from tswizard.core.split.copy.copy_job import CopyJob
from tswizard.core.split.copy.reporter import CopyReporter
from tswizard.core.split.copy.staging import StagingFolder
from tswizard.core.split.join import join
from tswizard.core.split.ledger.queue import CopyMode
from tswizard.core.split.plan.piece import PieceKind, Stage
from tswizard.core.split.takeover import write_off_files
from tswizard.exit_codes import Exit

pytestmark = pytest.mark.native


@pytest.mark.usefixtures("no_lock_timeout")
async def test_two_leaders_and_another_run(native_ends: Ends, folder: Path) -> None:
    async with leading(job(native_ends, folder)):
        with pytest.raises(StepFailed) as failed:
            await Coordinator.start(job(native_ends, folder), Heard().reporter())
        assert failed.value.finding.id == "target-busy"
        with pytest.raises(StepFailed) as failed:
            await Coordinator.start(job(native_ends, folder, "run-2"), Heard().reporter())
        assert failed.value.finding.id == "target-taken"
        assert "run-1" in failed.value.finding.what


async def test_workers_of_another_process(native_ends: Ends, folder: Path) -> None:
    work, helper = job(native_ends, folder, jobs=1, width="1 hour"), Heard()
    reporter = helper.reporter()
    async with leading(work) as coordinator:
        helping = asyncio.create_task(_join(work, reporter, folder / "other"))
        await copy_everything(coordinator)
        assert await helping == 0
        pieces = sum(piece.kind is not PieceKind.COMPRESS for piece in coordinator.plan.pieces)
        assert reporter.copied.pieces + coordinator.reporter.copied.pieces == pieces
    assert helper.events
    assert await content(native_ends.target) == await content(native_ends.source)


async def test_a_worker_process_that_loses_its_server(native_ends: Ends, folder: Path) -> None:
    """It may have copied something: nobody is told that nothing was changed."""
    target = native_ends.target
    with passfile(target) as path:
        async with leading(job(native_ends, folder)), connected(target) as watching:
            ours = [pid for (pid,) in await rows(watching, _SESSIONS)]
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tswizard", "join", target.conninfo),
                env=os.environ | {"PGPASSFILE": str(path)},
                stderr=PIPE,
            )
            assert process.stderr is not None
            assert (await process.stderr.readline()).startswith(b"joined ")
            rest = asyncio.create_task(process.stderr.read())
            async with asyncio.timeout(600):
                while not rest.done():
                    await rows(watching, _END_OTHERS, (ours,))
                    await asyncio.wait((rest,), timeout=0.05)
            code = await process.wait()
    said = (await rest).decode()
    assert code == Exit.STOPPED, said
    assert "Traceback" not in said
    assert said.endswith(" What was copied is kept, and tswizard join can be called again.\n")


_SESSIONS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
_END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'tswizard' AND NOT pid = ANY (%s)
"""


async def test_workers_without_a_leader(native_ends: Ends, folder: Path) -> None:
    work, helper = job(native_ends, folder), Heard()
    async with leading(work) as coordinator:
        pieces = len(coordinator.plan.pieces)
    assert await _join(work, helper.reporter(), folder / "other") == pieces
    assert any("no process leads this run" in line for line in helper.lines)


async def _join(work: CopyJob, reporter: CopyReporter, folder: Path) -> int:
    return await join(work.source, work.target, work.psql, reporter, jobs=1, staging=folder)


async def test_the_machine_with_the_files_is_lost(native_ends: Ends, folder: Path) -> None:
    ends = native_ends
    work = job(ends, folder, via="files")
    async with leading(work) as coordinator:
        await coordinator.run_pass(Stage.TABLES, CopyMode.EXPORT)
    lost = StagingFolder(folder / "staging").location
    here = replace(work, staging=folder / "another machine's")
    with pytest.raises(StepFailed) as failed:
        await migrate(here)
    assert failed.value.finding.id == "files-elsewhere"
    assert f"resume --lost {lost}," in failed.value.finding.todo
    with pytest.raises(RunFolderError, match=f"no files in nowhere:/, but in .*{lost}"):
        await write_off_files(ends.target, "nowhere:/")
    assert await write_off_files(ends.target, lost) > 10
    await resumed_equals_source(ends, here)
