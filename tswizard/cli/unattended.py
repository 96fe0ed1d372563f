"""Runs that ask nothing: what happens, line by line, and an exit code."""

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager

from tswizard.cli.progress_lines import TableLines
from tswizard.core.catalog.read import read_inventory
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.answers import Answers
from tswizard.core.model.events import (
    Event,
    FindingFound,
    LogVerdict,
    RunFinished,
    RunStarted,
    StepFinished,
    StepProgress,
    StepStarted,
    StepState,
    TableProgress,
    Unit,
)
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.verdict import Verdict
from tswizard.core.model.wording import duration, number, size
from tswizard.core.preflight import examine
from tswizard.core.prepare import prepare
from tswizard.core.report.checklist import checklist
from tswizard.core.resume import reopen, start
from tswizard.core.run.run_folder import RunFolder
from tswizard.core.run.runner import Run
from tswizard.exit_codes import Exit

_EVERY = 2.0
"""Seconds between two progress lines of one step."""


async def migrate(
    source: Endpoint, target: Endpoint, answers: Answers, confirm: str | None, *, demo: bool = False
) -> int:
    """Examine, refuse or run; the exit code. Raises CannotConnect and RunFolderError.

    `confirm` is the target's database name; None where it is known to be meant (the demo).
    """
    say(f"source  {source.label}")
    inventory = await read_inventory(source)
    say(f"target  {target.label}")
    target_inventory = await read_inventory(target)
    if confirm is not None and confirm != target_inventory.server.database:
        say(
            f'target.confirm is "{confirm}", but the target\'s database is called '
            f'"{target_inventory.server.database}"; nothing was changed.'
        )
        return Exit.USAGE
    prepared = await asyncio.to_thread(
        prepare,
        source=source,
        target=target,
        inventory=inventory,
        target_inventory=target_inventory,
        answers=answers,
    )
    findings = []
    async for finding in examine(prepared):
        findings.append(finding)
        say_finding(finding)
    if any(finding.level is Level.FAIL for finding in findings):
        say("Refused: nothing was changed.")
        return Exit.REFUSED
    return await watch(start(prepared, tuple(findings), demo=demo))


async def resume(
    run_folder: RunFolder, source: Endpoint, target: Endpoint, confirm: str | None
) -> int:
    """Go on where a run stopped; the exit code. Raises CannotConnect and RunFolderError."""
    return await watch(await reopen(run_folder, source, target, confirm=confirm))


async def watch(run: Run) -> int:
    """Carry a run out, telling what happens; signals stop it so that it can be resumed."""
    printer = _Printer()
    with _signals(lambda: run.stop(now=True)):
        async with aclosing(run.events()) as events:
            async for event in events:
                printer.show(event)
    if run.outcome is None:
        say(f"Stopped. Go on with: tswizard resume {run.run_folder.record.id}")
        return Exit.STOPPED
    for line in checklist(run.outcome).lines:
        say(f"{line.level.upper():<5} {line.text}")
        if line.level in (Level.FAIL, Level.LOOK):
            for detail in line.details[:20]:
                say(f"      {detail}")
    say(f"report  {run.run_folder.path / 'report.md'}")
    return exit_of(run.outcome.result)


def exit_of(result: Level) -> int:
    """The exit code of a finished run."""
    return Exit.PASSED if result is Level.PASS else Exit.LOOK


def say(text: str) -> None:
    """One line for a person; stdout is left to --json."""
    print(text, file=sys.stderr, flush=True)


def say_finding(finding: Finding) -> None:
    grave = finding.level in (Level.FAIL, Level.LOOK)
    where = f" ({finding.where})" if grave and finding.where not in finding.what else ""
    say(f"{finding.level.upper():<5} {finding.what}{where}")
    if grave:
        for text in filter(None, (finding.why, finding.todo)):
            say(f"      {text}")
        for detail in finding.details[:5]:
            say(f"      - {detail}")


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    watched = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for signum in watched:
        loop.add_signal_handler(signum, stop)
    try:
        yield
    finally:
        for signum in watched:
            loop.remove_signal_handler(signum)


class _Printer:
    """Events as lines; progress only now and then."""

    def __init__(self) -> None:
        self._titles: dict[str, str] = {}
        self._last = 0.0
        self._tables = TableLines()

    def show(self, event: Event) -> None:
        match event:
            case RunStarted(run=run, steps=steps):
                self._titles = {id: title for id, title, _ in steps}
                say(f"run     {run}")
            case StepStarted(step=step):
                self._last = event.at
                self._tables.begin()
                say(f"▸ {self._titles[step]}")
            case StepProgress() if event.at - self._last >= _EVERY:
                self._last = event.at
                say(f"  {_amount(event)} {event.what}".rstrip())
                for line in self._tables.working():
                    say(f"    {line}")
            case TableProgress():
                told = self._tables.take(event)
                if told is not None:
                    say(f"    {told}")
            case StepFinished(step=step, state=state, seconds=seconds, why=why):
                mark = {StepState.DONE: "✓", StepState.SKIPPED: "–"}.get(state, "✗")
                say(f"{mark} {self._titles[step]}  {duration(seconds)}  {why}".rstrip())
            case LogVerdict(judged=judged):
                if judged.verdict is not Verdict.SAFE:
                    say(f"  {judged.verdict.upper():<5} {judged.object} {judged.message}")
                    say(f"        {judged.reason} {judged.todo}".rstrip())
            case FindingFound(finding=finding):
                say_finding(finding)
            case RunFinished(result=result, seconds=seconds):
                ending = result.upper() if result else "STOPPED"
                say(f"{ending} after {duration(seconds)}")
            case _:
                pass


def _amount(event: StepProgress) -> str:
    words = size if event.unit is Unit.BYTES else number
    if event.total is None:
        return words(event.done)
    return f"{words(event.done)} of {words(event.total)}" if event.total else ""
