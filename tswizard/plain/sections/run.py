"""The run as it goes, and what Ctrl+C does meanwhile."""

import asyncio
import time

from tswizard.core.model.wording import duration
from tswizard.plain.asker import Leave
from tswizard.plain.prompts import Back, Option
from tswizard.plain.run_lines import RunLines
from tswizard.plain.session import Session
from tswizard.wizard.ending import resume_hint
from tswizard.wizard.engine import Running
from tswizard.wizard.event_feed import EventFeed
from tswizard.wizard.run_model import RunModel

_LOOK = 0.1
"""Seconds between two looks at what the run said."""

_PORTION = 500
"""Events taken between two looks at whether Ctrl+C was pressed."""

_STOP_HELP = (
    "The run continues while this question is open, unless it is paused. Whatever you choose, "
    "completed work is kept."
)


async def carry_out(session: Session, run: Running) -> RunModel:
    """Watch it to its end, however it ends. It is stopped when this is cancelled.

    Raises Leave.
    """
    watch = _Watch(session, run)
    try:
        await watch.until_over()
    finally:
        if not watch.feed.over:
            await watch.feed.stop_now()
    watch.say_ending()
    if watch.leaves:
        raise Leave
    return watch.model


class _Watch:
    def __init__(self, session: Session, run: Running) -> None:
        self._session = session
        self._voice = session.voice
        self._run = run
        self._interrupted = False
        self._paused = False
        self._lines = RunLines(session.voice, time.time)
        self.feed = EventFeed(run)
        self.leaves = False
        """The user quits, and not only the run."""

    @property
    def model(self) -> RunModel:
        return self._lines.model

    async def until_over(self) -> None:
        self._voice.say(
            "It runs unattended. Ctrl+C asks whether to pause or to stop. The whole log: "
        )
        self._voice.copyable(str(self._run.run_folder.log_path), indent=2)
        while not (self.feed.over and not self.feed.waiting):
            with self._session.interrupts.to(self._interrupt):
                await self._take()
            if self._interrupted and not self.feed.over:
                await self._ask()
            self._interrupted = False
            if self._voice.gone or not self._session.watched():
                await self.feed.stop_now()
                raise Leave

    async def _take(self) -> None:
        """What there is to say, until the user interrupts or nothing more will come."""
        looked = time.monotonic()
        while not self._interrupted and (self.feed.waiting or not self.feed.over):
            for event in self.feed.take(_PORTION):
                self._lines.add(event)
            self._lines.breathe()
            if not self.feed.waiting:
                await asyncio.sleep(_LOOK)
            else:
                await asyncio.sleep(0)
            if time.monotonic() - looked > 2:
                return

    def _interrupt(self) -> None:
        self._interrupted = True

    # Pausing and stopping

    async def _ask(self) -> None:
        unit, paused = self._run.method.unit, self._paused
        options = [
            Option("run", "keep it running" if not paused else "continue the run"),
            *([] if paused else [Option("pause", "pause it until you say otherwise")]),
            Option(
                "after",
                f"stop after this {unit}: what is in progress is finished, and a resume starts "
                f"with the next {unit}",
            ),
            Option("now", "stop now: what is in progress is aborted, and a resume repeats it"),
        ]
        try:
            chosen = await self._session.ask.one_of(
                "Paused; what now" if paused else "The run",
                options,
                help=_STOP_HELP,
                default="run",
            )
        except Back:
            chosen = "run"
        except Leave:  # Ctrl+C once more, or no more input
            chosen, self.leaves = "now", True
        match chosen:
            case "run" if paused:
                self._pause(False)
                self._voice.say("Continued.")
            case "run":
                self._voice.say("It keeps running.")
            case "pause":
                self._pause(True)
                self._voice.say("Paused.")
                await self._ask()  # nothing else is going on
            case "after":
                self._voice.say(f"Stopping after this {unit} …")
                self._run.stop(now=False)
            case "now":
                self._voice.say("Stopping now …")
                self._run.stop(now=True)

    def _pause(self, paused: bool) -> None:
        self._paused = paused
        self._run.pause(paused)

    # The end

    def say_ending(self) -> None:
        outcome = self._run.outcome
        if outcome is not None:
            self._voice.say(f"Finished after {duration(outcome.seconds)}.")
            return
        failure, error = self._lines.model.failure, self.feed.error
        if error is not None:
            self._voice.say(f"The run failed: {error}")
        elif failure is not None:
            self._voice.say(f"Stopped: {failure.what} {failure.todo}")
        else:
            self._voice.say("Stopped. Completed work is kept.")
        run = self._run.run_folder.record.id
        over = self._run.over
        self._voice.say(resume_hint(run, demo=self._session.demo, plain=True, over=over))
