"""Records what the engine says, for the screens' tests: `python -m scripts.record_runs [NAME …]`.

Each recording is made on an embedded pair of its own, through the same calls as the wizard's. Some
things are wrong on purpose, so that the screens have something to explain: the target lacks a
role, it dies in the middle of a restore, rows are gone before the check.
"""

import asyncio
import json
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pydantic import TypeAdapter

from tests.support.recordings import (
    FOLDER,
    PAIR,
    PROBE,
    RUN,
    RecordedPair,
    RecordedProbe,
    RecordedRun,
    as_data,
)
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import CannotConnect
from tswizard.core.full.steps import FullStep
from tswizard.core.model.answers import METHOD_NAMES, Answers
from tswizard.core.model.events import (
    Event,
    LogLine,
    RunFinished,
    RunStarted,
    StepFinished,
    StepProgress,
    StepStarted,
    TableProgress,
)
from tswizard.core.model.finding import Finding
from tswizard.core.prepare import prepare
from tswizard.core.probe.events import ProbeDone, ProbeEvent, TimingProgress
from tswizard.core.run.run_folder import runs_folder
from tswizard.core.steps.analyze import ANALYZE
from tswizard.demo import EmbeddedPair
from tswizard.demo.template import DEMO, Sample
from tswizard.wizard.core_engine import CoreEngine
from tswizard.wizard.engine import Running
from tswizard.wizard.state import ConnectedDatabase, ConnectedPair, Inspected

SOURCE = "mst-2f1a.example.com:20985"
TARGET = "x7f0q.tsdb.example.com:33412"
STATE = "/home/ada/.local/state/tswizard"
TOOLS = "/usr/lib/postgresql/18/bin"
RUN_ID = "run-20261124-120000"
NOON = 1_795_521_600.0
"""2026-11-24 12:00:00 UTC: when every recorded run begins."""

_OTHER_VERSION = "2.24.0"
_ROLE = "auditors"
"""On the source alone."""
_FIRST_LINES, _LAST_LINES = 3, 20
"""Of each tool in each step; the rest of its output is left out."""
_PAUSE = 0.25
"""Seconds between two kept figures of one table or step."""


@dataclass(frozen=True, slots=True)
class Stage:
    """An embedded pair that was read and examined, ready for a run."""

    servers: EmbeddedPair
    engine: CoreEngine
    source: Endpoint
    target: Endpoint
    read: ConnectedPair
    inventories: tuple[Inventory, Inventory]

    async def examine(
        self,
        answers: Answers,
        change_source: Callable[[Inventory], Inventory] = lambda inventory: inventory,
        change_target: Callable[[Inventory], Inventory] = lambda inventory: inventory,
    ) -> tuple[Finding, ...]:
        """Preflight's findings for every method, of inventories that were changed afterward."""
        source, target = self.inventories
        found = self.engine.examine(
            self.read, change_source(source), change_target(target), answers, METHOD_NAMES
        )
        return tuple([finding async for finding in found])

    async def start(self, answers: Answers) -> Running:
        findings = await self.examine(answers)
        inspected = Inspected(
            pair=self.read,
            inventory=self.inventories[0],
            target_inventory=self.inventories[1],
            findings=findings,
            answers=answers,
        )
        return self.engine.start(inspected.decided(answers), demo=True)

    async def reopen(self, run: Running) -> Running:
        return await self.engine.reopen(run.run_folder, self.source, self.target, "tsdb")


@asynccontextmanager
async def stage(sample: Sample) -> AsyncIterator[Stage]:
    """A fresh pair; a role that a grant of the source names is missing on the target."""
    runs_folder().mkdir(parents=True, exist_ok=True)
    async with EmbeddedPair.prepare_and_start(sample=sample) as servers:
        source = Endpoint.parse(servers.source_conninfo, password=servers.source_password)
        target = Endpoint.parse(servers.target_conninfo, password=servers.target_password)
        await execute(source, f"CREATE ROLE {_ROLE} NOLOGIN")
        await execute(source, f"GRANT SELECT ON public.sites TO {_ROLE}")
        engine = CoreEngine()
        read = ConnectedPair(
            ConnectedDatabase(source, await engine.read_server(source)),
            ConnectedDatabase(target, await engine.read_server(target)),
        )
        inventories = (
            await engine.read_inventory(source, lambda _what: None),
            await engine.read_inventory(target, lambda _what: None),
        )
        yield Stage(servers, engine, source, target, read, inventories)


async def execute(endpoint: Endpoint, statement: Any) -> None:
    async with connected(endpoint) as connection:
        await connection.execute(statement)


