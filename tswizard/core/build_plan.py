"""Answers and inventory become the ordered steps of a run, with their exact commands."""

from dataclasses import dataclass

from tswizard.core.methods import steps
from tswizard.core.model.plan import Step, Task


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps in order and what they need, in bytes."""

    steps: tuple[Step, ...]
    disk_here: int
    """Upper bound of the dump's size."""
    disk_there: int
    """What the source takes today; the target will need about as much."""


def build_plan(task: Task) -> Plan:
    """Everything that will run, in order."""
    inventory = task.inventory
    shown = tuple(runnable.step for runnable in steps(task))
    return Plan(shown, _disk_here(task), inventory.stored_bytes)


def _disk_here(task: Task) -> int:
    """A split migration that streams keeps no rows here, only a dump of the schema."""
    if task.answers.method == "split" and task.answers.via == "stream":
        return 0
    return task.inventory.dump_bytes
