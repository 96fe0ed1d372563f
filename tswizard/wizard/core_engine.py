"""The engine itself behind the wizard's protocol. Imports it when it is asked for."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tswizard.core.catalog.cagg_model import Cagg
    from tswizard.core.catalog.inventory import Inventory, Job, Server
    from tswizard.core.db.endpoint import Endpoint
    from tswizard.core.model.answers import Answers, MethodName
    from tswizard.core.model.finding import Finding
    from tswizard.core.model.outcome import Outcome
    from tswizard.core.model.plan import Plan
    from tswizard.core.model.prepared import Prepared
    from tswizard.core.model.probed import Probe, Sample
    from tswizard.core.model.recommendation import Advice
    from tswizard.core.probe.events import ProbeEvent
    from tswizard.core.report.checklist import Checklist
    from tswizard.core.run.method import Method
    from tswizard.core.run.run_folder import RunFolder
    from tswizard.core.run.runner import Run
    from tswizard.wizard.state import ConnectedPair, Decided, Inspected


class CoreEngine:
    """Calls the engine directly; see `Engine` for what each method means."""

    def __init__(self) -> None:
        self._prepared: tuple[Inspected, Prepared] | None = None

    def runs(self) -> "Sequence[RunFolder]":
        from tswizard.core.run.run_folder import all_runs

        return all_runs()

    def methods(self) -> "Sequence[Method]":
        from tswizard.core.methods import METHODS

        return METHODS

    async def read_server(self, endpoint: "Endpoint") -> "Server":
        from tswizard.core.catalog.read import read_server

        with explained():
            return await read_server(endpoint)

    async def read_inventory(
        self, endpoint: "Endpoint", on_progress: Callable[[str], None]
    ) -> "Inventory":
        from tswizard.core.catalog.read import read_inventory

        with explained():
            return await read_inventory(endpoint, on_progress)

    async def examine(
        self,
        pair: "ConnectedPair",
        inventory: "Inventory",
        target_inventory: "Inventory",
        answers: "Answers",
        methods: "Collection[MethodName] | None" = None,
    ) -> "AsyncIterator[Finding]":
        import asyncio

        from tswizard.core.preflight import examine

        prepared = await asyncio.to_thread(_prepare, pair, inventory, target_inventory, answers)
        with explained():
            async for finding in examine(prepared, methods):
                yield finding

    def samples(self, inventory: "Inventory") -> "Sequence[Sample]":
        from tswizard.core.probe.sample import samples

        return samples(inventory)

    def choose_samples(self, inventory: "Inventory", table: str = "") -> "Sequence[Sample]":
        from tswizard.core.probe.sample import choose_samples

        return choose_samples(inventory, table)

    def saved_probe(self, pair: "ConnectedPair") -> "Probe | None":
        from tswizard.core.probe.saved_probes import saved_probe

        return saved_probe(pair.source.endpoint, pair.target.endpoint)

    async def probe(
        self,
        inspected: "Inspected",
        answers: "Answers",
        samples: "Sequence[Sample]",
        earlier: "Probe | None" = None,
    ) -> "AsyncGenerator[ProbeEvent, None]":
        from contextlib import aclosing

        from tswizard.core.probe.events import ProbeDone
        from tswizard.core.probe.run_probe import run_probe
        from tswizard.core.probe.saved_probes import save_probe

        prepared = await self._prepared_for(inspected, answers)
        upload = answers.probe_upload
        async with aclosing(run_probe(prepared, samples, upload=upload, earlier=earlier)) as events:
            async for event in events:
                if isinstance(event, ProbeDone):
                    save_probe(event.probe, prepared.source, prepared.target)
                yield event

    async def advise(
        self, inspected: "Inspected", answers: "Answers", probe: "Probe | None"
    ) -> "Advice":
        from tswizard.core.advise import advise

        prepared = await self._prepared_for(inspected, answers)
        return advise(prepared, inspected.findings, probe)

    async def _prepared_for(self, inspected: "Inspected", answers: "Answers") -> "Prepared":
        """With these answers. Client tools are looked for once: each is started to be asked."""
        import asyncio
        from dataclasses import replace

        if self._prepared is None or self._prepared[0] is not inspected:
            found = await asyncio.to_thread(
                _prepare,
                inspected.pair,
                inspected.inventory,
                inspected.target_inventory,
                inspected.answers,
            )
            self._prepared = inspected, found
        return replace(self._prepared[1], answers=answers)

    def object_sql(self, inventory: "Inventory", what: "Cagg | Job") -> str:
        from tswizard.core.catalog.cagg_model import Cagg
        from tswizard.core.split.policies.statements import LATEST_API, job_statement

        if isinstance(what, Cagg):
            return f"{what.create_statement};"
        return "\n".join(f"{text};" for text in job_statement(what, inventory, LATEST_API).text)

    def plan(self, decided: "Decided") -> "Plan":
        from tswizard.core.build_plan import build_plan
        from tswizard.core.prepare import shown_task

        return build_plan(shown_task(_prepared(decided)))

    async def write_runbook(self, decided: "Decided", folder: "Path") -> "tuple[Path, Path]":
        import asyncio

        from tswizard.core.prepare import shown_task
        from tswizard.core.runbook import write_runbook

        prepared = await asyncio.to_thread(_prepared, decided)
        with explained():
            written = await write_runbook(shown_task(prepared))
        return await asyncio.to_thread(written.save, folder)

    def start(self, decided: "Decided", *, demo: bool) -> "Run":
        from tswizard.core.resume import start

        return start(_prepared(decided), decided.findings, demo=demo, advice=decided.advice)

    async def needs_confirmation(self, run_folder: "RunFolder", target: "Endpoint") -> str | None:
        from tswizard.core.resume import needs_confirmation

        with explained():
            return await needs_confirmation(run_folder, target)

    async def reopen(
        self, run_folder: "RunFolder", source: "Endpoint", target: "Endpoint", confirm: str | None
    ) -> "Run":
        from tswizard.core.resume import reopen

        with explained():
            return await reopen(run_folder, source, target, confirm=confirm)

    async def check_again(
        self, run_folder: "RunFolder", source: "Endpoint", target: "Endpoint"
    ) -> "Run":
        from tswizard.core.check_again import check_again

        with explained():
            return await check_again(run_folder, source, target)

    def checklist(self, outcome: "Outcome", report: str) -> "Checklist":
        from tswizard.core.report.checklist import checklist

        return checklist(outcome, report)


@contextmanager
def explained() -> Iterator[None]:
    """What a server refuses in the middle of something becomes a sentence. Raises CannotConnect."""
    from psycopg import Error

    from tswizard.core.db.errors import CannotConnect, explain_error

    try:
        yield
    except Error as error:
        told = explain_error(error)
        raise CannotConnect(told.sentence, f"{told.todo} Then try again.") from error


def _prepare(
    pair: "ConnectedPair", inventory: "Inventory", target_inventory: "Inventory", answers: "Answers"
) -> "Prepared":
    from tswizard.core.prepare import prepare

    return prepare(
        source=pair.source.endpoint,
        target=pair.target.endpoint,
        inventory=inventory,
        target_inventory=target_inventory,
        answers=answers,
    )


def _prepared(decided: "Decided") -> "Prepared":
    """For what was decided. Inspect lets nobody pass without client tools."""
    inspected = decided.inspected
    return _prepare(
        inspected.pair, inspected.inventory, inspected.target_inventory, decided.answers
    )