async def follow(
    run: Running,
    when: Callable[[Event], bool] = lambda _: False,
    act: Callable[[], None] = lambda: None,
) -> list[Event]:
    """A run's events to its end; at one of them something happens to it."""
    events = []
    async for event in run.events():
        events.append(event)
        if when(event):
            act()
    return events


# What is recorded


async def record_pair(on: Stage) -> RecordedPair:
    plain, recreate = Answers(), Answers(recreate_extension=True)
    situations = {
        "as it is": on.examine(plain),
        "nothing wrong": on.examine(plain, change_target=with_role),
        "other version": on.examine(plain, change_target=partial(with_version, _OTHER_VERSION)),
        "no extension": on.examine(plain, change_target=partial(with_version, None)),
        "recreated": on.examine(recreate, change_target=partial(with_version, _OTHER_VERSION)),
        "no room": on.examine(plain, change_source=too_big),
    }
    return RecordedPair(
        source=on.inventories[0],
        target=on.inventories[1],
        preflight={name: await found for name, found in situations.items()},
        refused=await refusal(on),
    )


def with_role(inventory: Inventory) -> Inventory:
    return replace(inventory, roles=(*inventory.roles, _ROLE))


def with_version(version: str | None, inventory: Inventory) -> Inventory:
    """It has this version of TimescaleDB, or none, and our role may have that of the source too."""
    offered = (inventory.server.timescaledb or "", _OTHER_VERSION)
    server = replace(inventory.server, timescaledb=version, timescaledb_offered=offered)
    extensions = tuple(replace(extension, owned=True) for extension in inventory.extensions)
    return replace(inventory, server=server, extensions=extensions)


def too_big(inventory: Inventory) -> Inventory:
    """No disk holds a dump of it."""
    tables = tuple(replace(table, bytes=1 << 50) for table in inventory.tables)
    return replace(inventory, tables=tables)


async def refusal(on: Stage) -> tuple[str, str]:
    """What a wrong password makes the server say."""
    try:
        await on.engine.read_server(replace(on.source, password="wrong"))  # noqa: S106 - it is
    except CannotConnect as error:
        return error.what, error.todo
    raise AssertionError("a wrong password was taken")


async def record_full(on: Stage) -> RecordedRun:
    run = await on.start(Answers())
    return RecordedRun.of(await follow(run), run.outcome)


async def record_split(on: Stage) -> RecordedRun:
    run = await on.start(Answers(method="split"))
    return RecordedRun.of(await follow(run), run.outcome)


async def record_interrupted(on: Stage) -> RecordedRun:
    """The target dies while rows are restored."""
    run = await on.start(Answers())

    def half_way(event: Event) -> bool:
        if not isinstance(event, StepProgress) or event.step != FullStep.RESTORE_ROWS:
            return False
        return 2 * event.done > (event.total or 0)

    events = await follow(run, half_way, on.servers.target.kill)
    await on.servers.target.start()
    asked = await on.engine.needs_confirmation(run.run_folder, on.target)
    return RecordedRun.of(events, run.outcome, asked)


async def record_lost(on: Stage) -> RecordedRun:
    """Rows are gone before the check."""
    run = await on.start(Answers())

    def analyzing(event: Event) -> bool:
        return isinstance(event, StepStarted) and event.step == ANALYZE.id

    events = await follow(run, analyzing, partial(run.stop, now=False))
    await execute(on.target, "DELETE FROM public.conditions WHERE time < '2026-01-08'")
    run = await on.engine.reopen(run.run_folder, on.source, on.target, None)
    # As one run: without the end of the first part and the beginning of the second.
    resumed = [e for e in await follow(run) if not isinstance(e, RunStarted)]
    return RecordedRun.of([*events[:-1], *resumed], run.outcome)


async def record_probe(on: Stage) -> RecordedProbe:
    """With the way in; the figures of each timing are thinned to a few."""
    answers = Answers(probe_upload=True)
    inspected = Inspected(
        pair=on.read,
        inventory=on.inventories[0],
        target_inventory=on.inventories[1],
        findings=await on.examine(answers),
        answers=answers,
    )
    samples = on.engine.choose_samples(on.inventories[0])
    told: list[ProbeEvent] = []
    async for event in on.engine.probe(inspected, answers, samples):
        if isinstance(event, TimingProgress) and isinstance(told[-1], TimingProgress):
            told.pop()
        told.append(
            replace(event, probe=replace(event.probe, at=NOON))
            if isinstance(event, ProbeDone)
            else event
        )
    return RecordedProbe.of(told)


