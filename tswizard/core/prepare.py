"""From two inventories and the answers to what preflight examines and a run rests on.

The wizard and the unattended run go through here, so that both choose the same tools and folder.
"""

from pathlib import Path

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.db.client_tools import choose, find_tools
from tswizard.core.db.endpoint import Endpoint, needs_tls
from tswizard.core.model.answers import Answers
from tswizard.core.model.plan import Task
from tswizard.core.model.prepared import Prepared
from tswizard.core.run.run_folder import dump_folder, runs_folder
from tswizard.core.runs_left_open import left_open_between


def prepare(
    *,
    source: Endpoint,
    target: Endpoint,
    inventory: Inventory,
    target_inventory: Inventory,
    answers: Answers,
) -> Prepared:
    """Choose client tools and the staging folder. Blocks while it runs the tools that it finds."""
    found = find_tools()
    return Prepared(
        source=source,
        target=target,
        inventory=inventory,
        target_inventory=target_inventory,
        answers=answers,
        found=found,
        tools=choose(found, inventory.server.major, need_tls=needs_tls(source, target)),
        left_open=left_open_between(source.label, target.label),
        staging=Path(answers.staging).expanduser() if answers.staging else runs_folder(),
    )


def shown_task(prepared: Prepared) -> Task:
    """The task as Review shows it: a run has no name before it starts, so RUN stands for it.

    Raises ValueError without tools.
    """
    return prepared.task(dump_folder(runs_folder() / "RUN", prepared.answers))
