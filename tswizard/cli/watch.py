"""A run without a screen: what happens, line by line, and an exit code."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager

from tswizard.cli.output import say, say_finding
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
from tswizard.core.model.finding import Level
from tswizard.core.model.verdict import Verdict
from tswizard.core.model.wording import duration, number, plural, size
from tswizard.core.report.checklist import checklist
from tswizard.core.run.runner import Run
from tswizard.exit_codes import Exit
from tswizard.wizard.ending import exit_of
from tswizard.wizard.table_lines import TableLines

_EVERY = 2.0
"""Seconds between two progress lines of one step."""

_DETAILS = 20
"""Lines below one of the checklist; the report has them all."""


async def watch(run: Run) -> int:
    """Carry a run out, telling what happens; signals stop it so that it can be resumed.

    Raises RunFolderError when another process works on it.
    """
    printer = _Printer()
    with on_signal(lambda: run.stop(now=True)):
        async with aclosing(run.events()) as events:
            async for event in events:
                printer.show(event)
    if run.outcome is None:
        again = "Check again" if run.over else "Resume"
        say(f"Stopped. {again} with: tswizard {run.command}")
        return Exit.STOPPED
    for line in checklist(run.outcome).lines:
        say(f"{line.level.upper():<5} {line.text}")
        if line.level in (Level.FAIL, Level.LOOK):
            for detail in line.details[:_DETAILS]:
                say(f"      {detail}")
            if len(line.details) > _DETAILS:
                more = plural(len(line.details) - _DETAILS, "more line")
                say(f"      and {more} in the report")
    say(f"report  {run.run_folder.path / 'report.md'}")
    return exit_of(run.outcome.result)


@contextmanager
def on_signal(stop: Callable[[], None]) -> Iterator[None]:
    """Ctrl+C and the signals that end a process call `stop` instead."""
    loop = asyncio.get_running_loop()
    ending = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    # One that is ignored stays so: nohup, and a shell that starts something in the background.
    watched = [n for n in ending if signal.getsignal(n) is not signal.SIG_IGN]
    for signum in watched:
        loop.add_signal_handler(signum, stop)
    try:
        yield
    finally:
        for signum in watched:
            loop.remove_signal_handler(signum)


@contextmanager
def cancelled_by_signals() -> Iterator[None]:
    """Before there is a run: they cancel the caller, so that connections are closed and temporary
    files removed."""
    task = asyncio.current_task()
    assert task is not None

    def stop() -> None:
        if not task.cancelling():  # a second one must not interrupt what is cleared away
            task.cancel()

    with on_signal(stop):
        yield


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
                told = self._tables.add(event)
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
