"""The steps of whichever method was chosen."""

from tswizard.core.full.steps import steps as full_steps
from tswizard.core.model.plan import Task
from tswizard.core.run.runnable import Runnable
from tswizard.core.split.steps import steps as split_steps


def steps(task: Task) -> tuple[Runnable, ...]:
    """All steps of a run in order; what the answers leave out is not there."""
    return full_steps(task) if task.answers.method == "full" else split_steps(task)
