"""A run of the whole engine, without a front end."""

from tswizard.core.catalog.read import read_inventory
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.answers import Answers
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


async def carried_out(run: Run) -> Run:
    """The same run at its end, however it ended."""
    async for _ in run.events():
        pass
    return run
