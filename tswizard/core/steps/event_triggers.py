"""Event triggers come last of all: they fire at whatever changes the schema, and one whose function
does not work in our sessions would stop all that follows."""

from tswizard.core.model.plan import Task

EVENT_TRIGGERS = "restore-event-triggers"
"""Id of that step, which each method does by its own dump."""


def has_event_triggers(task: Task) -> bool:
    """Has the source any?"""
    return bool(task.inventory.extras.event_triggers)
