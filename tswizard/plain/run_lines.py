"""A run as lines: each step and each table once, progress now and then, trouble at once."""

from collections import Counter
from collections.abc import Callable

from tswizard.core.model.events import (
    Event,
    FindingFound,
    LogVerdict,
    RunStarted,
    StepFinished,
    StepProgress,
    StepStarted,
    StepState,
    TableProgress,
    TableState,
)
from tswizard.core.model.finding import Level
from tswizard.core.model.judged import JudgedMessage
from tswizard.core.model.verdict import Verdict
from tswizard.core.model.wording import duration, number, plural
from tswizard.plain.voice import Voice
from tswizard.wizard.run_model import RunModel, progress_figures
from tswizard.wizard.table_lines import table_line
from tswizard.wizard.text import time_of_day

_EVERY = ((60.0, 5.0), (600.0, 15.0), (float("inf"), 60.0))
"""(seconds since the step's start, seconds between two lines of progress): the longer a step
takes, the less often somebody wants to hear of it."""

_NAMED = 3
"""Tables that ended since the last line and are told by name; the others are counted."""

_ALIKE = 3
"""Messages of one rule told in one step; the others are counted."""

_ENDS = (TableState.DONE, TableState.DIFFERS, TableState.LOST, TableState.FAILED)
_TROUBLE = (TableState.RETRYING, TableState.FAILED, TableState.DIFFERS, TableState.LOST)
_WORDS = {StepState.DONE: "Done", StepState.SKIPPED: "Skipped", StepState.STOPPED: "Stopped"}


class RunLines:
    """Takes a run's events and says what is worth a line."""

    def __init__(self, voice: Voice, now: Callable[[], float]) -> None:
        self.model = RunModel()
        self._voice = voice
        self._now = now
        self._last = 0.0
        """When the last line of progress was said."""
        self._moved = False
        self._states: dict[str, TableState] = {}
        self._ended: list[TableProgress] = []
        self._safe = 0
        self._told: Counter[tuple[str, str]] = Counter()

    def add(self, event: Event) -> None:
        """Take one event."""
        self.model.apply(event)
        match event:
            case RunStarted(run=run):
                self._voice.say(f"Run {run}, {plural(len(self.model.steps), 'step')}.")
            case StepStarted():
                self._begin(event)
            case StepProgress():
                self._moved = True
            case TableProgress():
                self._table(event)
            case StepFinished():
                self._end(event)
            case LogVerdict(judged=judged):
                self._judge(judged)
            case FindingFound(finding=finding) if finding.level in (Level.LOOK, Level.FAIL):
                self._voice.finding(finding)
            case _:
                pass

    def breathe(self) -> None:
        """Say how far it is, if it was not said lately. Called often."""
        step = self.model.current
        if step is None or step.started is None:
            return
        now = self._now()
        pause = next(pause for until, pause in _EVERY if now - step.started < until)
        if now - max(self._last, step.started) < pause:
            return
        if self._ended or self._moved:
            self._last = now
            self._say_ended()
            self._say_progress()

    # Steps

    def _begin(self, event: StepStarted) -> None:
        self._moved, self._safe = False, 0
        self._states.clear()
        self._ended.clear()
        self._told.clear()
        current, model = self.model.current, self.model
        title = current.title if current else event.step
        place = f"step {model.position} of {len(model.steps)}"
        self._voice.say(f"{time_of_day(event.at)} {title}, {place}.")

    def _end(self, event: StepFinished) -> None:
        self._say_ended()
        if self._safe:
            self._voice.say(
                f"{plural(self._safe, 'message')} of the tools known to be safe.", indent=2
            )
        for (word, rule), count in self._told.items():
            if count > _ALIKE:
                more = number(count - _ALIKE)
                self._voice.say(f"{word}: {more} more like these ({rule}); all are in the log.")
        word = _WORDS.get(event.state, "FAILED")
        why = f" {event.why}" if event.why else ""
        self._voice.say(f"{word} after {duration(event.seconds)}.{why}", indent=2)

    def _say_progress(self) -> None:
        progress = self.model.progress
        if progress is None or not self._moved:
            return
        self._moved = False
        rate = self.model.rate.per_second
        parts = [text for text in (*progress_figures(progress, rate), progress.what) if text]
        if rate and progress.total is not None and progress.total > progress.done:
            parts.append(f"about {duration((progress.total - progress.done) / rate)} left")
        if progress.done or progress.total:
            self._voice.say(", ".join(parts), indent=2)

    # Tables

    def _table(self, event: TableProgress) -> None:
        before = self._states.get(event.table)
        self._states[event.table] = event.state
        if event.state is before:
            return
        if event.state in _TROUBLE:
            self._voice.say(_line(event, self.model.table_rate(event.table)), indent=2)
        elif event.state in _ENDS and (before is not None or event.total > 0):
            self._ended.append(event)

    def _say_ended(self) -> None:
        named, rest = self._ended[:_NAMED], self._ended[_NAMED:]
        if len(rest) == 1:
            named, rest = self._ended, []
        for event in named:
            self._voice.say(_line(event, None), indent=2)
        if rest:
            self._voice.say(f"done: {plural(len(rest), 'table')} more", indent=2)
        self._ended.clear()

    # Messages

    def _judge(self, judged: JudgedMessage) -> None:
        if judged.verdict is Verdict.SAFE:
            self._safe += 1
            return
        word = judged.verdict.upper()
        kind = (word, judged.rule or "no rule knows them")
        self._told[kind] += 1
        if self._told[kind] > _ALIKE:
            return
        where = f"{judged.object}: " if judged.object else ""
        self._voice.say(f"{word}: {where}{judged.message}", indent=2)
        for title, text in (("Why", judged.reason), ("What to do", judged.todo)):
            if text:
                self._voice.say(f"{title}: {text}", indent=4)


def _line(event: TableProgress, rate: float | None) -> str:
    return " ".join(table_line(event, rate).split())
