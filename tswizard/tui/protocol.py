"""What the screens ask of the engine, in one place, so that tests can replay a recorded one.

Nothing of the engine is imported before it is asked for: the first screen must not wait for it.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tswizard.core.build_plan import Plan
    from tswizard.core.catalog.inventory import Inventory, Server
    from tswizard.core.db.endpoint import Endpoint
    from tswizard.core.model.answers import Answers
    from tswizard.core.model.events import Event
    from tswizard.core.model.finding import Finding
    from tswizard.core.model.outcome import Outcome
    from tswizard.core.report.checklist import Checklist
    from tswizard.core.run.run_folder import RunFolder
    from tswizard.tui.wizard_state import Decided, Ends


class Running(Protocol):
    """A run under way: `tswizard.core.run.runner.Run`, or a recorded one."""

    @property
    def run_folder(self) -> "RunFolder": ...

    @property
    def outcome(self) -> "Outcome | None": ...

    def events(self) -> AsyncIterator["Event"]: ...

    def stop(self, *, now: bool) -> None: ...

    def pause(self, paused: bool) -> None: ...


class Engine(Protocol):
    """Everything that the screens call. Errors are CannotConnect and RunFolderError."""

    def runs(self) -> Sequence["RunFolder"]:
        """This machine's runs, newest first. Reads files."""
        ...

    async def read_server(self, endpoint: "Endpoint") -> "Server": ...

    async def read_inventory(
        self, endpoint: "Endpoint", on_progress: Callable[[str], None]
    ) -> "Inventory": ...

    def examine(
        self,
        ends: "Ends",
        inventory: "Inventory",
        target_inventory: "Inventory",
        answers: "Answers",
    ) -> AsyncIterator["Finding"]: ...

    def plan(self, decided: "Decided") -> "Plan": ...

    def start(self, decided: "Decided", *, demo: bool) -> Running: ...

    async def needs_confirmation(
        self, run_folder: "RunFolder", target: "Endpoint"
    ) -> str | None: ...

    async def reopen(
        self, run_folder: "RunFolder", source: "Endpoint", target: "Endpoint", confirm: str | None
    ) -> Running: ...

    def checklist(self, outcome: "Outcome", report: str) -> "Checklist": ...
