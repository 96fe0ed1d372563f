"""Who leads a run, and which runs another machine can resume."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.split_ends import Ends, run
from tswizard.core.catalog.read import read_inventory
from tswizard.core.db.client_tools import choose, find_tools
from tswizard.core.db.connection import connected
from tswizard.core.model.answers import Answers
from tswizard.core.model.events import StepState
from tswizard.core.model.finding import Level
from tswizard.core.model.plan import Task
from tswizard.core.run.context import StepFailed
from tswizard.core.run.record import StepRecord
from tswizard.core.run.run_folder import RunFolder, RunFolderError
from tswizard.core.split.ledger.run_record import RunRecordStore
from tswizard.core.split.takeover import sync_from_target, take_over
from tswizard.core.steps import target_marker

pytestmark = pytest.mark.native

PLANNED = StepRecord(name="plan-pieces", state=StepState.DONE)


class Machine:
    """A state directory of its own, as another machine has."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._monkeypatch = monkeypatch

    def here(self) -> None:
        """Work on this machine from now on."""
        self._monkeypatch.setenv("TSWIZARD_STATE_DIR", str(self._folder))

    async def begins(self, ends: Ends) -> tuple[RunFolder, RunRecordStore]:
        """A new run of this machine, whose plan is stored."""
        self.here()
        inventory = await read_inventory(ends.source)
        answers = Answers(method="split", staging=str(self._folder))
        run_folder = RunFolder.create(
            ends.source, ends.target, answers, (("plan-pieces", ""), ("check", "")), ()
        )
        run_folder.save_inventory(inventory)
        run_folder.save(run_folder.record.with_step(PLANNED))
        return run_folder, await record_store(ends, run_folder)


async def record_store(ends: Ends, run_folder: RunFolder) -> RunRecordStore:
    inventory = run_folder.inventory()
    assert inventory is not None
    tools = choose(find_tools(), inventory.server.major, need_tls=False)
    assert tools is not None
    answers = run_folder.record.answers
    server = inventory.server
    task = Task(
        source=ends.source,
        target=ends.target,
        inventory=inventory,
        target_server=server,
        answers=answers,
        tools=tools,
        dump=run_folder.dump_path,
    )
    return RunRecordStore(task, run_folder)


@pytest.fixture
def machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Machine, Machine]:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    return Machine(first, monkeypatch), Machine(second, monkeypatch)


@pytest.mark.usefixtures("no_lock_timeout")
async def test_one_leads_and_the_last_record_counts(
    native_ends: Ends, machines: tuple[Machine, Machine]
) -> None:
    first, second = machines
    ours, store = await first.begins(native_ends)
    await store.ensure_leader()
    second.here()
    with pytest.raises(RunFolderError, match=r"Another tswizard process is running .*, in .*first"):
        await take_over(native_ends.target, None)
    await store.close()

    theirs, source = await take_over(native_ends.target, None)
    assert (theirs.record.id, source.conninfo) == (ours.record.id, native_ends.source.conninfo)
    assert theirs.record.step("plan-pieces").state is StepState.DONE
    assert theirs.inventory() == ours.inventory()
    their_store = await record_store(native_ends, theirs)
    await their_store.ensure_leader()
    with pytest.raises(StepFailed) as busy:
        await store.ensure_leader()
    assert busy.value.finding.id == "target-busy"
    assert store.refused
    theirs.save(replace(theirs.record, paused_source_jobs=(1000,)))
    await their_store.save()
    await their_store.close()

    with pytest.raises(StepFailed) as late:
        await store.ensure_leader()
    assert late.value.finding.id == "taken-over"
    await sync_from_target(ours, native_ends.target)
    assert ours.record.paused_source_jobs == (1000,)
    again = await record_store(native_ends, ours)
    await again.ensure_leader()
    await again.close()
    assert not again.refused

    await run(native_ends.target, "DROP SCHEMA _tswizard CASCADE")
    with pytest.raises(RunFolderError, match="no longer holds anything of"):
        await sync_from_target(ours, native_ends.target)


async def test_a_lost_connection_leads_again(
    native_ends: Ends, machines: tuple[Machine, Machine]
) -> None:
    run_folder, store = await machines[0].begins(native_ends)
    await store.ensure_leader()
    await run(
        native_ends.target,
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    run_folder.save(replace(run_folder.record, paused_source_jobs=(1001,)))
    await store.ensure_leader()
    await store.save()
    await store.close()
    machines[1].here()
    theirs, _ = await take_over(native_ends.target, native_ends.source)
    assert theirs.record.paused_source_jobs == (1001,)


async def test_what_cannot_be_resumed(native_ends: Ends, machines: tuple[Machine, Machine]) -> None:
    first, second = machines
    run_folder, store = await first.begins(native_ends)
    target = native_ends.target
    assert await refused(native_ends) == "no-run"

    async with connected(target) as connection:
        await target_marker.write(connection, "run-full", "restoring")
    assert await refused(native_ends) == "run-elsewhere"
    await run(target, "DROP SCHEMA _tswizard CASCADE")

    run_folder.save(replace(run_folder.record, result=Level.PASS))
    await store.ensure_leader()
    await store.close()
    second.here()
    with pytest.raises(RunFolderError, match=r"has finished \(pass\)"):
        await take_over(target, None)

    await run(target, "UPDATE _tswizard.record SET format = 99")
    assert await refused(native_ends) == "ledger-version"
    await run(target, "DROP SCHEMA _tswizard CASCADE", "CREATE SCHEMA _tswizard")
    await run(target, "CREATE TABLE _tswizard.record (mine int)")
    assert await refused(native_ends) == "schema-taken"


async def test_a_run_that_has_put_nothing_there_makes_way(
    native_ends: Ends, machines: tuple[Machine, Machine]
) -> None:
    run_folder, store = await machines[0].begins(native_ends)
    _, others = await machines[1].begins(native_ends)
    run_folder.save(replace(run_folder.record, id="run-earlier", paused_source_jobs=(1000,)))
    await store.ensure_leader()
    await store.close()
    with pytest.raises(StepFailed) as taken:  # nobody else would resume its jobs
        await others.ensure_leader()
    assert taken.value.finding.id == "target-taken"
    run_folder.save(replace(run_folder.record, paused_source_jobs=()))
    await store.ensure_leader()
    await store.save()
    await store.close()
    await others.ensure_leader()
    await others.close()
    assert not others.refused


async def refused(ends: Ends) -> str:
    """Why the run on the target cannot be resumed."""
    with pytest.raises(StepFailed) as failure:
        await take_over(ends.target, None)
    return failure.value.finding.id
