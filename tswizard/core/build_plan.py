"""Answers and inventory become the ordered steps of a run, with their exact commands."""

from tswizard.core.methods import method_of
from tswizard.core.model.disk_estimate import target_bytes
from tswizard.core.model.plan import Plan, Task
from tswizard.core.run.method import applicable


def build_plan(task: Task) -> Plan:
    """Everything that will run, in order."""
    method, inventory = method_of(task.answers), task.inventory
    return Plan(
        steps=tuple(step.shown(task) for step in applicable(method, task)),
        disk_here=method.disk_here(inventory, task.answers),
        disk_there=target_bytes(inventory),
    )
