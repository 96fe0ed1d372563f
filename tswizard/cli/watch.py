"""A run without a screen: what happens, line by line, and an exit code."""

import asyncio
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager

from tswizard.cli.output import checklist_lines, say, say_finding
from tswizard.core.model.estimate import SecondsRange
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
)
from tswizard.core.model.verdict import Verdict
from tswizard.core.model.wording import duration
from tswizard.core.report.checklist import checklist
from tswizard.core.run.runner import Run
from tswizard.exit_codes import Exit
from tswizard.wizard.ending import exit_of
from tswizard.wizard.run_model import RunModel, progress_figures, step_estimates
from tswizard.wizard.table_lines import TableLines
from tswizard.wizard.text import hour_and_minute

_WORTH_TELLING = 60.0
"""Seconds from which on it is said when the run may end."""

_EVERY = 2.0
"""Seconds between two progress lines of one step."""


async def watch(run: Run) -> int:
    """Carry a run out, telling what happens; signals stop it so that it can be resumed.

    Raises RunFolderError when another process works on it.
    """
    printer = RunPrinter(step_estimates(run))
    with on_signal(lambda: run.stop(now=True)):
        async with aclosing(run.events()) as events:
            async for event in events:
                printer.show(event)
    if run.outcome is None:
        again = "Check again" if run.over else "Resume"
        say(f"Stopped. {again} with: tswizard {run.command}")
        return Exit.STOPPED
    for line in checklist_lines(checklist(run.outcome)):
        say(line)
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


class RunPrinter:
    """Events as lines; progress only now and then."""

    def __init__(self, estimates: Mapping[str, SecondsRange]) -> None:
        self._estimates = estimates
        """Of each step, by its id."""
        self._model = RunModel()
        self._titles: dict[str, str] = {}
        self._last = 0.0
        self._tables = TableLines()

    def show(self, event: Event) -> None:
        """Take one event."""
        self._model.apply(event)
        match event:
            case RunStarted(run=run, steps=steps):
                self._titles = {id: title for id, title, _ in steps}
                say(f"run     {run}")
            case StepStarted(step=step):
                self._last = event.at
                self._tables.begin()
                say(f"▸ {self._titles[step]}")
                if expected := self._expected_end(event):
                    say(f"  expected end of the run: {expected}")
            case StepProgress() if event.at - self._last >= _EVERY:
                self._last = event.at
                say(f"  {self._figures()} {event.what}".rstrip())
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
                say_finding(finding, reported=True)
            case RunFinished(result=result, seconds=seconds):
                ending = result.upper() if result else "STOPPED"
                say(f"{ending} after {duration(seconds)}")
            case _:
                pass

    def _expected_end(self, event: StepStarted) -> str:
        """`14:20 to 14:31`; empty where nobody estimated it, and for the last moments of a run."""
        to_come = self._model.to_come(self._estimates)
        own = self._estimates.get(event.step)
        left = SecondsRange.sum(filter(None, (own, to_come)))
        if left.high < _WORTH_TELLING:
            return ""
        first, last = (hour_and_minute(event.at + s) for s in (left.low, left.high))
        return first if first == last else f"{first} to {last}"

    def _figures(self) -> str:
        """`12.0 GiB of 61.4 GiB, 11.8 MiB/s, 1 h 11 min left, until 14:32`."""
        model = self._model
        assert model.progress is not None
        rate, left = model.rate.per_second, model.seconds_left
        parts = [text for text in progress_figures(model.progress, rate) if text]
        if left is not None and left >= 1:
            until = hour_and_minute(model.progress.at + left)
            parts.append(f"{duration(left)} left, until {until}")
        return ", ".join(parts)
