"""The screens' engine, replaying what was recorded."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.recordings import load_probe
from tests.support.wizard_world import (
    EMPTY,
    INVENTORY,
    SOURCE,
    SOURCE_SERVER,
    TARGET_SERVER,
    plan,
    preflight,
    prepared_for,
)
from tswizard.core.advise import advise
from tswizard.core.catalog.cagg_model import Cagg
from tswizard.core.catalog.inventory import Inventory, Job, Server
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import CannotConnect
from tswizard.core.methods import METHODS, method_of
from tswizard.core.model.answers import Answers, MethodName
from tswizard.core.model.events import Event
from tswizard.core.model.finding import Finding
from tswizard.core.model.outcome import Outcome
from tswizard.core.model.plan import Plan
from tswizard.core.model.probed import Probe, Sample
from tswizard.core.model.recommendation import Advice
from tswizard.core.probe.events import ProbeEvent
from tswizard.core.probe.sample import choose_samples, samples
from tswizard.core.report.checklist import Checklist, checklist
from tswizard.core.run.method import Method
from tswizard.core.run.run_folder import RunFolder
from tswizard.wizard.core_engine import CoreEngine
from tswizard.wizard.state import ConnectedPair, Decided, Inspected


@dataclass
class RecordedRun:
    """Yields recorded events; remembers what the screens asked of it."""

    run_folder: RunFolder
    recorded: Sequence[Event]
    end: Outcome | None = None
    hold_at: tuple[int, ...] = ()
    """Before these events it waits until it is stopped or let go, as a long step does."""
    outcome: Outcome | None = None
    checks_again: bool = False
    asked: list[str] = field(default_factory=list)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    held: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False

    @property
    def method(self) -> Method:
        return method_of(self.run_folder.record.answers)

    @property
    def over(self) -> bool:
        return self.checks_again

    @property
    def command(self) -> str:
        return f"{'check' if self.over else 'resume'} {self.run_folder.record.id}"

    @property
    def now(self) -> float:
        """The clock when it holds for the last time, or at its end."""
        return self.recorded[self.hold_at[-1] - 1 if self.hold_at else -1].at

    async def events(self) -> AsyncIterator[Event]:
        try:
            for number, event in enumerate(self.recorded):
                if number in self.hold_at:
                    self.held.set()
                    await self.go.wait()
                    self.go.clear()
                if "stop now" in self.asked:
                    return
                yield event
            self.outcome = self.end
        finally:
            self.closed = True

    def stop(self, *, now: bool) -> None:
        self.asked.append("stop now" if now else "stop after step")
        if now:
            self.go.set()

    def pause(self, paused: bool) -> None:
        self.asked.append("pause" if paused else "continue")


@dataclass
class RecordedEngine:
    """Answers from a recording; every answer can be replaced by a test."""

    run_folders: Sequence[RunFolder] = ()
    refuses: dict[str, CannotConnect] = field(default_factory=dict)
    """By host: what a connection to it says instead of answering."""
    situation: str = "as it is"
    """What preflight finds."""
    inventory: Inventory = INVENTORY
    run: RecordedRun | None = None
    confirmation: str | None = None
    asked_endpoints: list[Endpoint] = field(default_factory=list)
    started: list[Decided] = field(default_factory=list)
    runbooks: list[tuple[Decided, Path]] = field(default_factory=list)
    """What runbooks were written for, and where to."""
    no_runbook: CannotConnect | OSError | None = None
    reopened: list[tuple[Endpoint, Endpoint, str | None]] = field(default_factory=list)
    again: RecordedRun | None = None
    """The run that checks again."""
    checked_again: list[tuple[Endpoint, Endpoint]] = field(default_factory=list)
    kept: Probe | None = None
    """What an earlier probe of this pair found."""
    probe_events: Sequence[ProbeEvent] = field(default_factory=lambda: load_probe().events)
    hold_probe_at: int | None = None
    """From this event on the probe tells nothing anymore."""
    probed: list[Answers] = field(default_factory=list)
    slow: asyncio.Event | None = None
    """When given, servers answer only once it is set."""

    def runs(self) -> Sequence[RunFolder]:
        return self.run_folders

    def methods(self) -> Sequence[Method]:
        return METHODS

    async def read_server(self, endpoint: Endpoint) -> Server:
        self.asked_endpoints.append(endpoint)
        if self.slow is not None:
            await self.slow.wait()
        if endpoint.host in self.refuses:
            raise self.refuses[endpoint.host]
        return SOURCE_SERVER if endpoint.host == SOURCE.host else TARGET_SERVER

    async def read_inventory(
        self, endpoint: Endpoint, on_progress: Callable[[str], None]
    ) -> Inventory:
        on_progress("hypertables and chunks")
        if self.slow is not None:
            await self.slow.wait()
        return self.inventory if endpoint.host == SOURCE.host else EMPTY

    async def examine(
        self,
        pair: ConnectedPair,
        inventory: Inventory,
        target_inventory: Inventory,
        answers: Answers,
        methods: Collection[MethodName] | None = None,
    ) -> AsyncIterator[Finding]:
        wanted = methods or (answers.method,)
        for finding in preflight("recreated" if answers.recreate_extension else self.situation):
            if any(finding.concerns(method) for method in wanted):
                yield finding

    def samples(self, inventory: Inventory) -> Sequence[Sample]:
        return samples(inventory)

    def choose_samples(self, inventory: Inventory, table: str = "") -> Sequence[Sample]:
        return choose_samples(inventory, table)

    def saved_probe(self, pair: ConnectedPair) -> Probe | None:
        return self.kept

    async def probe(
        self,
        inspected: Inspected,
        answers: Answers,
        samples: Sequence[Sample],
        earlier: Probe | None = None,
    ) -> AsyncGenerator[ProbeEvent, None]:
        self.probed.append(answers)
        for number, event in enumerate(self.probe_events):
            if self.hold_probe_at is not None and number >= self.hold_probe_at:
                await asyncio.Event().wait()
            yield event

    async def advise(self, inspected: Inspected, answers: Answers, probe: Probe | None) -> Advice:
        prepared = prepared_for(answers, inspected.inventory, inspected.target_inventory)
        return advise(prepared, inspected.findings, probe, cores=4)

    def object_sql(self, inventory: Inventory, what: Cagg | Job) -> str:
        return CoreEngine().object_sql(inventory, what)

    def plan(self, decided: Decided) -> Plan:
        return plan(decided.answers, decided.inspected.inventory)

    async def write_runbook(self, decided: Decided, folder: Path) -> tuple[Path, Path]:
        if self.no_runbook is not None:
            raise self.no_runbook
        self.runbooks.append((decided, folder))
        return folder / "runbook.md", folder / "migrate.sh"

    def start(self, decided: Decided, *, demo: bool) -> RecordedRun:
        self.started.append(decided)
        assert self.run is not None
        return self.run

    async def needs_confirmation(self, run_folder: RunFolder, target: Endpoint) -> str | None:
        return self.confirmation

    async def reopen(
        self, run_folder: RunFolder, source: Endpoint, target: Endpoint, confirm: str | None
    ) -> RecordedRun:
        self.reopened.append((source, target, confirm))
        assert self.run is not None
        return self.run

    async def check_again(
        self, run_folder: RunFolder, source: Endpoint, target: Endpoint
    ) -> RecordedRun:
        self.checked_again.append((source, target))
        assert self.again is not None
        return self.again

    def checklist(self, outcome: Outcome, report: str) -> Checklist:
        return checklist(outcome, report)
