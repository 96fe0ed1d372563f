"""The run: steps, progress, tables, log. It continues whatever is looked at."""

import os
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, HorizontalGroup
from textual.widget import Widget
from textual.widgets import Button, ProgressBar, Sparkline, Static

from tswizard.core.model.events import StepFinished, StepState
from tswizard.core.model.wording import duration
from tswizard.tui import terminal_signals
from tswizard.tui.base import WizardScreen, panel
from tswizard.tui.dialogs import Choose
from tswizard.tui.run_tables import MOST, RUN_TABLES, other_tables, table_row
from tswizard.tui.widgets.log_panel import LogPanel
from tswizard.tui.widgets.runlog import RunLog
from tswizard.tui.widgets.steps import StepList
from tswizard.tui.widgets.table import FittingTable, columns_help
from tswizard.wizard.run_model import RunModel, progress_figures, step_estimates
from tswizard.wizard.text import hour_and_minute

if TYPE_CHECKING:
    from tswizard.wizard.engine import EndpointPair
    from tswizard.wizard.event_feed import EventFeed

FRAME = 1 / 20
"""Seconds between two looks at what the run said."""

TABLES = 1 / 2
"""Seconds between two drawings of the tables."""

BUDGET = 0.02
"""Seconds that a frame may spend on events, so that a flood of lines never holds up a key."""

_SILENT_TIMES = 4
"""How much longer than an answer of a server a sign of the running step may take."""

_ENDS_THE_RUN = (StepState.FAILED, StepState.STOPPED)

_PORTION = 200
"""Events taken between two looks at the budget."""


