"""What the screens ask of the engine and of the application: they import neither.

So tests can replay a recorded engine, and nothing of the real one is imported before it is asked
for: the first screen must not wait for it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from typing import TYPE_CHECKING, Protocol

from textual.clock import Clock

if TYPE_CHECKING:
    from tswizard.core.catalog.cagg_model import Cagg
    from tswizard.core.catalog.inventory import Inventory, Job, Server
    from tswizard.core.db.endpoint import Endpoint
    from tswizard.core.model.answers import Answers, MethodName
    from tswizard.core.model.events import Event
    from tswizard.core.model.finding import Finding
    from tswizard.core.model.outcome import Outcome
    from tswizard.core.model.plan import Plan
    from tswizard.core.report.checklist import Checklist
    from tswizard.core.run.method import Method
    from tswizard.core.run.run_folder import RunFolder
    from tswizard.demo.progress import Prepared
    from tswizard.tui.wizard_state import ConnectedDatabase, ConnectedPair, Decided, Inspected

    EndpointPair = tuple[Endpoint, Endpoint]
    """Source and target."""
    Prepare = Callable[[Callable[[Prepared], None]], Awaitable[EndpointPair]]
    """Starts the demo's servers; tells how far it is. Raises DemoError."""


class Running(Protocol):
    """A run under way: `tswizard.core.run.runner.Run`, or a recorded one."""

    @property
    def run_folder(self) -> "RunFolder": ...

    @property
    def method(self) -> "Method": ...

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

    def methods(self) -> Sequence["Method"]:
        """Every way to migrate."""
        ...

    async def read_server(self, endpoint: "Endpoint") -> "Server": ...

    async def read_inventory(
        self, endpoint: "Endpoint", on_progress: Callable[[str], None]
    ) -> "Inventory": ...

    def examine(
        self,
        pair: "ConnectedPair",
        inventory: "Inventory",
        target_inventory: "Inventory",
        answers: "Answers",
        methods: "Collection[MethodName] | None" = None,
    ) -> AsyncIterator["Finding"]:
        """Preflight's findings; `methods` as `core.preflight.examine` has them."""
        ...

    def object_sql(self, inventory: "Inventory", what: "Cagg | Job") -> str:
        """How a continuous aggregate or a job of the source is created."""
        ...

    def plan(self, decided: "Decided") -> "Plan": ...

    def start(self, decided: "Decided", *, demo: bool) -> Running: ...

    async def needs_confirmation(
        self, run_folder: "RunFolder", target: "Endpoint"
    ) -> str | None: ...

    async def reopen(
        self, run_folder: "RunFolder", source: "Endpoint", target: "Endpoint", confirm: str | None
    ) -> Running: ...

    def checklist(self, outcome: "Outcome", report: str) -> "Checklist": ...


class App(Protocol):
    """The application as screens and dialogs see it: `tswizard.tui.app.WizardApp`."""

    given_source: "Endpoint | None"
    given_target: "Endpoint | None"
    """Endpoints that were given and need not be typed."""

    @property
    def engine(self) -> Engine: ...

    @property
    def demo(self) -> bool: ...

    @property
    def now(self) -> Callable[[], float]:
        """The clock: seconds since the epoch."""
        ...

    @property
    def bar_clock(self) -> Clock | None:
        """The clock of progress bars; None is Textual's own."""
        ...

    @property
    def exit_code(self) -> int:
        """What the run came to; stopped when it came to nothing."""
        ...

    @property
    def resume_hint(self) -> str:
        """How a run that was stopped is resumed when this program has ended."""
        ...

    async def action_ask_quit(self) -> None: ...

    def copy(self, text: str, what: str) -> None:
        """To the clipboard; `what` is named in the notification."""
        ...

    def show_source(self) -> None: ...

    def show_target(self, source: "ConnectedDatabase") -> None: ...

    def show_inspect(self, pair: "ConnectedPair") -> None: ...

    def show_method(self, inspected: "Inspected") -> None: ...

    def show_objects(self, decided: "Decided") -> None:
        """Objects, or Review where the source has none to choose from."""
        ...

    def show_review(self, decided: "Decided") -> None: ...

    def show_resume(
        self, run_folder: "RunFolder", endpoints: "EndpointPair | None" = None
    ) -> None: ...

    def show_run(self, run: Running, endpoints: "EndpointPair") -> None: ...

    def show_check(self, outcome: "Outcome", report: str) -> None: ...
