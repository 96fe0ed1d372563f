"""The list of what depends on continuous aggregates, restored once those have their rows."""

from pathlib import Path

from tswizard.core.dump.toc import write_use_list
from tswizard.core.model.plan import Task
from tswizard.core.split.schema.restore import use_list_path
from tswizard.core.split.schema.toc_selection import Selection

DEPENDENTS_LIST = "cagg-dependents"
"""Name of the list of all of them."""


def write_dependents_list(task: Task, chosen: Selection) -> Path:
    """All dependents as a list for `pg_restore --use-list`, each with what it needs."""
    path = use_list_path(task, DEPENDENTS_LIST)
    reasons = {
        id: f"depends on {', '.join(sorted(caggs))}" for id, caggs in chosen.required_caggs.items()
    }
    write_use_list(path, chosen.cagg_dependents, reasons)
    return path