class RunScreen(WizardScreen):
    """No way back from here: a run is stopped, and resumed, but not undone."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "pause", "Pause"),
        Binding("p", "unpause", "Continue"),
        Binding("s", "stop", "Stop"),
        Binding("r", "resume", "Resume"),
        Binding("f", "filter", "Filter"),
        Binding("z", "zoom", "Zoom"),
    ]
    STEP: ClassVar[str | None] = "Run"
    ROOMY: ClassVar[int] = 190  # steps with their estimates, beside the tables
    NEXT: ClassVar[str | None] = "Check >"
    BACK: ClassVar[str | None] = None
    HELP: ClassVar[str] = (
        "The migration runs unattended: it stops only on what it cannot explain, and completed "
        "work is kept.\n\n"
        "Each error line carries a verdict. SAFE: a rule knows the message, and a check on the "
        "target agrees where one is possible. LATER: a later step creates it. LOOK: nobody could "
        "show that it is harmless. LOST: something did not arrive. The reason is below the line; "
        "Enter shows the whole message.\n\n"
        f"In the tables, problems are listed first.\n{columns_help(RUN_TABLES)}\n\n"
        "Beside a step that is still to run, or is under way, is what was estimated for it "
        "before the run.\n\n"
        "p pauses until you press p again. s, q and Ctrl+C ask whether to pause or to stop, after "
        "the current step or piece or now; the run continues until you answer. Either way, "
        "completed work is kept and the run can be resumed."
    )

    def __init__(self, feed: "EventFeed", endpoints: "EndpointPair") -> None:
        super().__init__()
        self._feed = feed
        self._endpoints = endpoints
        self.model = RunModel()
        self._stopping = False
        self._over = False
        self._told: tuple[str, int | None] = ("", None)
        """What the terminal was told last."""

    # What it shows

    def compose_frame(self) -> Iterable[Widget]:
        with HorizontalGroup(id="run-head"):
            yield Static(id="run-title", markup=False)
            yield Static(id="run-figures", markup=False)
        with HorizontalGroup(id="run-bar-line"):
            yield ProgressBar(id="run-bar", show_percentage=False, show_eta=False)
            yield Static(id="run-left", markup=False)
            yield Sparkline(id="run-rate")
        with Horizontal(id="panels"):
            yield panel(StepList(id="run-steps"), "Steps")
            yield panel(FittingTable(RUN_TABLES, id="run-tables"), "Tables")
        yield panel(LogPanel(), f"Log · {self._feed.run.run_folder.log_path}")

    def extra_buttons(self) -> Iterable[Widget]:
        yield Button("Resume", id="resume", compact=True)

    def on_mount(self) -> None:
        self._say_going()
        self.query_one("#buttons").display = False
        self.query_one("#run-tables").display = False
        self.query_one(StepList).estimates = step_estimates(self._feed.run)
        self.query_one(RunLog).focus()
        self.set_interval(FRAME, self.frame)
        self.set_interval(1, self._show_times)
        self.set_interval(TABLES, self._show_tables)

    def frame(self) -> None:
        """Take what the run said since the last frame and draw what changed by it."""
        if self._feed.waiting:
            self.heard()
            self._take()
            self.query_one(LogPanel).draw()
            self._draw()
        elif self._feed.over and not self._over:
            self._over = True
            self._show_times()
            self._end()

    def _take(self) -> None:
        until = time.perf_counter() + BUDGET
        log = self.query_one(LogPanel)
        width = log.line_width
        while self._feed.waiting and time.perf_counter() < until:
            for event in self._feed.take(_PORTION):
                self.model.apply(event)
                if isinstance(event, StepFinished) and event.state in _ENDS_THE_RUN:
                    self._say_ending()
                log.add(event, width)

    def _say_going(self) -> None:
        """Nothing, as long as something happens."""
        self.wait_for(
            "",
            "Nothing new",
            "Large tables and indexes may take that long; if the network is gone, s stops the run "
            "and it can be resumed.",
            times=_SILENT_TIMES,
        )

    def _say_ending(self) -> None:
        self.wait_for(
            "The run ends: what it has changed for the time being is put back …",
            "No answer has come",
            "A server that does not answer is tried for some minutes; then it says here what is "
            "left open.",
        )

    def _draw(self) -> None:
        changed = self.model.changed - {"tables"}
        self.model.changed -= changed
        if "steps" in changed:
            self._show_times()
        if "progress" in changed:
            self._show_progress()
        if "keys" in changed:
            self.refresh_bindings()

    def _show_times(self) -> None:
        model = self.model
        steps = self.query_one(StepList)
        steps.show(model.steps, model.position, self.wizard.now())
        to_come = None if self._over else model.to_come(steps.estimates)
        steps.border_title = f"Steps · after this one: {to_come.text}" if to_come else "Steps"

    def _show_progress(self) -> None:
        model, current = self.model, self.model.current
        if current is None:
            return
        title = f"{model.position} of {len(model.steps)}  {current.title}"
        if self._over:
            title = f"STOPPED   {title}"
        elif model.paused:
            title = f"PAUSED   {title}"
        elif self._stopping:
            title = f"STOPPING AFTER THIS {self._unit.upper()}   {title}"
        self.query_one("#run-title", Static).update(title)
        self._tell_terminal(title)
        bar = self.query_one("#run-bar", ProgressBar)
        figures = ""
        rate = None if self._over else model.rate.per_second
        if model.progress is not None:
            figures = "   ".join(filter(None, progress_figures(model.progress, rate)))
            bar.update(total=model.progress.total or None, progress=model.progress.done)
        else:
            bar.update(total=None)
        self.query_one("#run-figures", Static).update(figures)
        self._show_rate(model.seconds_left if rate else None)

    def _tell_terminal(self, title: str) -> None:
        """The window's title and the taskbar say how far it is, each time that changes."""
        percent = self.model.percent
        if (title, percent) == self._told:
            return
        self._told = (title, percent)
        figure = "" if percent is None else f"{percent}%, "
        self.wizard.tell_terminal(terminal_signals.title(f"tswizard: {figure}{title}"))
        self.wizard.tell_terminal(terminal_signals.taskbar(percent, os.environ))

    def _announce(self, text: str) -> None:
        """Nobody watches a run for hours: a bell, a notification, and the taskbar is freed."""
        self.app.bell()
        for sequence in (
            terminal_signals.title(f"tswizard: {text}"),
            terminal_signals.notification(text, os.environ),
            terminal_signals.taskbar(None, os.environ),
        ):
            self.wizard.tell_terminal(sequence)

    def _show_rate(self, seconds_left: float | None) -> None:
        """The last minute's rates, and when the step ends if they last."""
        line = self.query_one("#run-rate", Sparkline)
        line.data = list(self.model.rates)
        line.display = len(self.model.rates) > 1 and not self._over
        percent = self.model.percent
        left = "" if percent is None else f"{percent:>3}%"
        if seconds_left is not None and seconds_left >= 1:
            until = hour_and_minute(self.wizard.now() + seconds_left)
            time = f"{seconds_left:.0f} s" if seconds_left < 10 else duration(seconds_left)
            left += f"  {time} left in this step, until {until}"
        label = self.query_one("#run-left", Static)
        label.update(left)
        label.display = bool(left)

    def _show_tables(self) -> None:
        if "tables" not in self.model.changed:
            return
        self.model.changed.discard("tables")
        table = self.query_one(FittingTable)
        table.display = bool(self.model.tables)
        self.set_class(table.display, "-tables")
        tables = self.model.tables_by_urgency()
        lines = [
            table_row(progress, self.model.table_rate(progress.table), over=self._over)
            for progress in tables[:MOST]
        ]
        table.show([*lines, *other_tables(tables[MOST:])])

    def action_filter(self) -> None:
        self.query_one(LogPanel).next_filter()

    def action_zoom(self) -> None:
        self.toggle_class("-zoomed")

    # Pausing, stopping, ending

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        model = self.model
        match action:
            case "back":
                return False
            case "pause":
                return not self._over and not model.paused
            case "unpause":
                return not self._over and model.paused
            case "stop":
                return not self._over
            case "resume":
                return self._over and self._feed.run.outcome is None
            case "next":
                return self._feed.run.outcome is not None and not isinstance(self.focused, RunLog)
        return True

    @property
    def _unit(self) -> str:
        """What is finished before a run stops."""
        return self._feed.run.method.unit

    def action_pause(self) -> None:
        self._feed.run.pause(True)
        self.say("")

    def action_unpause(self) -> None:
        self._feed.run.pause(False)
        self._say_going()

    def interrupt(self) -> None:
        if self._over:
            super().interrupt()
        else:
            self.action_stop()

    def action_stop(self) -> None:
        unit = self._unit
        paused = self.model.paused
        pause = ("pause", "Pause", "The run waits until you press p.")
        choices = (
            ("", "Leave it paused" if paused else "Let it run", "Nothing changes."),
            *(() if paused else (pause,)),
            (
                "after",
                f"Stop after this {unit}",
                f"What is in progress is finished; a resume starts with the next {unit}.",
            ),
            ("now", "Stop now", "What is in progress is aborted; a resume repeats it."),
        )
        title = "Stop the run?" if paused else "Pause or stop the run?"
        self.app.push_screen(Choose(title, choices), self._stop_chosen)

    def _stop_chosen(self, choice: str | None) -> None:
        if self._over or not choice:
            return
        if choice == "pause":
            self.action_pause()
            return
        self._stopping = choice == "after"
        self._feed.run.stop(now=choice == "now")
        if choice == "now":
            self._say_ending()
        self._show_progress()

    def _end(self) -> None:
        """The run is over, one way or another."""
        run = self._feed.run
        self.query_one("#buttons").display = True
        button = self.query_one("#next", Button)
        again = self.query_one("#resume", Button)
        again.display = run.outcome is None
        again.label = "Check again" if run.over else "Resume"
        (again if again.display else button).focus()
        self.refresh_bindings()
        if run.outcome is not None:
            self.query_one("#run-title", Static).update(
                f"Finished in {duration(run.outcome.seconds)}"
            )
            self.query_one("#run-figures", Static).update("")
            self.query_one("#run-bar-line").display = False
            self.say("Finished. Enter shows the checklist.", "")
            self._announce(f"the run has finished: {run.outcome.result}")
            return
        button.label = "Quit"
        self._show_progress()
        self.model.changed.add("tables")
        self._show_tables()
        self._say_why_it_ended()
        self._announce("the run has stopped")

    def _say_why_it_ended(self) -> None:
        failure, error = self.model.failure, self._feed.error
        verb = "check again" if self._feed.run.over else "resume it"
        again = f"Press r to {verb} now. {self.wizard.resume_hint}"
        if error is not None:
            self.say(f"The run failed: {_sentence(str(error))} {again}")
        elif failure is not None:
            self.say(f"Stopped: {_sentence(failure.what)} {failure.todo} {again}")
        else:
            self.say(f"Stopped. Completed work is kept. {again}", "look")

    @on(Button.Pressed, "#resume")
    def action_resume(self) -> None:
        if self._feed.run.over:
            self.check_again()
        else:
            self.wizard.show_resume(self._feed.run.run_folder, self._endpoints)

    def go_on(self) -> None:
        outcome, finished = self._feed.run.outcome, self.model.finished
        if outcome is not None:
            self.wizard.show_check(outcome, finished.report if finished else "")
        else:
            self.app.exit(self.wizard.exit_code)


def _sentence(text: str) -> str:
    """On one line, with a period: what tools and servers say often has none."""
    line = " ".join(text.split())
    return line if line.endswith((".", "!", "?")) else f"{line}."
