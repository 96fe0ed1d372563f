"""What a method of migration is to everyone who is not one.

The runner, the screens, the checklist and the answers file know a method only by this protocol;
`core/methods.py` lists them. A method is stateless. What one run of it holds
open (locks, sessions) is its `MethodRun`.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from tswizard.core.catalog.inventory import Inventory, Server
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.estimate.workload import Workload
from tswizard.core.model.answers import Answers, MethodName
from tswizard.core.model.estimate import MethodEstimate
from tswizard.core.model.left_open import LeftOpen
from tswizard.core.model.plan import Step, Task
from tswizard.core.model.runbook import Runbook
from tswizard.core.run.context import Context, MethodRun
from tswizard.core.run.record import RunRecord
from tswizard.core.run.run_folder import RunFolder

Action = Callable[[Context], Awaitable[None]]


def _always(_task: Task) -> bool:
    return True


def _none(_task: Task) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodStep:
    """One row of a method's table of steps."""

    id: str
    """Stays the same: run folders and reports hold it."""
    title: str
    what: str
    """One sentence for somebody who has never seen it."""
    action: Action
    commands: Callable[[Task], Iterable[str]] = _none
    """Shell commands and SQL as Review shows them."""
    when: Callable[[Task], bool] = _always
    """Whether a run with these answers has this step."""
    again: bool = False
    """Can be repeated when the run is over: it finds what is there already and does the rest. A
    check again repeats it where it had left something open."""

    def shown(self, task: Task) -> Step:
        """As Review and Run show it."""
        return Step(self.id, self.title, self.what, tuple(self.commands(task)))


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodFacts:
    """What a method does to one database, for somebody who has to choose."""

    does: str
    best: str
    cannot: str
    needs: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodInShort:
    """What tells one method from the others, in a word or two of a table."""

    interrupted: str
    """What becomes of a run that breaks off."""
    versions: str
    """Which versions of TimescaleDB it needs."""


class Method(Protocol):
    """One way to migrate."""

    @property
    def name(self) -> MethodName:
        """The value of the answer `method`."""
        ...

    @property
    def steps(self) -> tuple[MethodStep, ...]:
        """All its steps in order, whether or not a run has them."""
        ...

    @property
    def asks(self) -> frozenset[str]:
        """Keys of the questions that have a meaning for this method alone."""
        ...

    @property
    def unit(self) -> str:
        """What "stop after this one" waits for: a step, a piece."""
        ...

    @property
    def in_short(self) -> MethodInShort:
        """Beside the others, in a table."""
        ...

    @property
    def comparison(self) -> str:
        """What it does, when it is better and what it cannot do, as a few paragraphs of help."""
        ...

    def facts(self, inventory: Inventory, source: Server, target: Server) -> MethodFacts:
        """The same for one database, a line each."""
        ...

    def disk_here(self, inventory: Inventory, answers: Answers) -> int:
        """Bytes that it may take on this machine; 0 for no more than a dump of the schema."""
        ...

    def estimate(self, task: Task, load: Workload) -> MethodEstimate:
        """What a run would move and how long it would take, step by step."""
        ...

    async def runbook(self, task: Task) -> Runbook:
        """The same migration as a person carries it out by hand. Both databases are read.

        Raises CannotConnect, psycopg.Error.
        """
        ...

    def open(self, task: Task, run_folder: RunFolder, *, over: bool = False) -> MethodRun:
        """One run of it, begun or resumed by this process; `over` when it has finished and is only
        checked again."""
        ...

    async def adopt(self, run_folder: RunFolder, target: Endpoint) -> None:
        """Bring the record in this folder up to what the target says, before a resume.

        Raises RunFolderError when another process runs it now, or when it is gone from the
        target, CannotConnect.
        """
        ...

    async def change_answers(
        self, run_folder: RunFolder, target: Endpoint, answers: Answers
    ) -> tuple[str, ...]:
        """Have a stopped run continue with other `jobs` or `staging`, in its folder and in the copy
        of its record on the target; what became of files, in sentences.

        Raises RunFolderError when it cannot continue with them, CannotConnect.
        """
        ...

    async def confirmation(self, run_folder: RunFolder, target: Endpoint) -> str | None:
        """What a resume would remove from the target, as a sentence to confirm; None for nothing.

        Raises CannotConnect.
        """
        ...

    def holds_elsewhere(self, run_folder: RunFolder) -> frozenset[str] | None:
        """Ids of finished steps that hold for another target as well; None where a run cannot be
        resumed into another one."""
        ...

    def left_open(self, record: RunRecord) -> tuple[LeftOpen, ...]:
        """What a run that nobody carries out now may have left as it must not stay."""
        ...

    async def to_repeat(self, run_folder: RunFolder, source: Endpoint) -> frozenset[str]:
        """Ids of finished steps that a resume has to repeat. Raises CannotConnect."""
        ...


def applicable(method: Method, task: Task) -> tuple[MethodStep, ...]:
    """The steps that a run of this task has, in order."""
    return tuple(step for step in method.steps if step.when(task))
