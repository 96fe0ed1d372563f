"""A run of the whole engine, without a front end."""

from contextlib import aclosing

from tswizard.core.catalog.read import read_inventory
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.answers import Answers
from tswizard.core.model.events import StepStarted
from tswizard.core.prepare import prepare
from tswizard.core.resume import start
from tswizard.core.run.runner import Run


async def begun(source: Endpoint, target: Endpoint, answers: Answers) -> Run:
    """A run between two databases, whose first step is still to be carried out."""
    prepared = prepare(
        source=source,
        target=target,
        inventory=await read_inventory(source),
        target_inventory=await read_inventory(target),
        answers=answers,
    )
    return start(prepared, ())


async def carried_out(run: Run, *, until: str = "") -> Run:
    """The same run at its end, however it ended; or stopped as soon as a step begins."""
    async with aclosing(run.events()) as events:
        async for event in events:
            if isinstance(event, StepStarted) and event.step == until:
                break
    return run


async def fully_migrated(source: Endpoint, target: Endpoint) -> Run:
    """By the full method, at its end; the dump is kept."""
    return await carried_out(await begun(source, target, Answers(method="full", keep_dumps=True)))


def entries_listed(run: Run, name: str) -> list[str]:
    """Kinds and names of the entries that were listed for a call of pg_restore, without the numbers
    and the owner; none where there was no such list."""
    path = run.run_folder.path / f"{name}.list"
    text = path.read_text() if path.exists() else ""
    return [line.split(" ", 3)[3].rpartition(" ")[0] for line in text.splitlines()]
