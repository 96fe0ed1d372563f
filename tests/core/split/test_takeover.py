"""Who leads a run, and which runs another machine can take up."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.core.split.world import Ends, run
from tswizard.core.catalog.read import read_inventory
from tswizard.core.db.client_tools import choose, find_tools
from tswizard.core.db.connection import connected
from tswizard.core.model.answers import Answers
from tswizard.core.model.events import StepState
from tswizard.core.model.finding import Level
from tswizard.core.model.plan import Task
from tswizard.core.run.context import StepFailed
from tswizard.core.run.run_folder import RunFolder, RunFolderError, StepRecord
from tswizard.core.split.ledger.run_record import RunRecordStore
from tswizard.core.split.takeover import adopt, take_over
from tswizard.core.steps import target_marker

pytestmark = pytest.mark.native

PLANNED = StepRecord("plan-pieces", StepState.DONE)


class Machine:
    """A state directory of its own, as another machine has."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._monkeypatch = monkeypatch

    def here(self) -> None:
        """Work on this machine from now on."""
        self._monkeypatch.setenv("TSWIZARD_STATE_DIR", str(self._folder))

    async def begins(self, ends: Ends) -> tuple[RunFolder, RunRecordStore]:
        """A new run of this machine, with its plan made."""
        self.here()
        inventory = await read_inventory(ends.source)
        answers = Answers(method="split", staging=str(self._folder))
        run_folder = RunFolder.create(
            ends.source, ends.target, answers, (("plan-pieces", ""), ("check", "")), ()
        )
        run_folder.save_inventory(inventory)
        run_folder.save(run_folder.record.with_step(PLANNED))
        return run_folder, await keeper(ends, run_folder)


async def keeper(ends: Ends, run_folder: RunFolder) -> RunRecordStore:
    inventory = run_folder.inventory()
    assert inventory is not None
    tools = choose(find_tools(), inventory.server.major, need_tls=False)
    assert tools is not None
    answers = run_folder.record.answers
    server = inventory.server
    task = Task(ends.source, ends.target, inventory, server, answers, tools, run_folder.dump_path)
    return RunRecordStore(task, run_folder)


@pytest.fixture
def machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Machine, Machine]:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    return Machine(first, monkeypatch), Machine(second, monkeypatch)


@pytest.mark.usefixtures("no_lock_timeout")
async def test_one_leads_and_the_last_one_knows(
    native_ends: Ends, machines: tuple[Machine, Machine]
) -> None:
    first, second = machines
    ours, leads = await first.begins(native_ends)
    await leads.lead()
    second.here()
    with pytest.raises(RunFolderError, match=r"is being led by another tswizard, at .*first"):
        await take_over(native_ends.target, None)
    await leads.close()

    theirs, source = await take_over(native_ends.target, None)
    assert (theirs.record.id, source.conninfo) == (ours.record.id, native_ends.source.conninfo)
    assert theirs.record.step("plan-pieces").state is StepState.DONE
    assert theirs.inventory() == ours.inventory()
    takes = await keeper(native_ends, theirs)
    await takes.lead()
    with pytest.raises(StepFailed) as busy:
        await leads.lead()
    assert busy.value.finding.id == "target-busy"
    assert leads.refused
    theirs.save(replace(theirs.record, paused_source_jobs=(1000,)))
    await takes.save()
    await takes.close()

    with pytest.raises(StepFailed) as late:
        await leads.lead()
    assert late.value.finding.id == "taken-over"
    await adopt(ours, native_ends.target)
    assert ours.record.paused_source_jobs == (1000,)
    again = await keeper(native_ends, ours)
    await again.lead()
    await again.close()
    assert not again.refused

    await run(native_ends.target, "DROP SCHEMA _tswizard CASCADE")
    with pytest.raises(RunFolderError, match="holds nothing of"):
        await adopt(ours, native_ends.target)


async def test_a_connection_that_broke_leads_again(
    native_ends: Ends, machines: tuple[Machine, Machine]
) -> None:
    run_folder, leads = await machines[0].begins(native_ends)
    await leads.lead()
    await run(
        native_ends.target,
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    run_folder.save(replace(run_folder.record, paused_source_jobs=(1001,)))
    await leads.lead()
    await leads.save()
    await leads.close()
    machines[1].here()
    theirs, _ = await take_over(native_ends.target, native_ends.source)
    assert theirs.record.paused_source_jobs == (1001,)


async def test_what_cannot_be_taken_up(
    native_ends: Ends, machines: tuple[Machine, Machine]
) -> None:
    first, second = machines
    run_folder, leads = await first.begins(native_ends)
    target = native_ends.target
    assert await refused(native_ends) == "no-run"

    async with connected(target) as connection:
        await target_marker.write(connection, "run-full", "restoring")
    assert await refused(native_ends) == "run-elsewhere"
    await run(target, "DROP SCHEMA _tswizard CASCADE")

    run_folder.save(replace(run_folder.record, result=Level.PASS))
    await leads.lead()
    await leads.close()
    second.here()
    with pytest.raises(RunFolderError, match=r"is over \(pass\)"):
        await take_over(target, None)

    await run(target, "UPDATE _tswizard.record SET format = 99")
    assert await refused(native_ends) == "ledger-version"
    await run(target, "DROP SCHEMA _tswizard CASCADE", "CREATE SCHEMA _tswizard")
    await run(target, "CREATE TABLE _tswizard.record (mine int)")
    assert await refused(native_ends) == "schema-taken"


async def test_a_run_that_put_nothing_there_gives_way(
    native_ends: Ends, machines: tuple[Machine, Machine]
) -> None:
    run_folder, leads = await machines[0].begins(native_ends)
    _, others = await machines[1].begins(native_ends)
    run_folder.save(replace(run_folder.record, id="run-earlier", paused_source_jobs=(1000,)))
    await leads.lead()
    await leads.close()
    with pytest.raises(StepFailed) as taken:  # nobody else would put its jobs back
        await others.lead()
    assert taken.value.finding.id == "target-taken"
    run_folder.save(replace(run_folder.record, paused_source_jobs=()))
    await leads.lead()
    await leads.save()
    await leads.close()
    await others.lead()
    await others.close()
    assert not others.refused


async def refused(ends: Ends) -> str:
    """Why the run on the target cannot be taken up."""
    with pytest.raises(StepFailed) as failure:
        await take_over(ends.target, None)
    return failure.value.finding.id
