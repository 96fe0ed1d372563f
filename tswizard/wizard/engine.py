"""What the wizard asks of the engine.

A protocol, so that tests can replay a recorded engine, and nothing of the real one is imported
before it is asked for: the first screen must not wait for it.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from tswizard.core.catalog.cagg_model import Cagg
    from tswizard.core.catalog.inventory import Inventory, Job, Server
    from tswizard.core.db.endpoint import Endpoint
    from tswizard.core.model.answers import Answers, MethodName
    from tswizard.core.model.events import Event
    from tswizard.core.model.finding import Finding
    from tswizard.core.model.outcome import Outcome
    from tswizard.core.model.plan import Plan
    from tswizard.core.model.probed import Probe, Sample
    from tswizard.core.model.recommendation import Advice
    from tswizard.core.probe.events import ProbeEvent
    from tswizard.core.report.checklist import Checklist
    from tswizard.core.run.method import Method
    from tswizard.core.run.run_folder import RunFolder
    from tswizard.demo.progress import Prepared
    from tswizard.wizard.state import ConnectedPair, Decided, Inspected

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

    @property
    def over(self) -> bool:
        """Is it a check again of a run that has finished?"""
        ...

    @property
    def command(self) -> str:
        """What carries it on when it was stopped, without the program's name."""
        ...

    def events(self) -> AsyncIterator["Event"]: ...

    def stop(self, *, now: bool) -> None: ...

    def pause(self, paused: bool) -> None: ...


class Engine(Protocol):
    """Everything that the wizard calls. Errors are CannotConnect and RunFolderError."""

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

    def samples(self, inventory: "Inventory") -> Sequence["Sample"]:
        """Everything that a probe can time, the largest first."""
        ...

    def choose_samples(self, inventory: "Inventory", table: str = "") -> Sequence["Sample"]:
        """What a probe times by itself, or of that table; nothing where there are no rows."""
        ...

    def saved_probe(self, pair: "ConnectedPair") -> "Probe | None":
        """The last probe of these two databases, on this machine. Reads a file."""
        ...

    def probe(
        self,
        inspected: "Inspected",
        answers: "Answers",
        samples: Sequence["Sample"],
        earlier: "Probe | None" = None,
    ) -> AsyncGenerator["ProbeEvent", None]:
        """Time these samples, and the way in if `probe_upload` is answered; it is kept.

        Closing it ends everything. With `earlier`, what is not timed again stays.
        """
        ...

    async def advise(
        self, inspected: "Inspected", answers: "Answers", probe: "Probe | None"
    ) -> "Advice":
        """Both estimates and what to recommend, with these answers. Asks no server."""
        ...

    def object_sql(self, inventory: "Inventory", what: "Cagg | Job") -> str:
        """How a continuous aggregate or a job of the source is created."""
        ...

    def plan(self, decided: "Decided") -> "Plan": ...

    async def write_runbook(self, decided: "Decided", folder: "Path") -> "tuple[Path, Path]":
        """The plan for a person, in both forms, into this folder; their paths. Raises OSError."""
        ...

    def start(self, decided: "Decided", *, demo: bool) -> Running: ...

    async def needs_confirmation(
        self, run_folder: "RunFolder", target: "Endpoint"
    ) -> str | None: ...

    async def reopen(
        self, run_folder: "RunFolder", source: "Endpoint", target: "Endpoint", confirm: str | None
    ) -> Running: ...

    async def check_again(
        self, run_folder: "RunFolder", source: "Endpoint", target: "Endpoint"
    ) -> Running:
        """A check of a run that has finished."""
        ...

    def checklist(self, outcome: "Outcome", report: str) -> "Checklist": ...