# Keeping it


RECORDINGS: dict[str, tuple[Callable[[Stage], Awaitable[Any]], TypeAdapter[Any]]] = {
    "pair": (record_pair, PAIR),
    "probe": (record_probe, PROBE),
    "full": (record_full, RUN),
    "split": (record_split, RUN),
    "interrupted": (record_interrupted, RUN),
    "lost": (record_lost, RUN),
}


async def record(name: str, sample: Sample = DEMO) -> str:
    """A recording as JSON, as if it had been made where the tests' wizard runs.

    TSWIZARD_STATE_DIR is a folder for the run.
    """
    make, adapter = RECORDINGS[name]
    async with stage(sample) as on:
        recorded = await make(on)
        if isinstance(recorded, RecordedRun):
            recorded = from_noon(recorded)
        return elsewhere(as_lines(as_data(adapter, recorded)), on)


def as_lines(data: dict[str, Any]) -> str:
    """JSON with an element of each list on a line of its own, so that a change can be read."""
    parts = []
    for key, value in data.items():
        if isinstance(value, list):
            lines = ",\n  ".join(json.dumps(element, ensure_ascii=False) for element in value)
            parts.append(f'"{key}": [\n  {lines}\n ]')
        elif isinstance(value, dict):
            fields = (
                f'"{name}": {json.dumps(field, ensure_ascii=False)}'
                for name, field in value.items()
            )
            parts.append(f'"{key}": {{\n  ' + ",\n  ".join(fields) + "\n }")
        else:
            parts.append(f'"{key}": {json.dumps(value, ensure_ascii=False)}')
    return "{\n " + ",\n ".join(parts) + "\n}\n"


def from_noon(run: RecordedRun) -> RecordedRun:
    """The run as if it had begun at noon, with no more lines and figures than screens can show."""
    events = thinned(run.events)
    moved = NOON - events[0].at
    outcome = run.outcome and replace(run.outcome, started=NOON)
    return RecordedRun.of(
        (replace(event, at=round(event.at + moved, 3)) for event in events),
        outcome,
        run.confirmation,
    )


def thinned(events: Iterable[Event]) -> list[Event]:
    kept: list[Event] = []
    step: list[Event] = []
    for event in events:
        if isinstance(event, RunFinished):
            event = replace(event, findings=())  # all of them were told before
        step.append(event)
        if isinstance(event, StepFinished | RunFinished):
            kept += _thinned_step(step)
            step.clear()
    return kept + step


def _thinned_step(events: list[Event]) -> Iterator[Event]:
    output = [n for n, e in enumerate(events) if isinstance(e, LogLine) and e.tool != "tswizard"]
    dropped = set(output[_FIRST_LINES:-_LAST_LINES])
    newest: dict[str, tuple[int, Event]] = {}
    for number, event in enumerate(events):
        if not isinstance(event, StepProgress | TableProgress):
            continue
        name = event.table if isinstance(event, TableProgress) else ""
        before = newest.get(name)
        if (
            before is not None
            and event.at - before[1].at < _PAUSE
            and _same_state(event, before[1])
        ):
            dropped.add(before[0])
            event = replace(event, at=before[1].at)
        newest[name] = (number, event)
    return (event for number, event in enumerate(events) if number not in dropped)


def _same_state(event: Event, before: Event) -> bool:
    if isinstance(event, TableProgress) and isinstance(before, TableProgress):
        return event.state is before.state
    return True


def elsewhere(text: str, on: Stage) -> str:
    """What tells of this machine, as it would read on another."""
    tools = prepare(
        source=on.source,
        target=on.target,
        inventory=on.inventories[0],
        target_inventory=on.inventories[1],
        answers=Answers(),
    ).tools
    assert tools is not None
    for endpoint, address in ((on.source, SOURCE), (on.target, TARGET)):
        here, port = endpoint.host, endpoint.get("port")
        host, _, other_port = address.partition(":")
        for written in ("{}:{}", "host={} port={}", '\\"{}\\", port {}'):
            text = text.replace(written.format(here, port), written.format(host, other_port))
    text = text.replace(os.environ["TSWIZARD_STATE_DIR"], STATE).replace(str(tools.folder), TOOLS)
    return re.sub(r"run-\d{8}-\d{6}", RUN_ID, text)


async def main(names: Iterable[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    for name in names:
        with tempfile.TemporaryDirectory() as state:
            os.environ["TSWIZARD_STATE_DIR"] = state
            text = await record(name)
        (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")
        print(f"{name}.json: {len(text) // 1024} KiB")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:] or RECORDINGS))
