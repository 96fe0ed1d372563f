"""What is known before a run begins: both databases as they were read, and what was decided."""

from dataclasses import dataclass
from pathlib import Path

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.catalog.roles import lacking
from tswizard.core.db.client_tools import ClientTools
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.answers import Answers
from tswizard.core.model.left_open import LeftOpen
from tswizard.core.model.plan import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """All that preflight looks at and that a run rests on, but the run's own folder."""

    source: Endpoint
    target: Endpoint
    inventory: Inventory
    """The source."""
    target_inventory: Inventory
    answers: Answers
    found: tuple[ClientTools, ...]
    """Every pg_dump on this machine."""
    tools: ClientTools | None
    """The one that was chosen among them; None when none of them serves."""
    left_open: tuple[LeftOpen, ...] = ()
    """What earlier runs of this machine have not put back on these ends."""
    staging: Path
    """The folder in which the run puts its dump, in a folder of its own; it need not exist."""

    @property
    def missing_roles(self) -> tuple[str, ...]:
        """Roles that own or are granted something on the source, and that the target lacks."""
        return lacking(self.inventory.roles_granted, self.target_inventory.roles)

    def task(self, dump: Path) -> Task:
        """The run's task, with its dump in this folder. Preflight refuses to start without tools:
        raises ValueError where there are none."""
        if self.tools is None:
            raise ValueError("no pg_dump on this machine serves both databases")
        return Task(
            source=self.source,
            target=self.target,
            inventory=self.inventory,
            target_server=self.target_inventory.server,
            answers=self.answers,
            tools=self.tools,
            dump=dump,
        )
