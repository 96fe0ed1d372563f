"""What a run rests on, and the steps it is made of."""

from dataclasses import dataclass
from pathlib import Path

from tswizard.core.catalog.inventory import Inventory, Server
from tswizard.core.db.client_tools import ClientTools
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.answers import Answers
from tswizard.core.model.parallel_jobs import parallel_jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """All that a run rests on."""

    source: Endpoint
    target: Endpoint
    inventory: Inventory
    """The source."""
    target_server: Server
    answers: Answers
    tools: ClientTools
    dump: Path
    """The dump's folder."""

    @property
    def concurrent(self) -> bool:
        """Can both servers work on several connections at once?"""
        return self.inventory.server.concurrent and self.target_server.concurrent

    @property
    def jobs(self) -> int:
        return parallel_jobs(self.answers, self.inventory.server, self.target_server)


@dataclass(frozen=True, slots=True)
class Step:
    """One unit of the plan, as Review and Run show it."""

    id: str
    title: str
    what: str
    """One sentence for somebody who has never seen it."""
    commands: tuple[str, ...] = ()
    """Shell commands and SQL, ready to copy, without secrets."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps in order and what they need, in bytes."""

    steps: tuple[Step, ...]
    disk_here: int
    """The most that the dump or the files of rows take; 0 for no more than a dump of the schema."""
    disk_there: int
    """What should be free on the target."""
