"""What Review says besides the plan: what was left out, what it costs, what forbids to start."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from tswizard.core.db.errors import CannotConnect
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.object_selection import chosen_caggs, left_out
from tswizard.core.model.plan import Plan
from tswizard.core.model.wording import size
from tswizard.core.run.method import Method
from tswizard.wizard.engine import Engine
from tswizard.wizard.history import History
from tswizard.wizard.state import Decided

RUNBOOK = Path("tswizard-runbook")
"""The folder for a runbook, where tswizard was started."""


async def written_runbook(engine: Engine, decided: Decided) -> tuple[bool, str]:
    """Write it; whether that succeeded, and the sentence that says so."""
    try:
        text, script = await engine.write_runbook(decided, RUNBOOK.absolute())
    except CannotConnect as error:
        return False, f"The runbook was not written. {error}"
    except OSError as error:
        return False, f"{RUNBOOK.absolute()} cannot be written: {error.strerror}."
    return True, f"Written: {text.name} and {script.name} in {text.parent}"


def choices(decided: Decided, methods: Iterable[Method]) -> Iterator[str]:
    """What will not be on the target as it is on the source, because the user said so."""
    answers, inventory = decided.answers, decided.inspected.inventory
    for what, names in left_out(inventory, answers).lines():
        yield f"Left out, as you chose: {what}: {', '.join(names)}"
    if not any("history" in m.asks for m in methods if m.name == answers.method):
        return
    chosen = chosen_caggs(inventory, answers)
    again = [c for c in chosen if answers.recomputes(c.label)]
    if again:
        labels = ", ".join(cagg.label for cagg in again)
        yield f"Recomputed from the raw rows, with what is built on them: {labels}"
    loss = History(inventory, answers).loss({cagg.label for cagg in again}, chosen)
    yield from (f"This loses: {line}" for line in loss)


def costs(decided: Decided, plan: Plan) -> Iterator[str]:
    """What is not migrated, whatever was chosen; what the run takes on this machine and on the
    target, and how long, where that was estimated."""
    yield (
        "Rows written to the source after copying begins are not migrated: stop the writers first."
    )
    folder = decided.answers.staging or "the run folder (RUN in the commands)"
    if plan.disk_here:
        yield f"Disk on this machine: up to {size(plan.disk_here)}, in {folder}"
    else:
        yield f"Disk on this machine: only a dump of the schema, in {folder}"
    advice = decided.advice
    took = advice.estimate(decided.answers.method).seconds.text if advice else ""
    time = f"; estimated time: {took}" if took else ""
    yield f"Disk on the target: about {size(plan.disk_there)}{time}"


def failed(decided: Decided) -> Finding | None:
    """The check that forbids to start."""
    return next((f for f in decided.findings if f.level is Level.FAIL), None)
