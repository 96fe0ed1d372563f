"""The progress of each table that is reported while it is copied."""

from pathlib import Path

import pytest

from tests.support.split_ends import Ends, Heard, copy_everything, job, run
from tswizard.core.model.events import TableProgress, TableState
from tswizard.core.run.context import StepFailed
from tswizard.core.split.coordinator import Coordinator

pytestmark = pytest.mark.native

_FAIL_ONCE = (
    "CREATE SEQUENCE attempts",
    "CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "IF nextval('public.attempts') = 1 THEN RAISE 'try again' USING ERRCODE = '40001'; END IF; "
    "RETURN NULL; END $$",
    "CREATE TRIGGER trouble BEFORE INSERT ON plain EXECUTE FUNCTION trouble()",
)


async def reported(ends: Ends, folder: Path, *commands: str) -> dict[str, list[TableProgress]]:
    """By table, what was reported of a copy into a target that was prepared by these commands."""
    heard = Heard()
    coordinator = await Coordinator.start(job(ends, folder), heard.reporter())
    try:
        await run(ends.target, *commands)
        await copy_everything(coordinator)
    except StepFailed as failed:
        assert "public.plain" in failed.finding.what
    finally:
        await coordinator.close()
    found: dict[str, list[TableProgress]] = {}
    for event in heard.events:
        if isinstance(event, TableProgress):
            found.setdefault(event.table, []).append(event)
    return found


async def test_an_interrupted_piece_is_reported_until_it_is_copied(
    native_ends: Ends, folder: Path
) -> None:
    tables = await reported(native_ends, folder, *_FAIL_ONCE)
    plain = tables["public.plain"]
    states = [event.state for event in plain]
    assert states[0] is TableState.WAITING
    assert TableState.RETRYING in states
    assert states[-1] is TableState.DONE
    assert plain[-1].retried == 1
    assert plain[-1].failed == 0
    assert plain[-1].rows and plain[-1].bytes
    others = (events[-1] for name, events in tables.items() if name != "public.plain")
    assert {event.retried for event in others} == {0}


async def test_refused_pieces_are_counted_and_the_others_are_copied(
    native_ends: Ends, folder: Path
) -> None:
    check = "ALTER TABLE plain ADD CONSTRAINT small CHECK (id < 4000)"
    tables = await reported(native_ends, folder, check)
    last = {name: events[-1] for name, events in tables.items()}
    assert last["public.plain"].state is TableState.FAILED
    assert last["public.plain"].failed == 1
    assert last["public.kinds"].state is TableState.DONE
