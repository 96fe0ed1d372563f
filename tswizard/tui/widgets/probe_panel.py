"""What a probe tells: what it times now with its rate as it changes, or what it found."""

from collections.abc import Iterable
from itertools import pairwise

from textual.app import ComposeResult
from textual.containers import HorizontalGroup, VerticalGroup
from textual.widgets import Sparkline, Static

from tswizard.core.model.wording import duration, size
from tswizard.core.probe.events import TimingProgress, TimingStarted
from tswizard.tui.widgets.facts import fact_table

_POINTS = 60
"""Rates that are kept for the line."""


class ProbePanel(VerticalGroup):
    """A few lines; while something is timed, its rate is drawn at their side."""

    DEFAULT_CSS = """
    ProbePanel { padding: 0 1; }
    ProbePanel HorizontalGroup { height: 1; }
    ProbePanel #probe-now { width: 1fr; text-wrap: nowrap; text-overflow: ellipsis; }
    ProbePanel Sparkline { width: 24; height: 1; }
    """

    def __init__(self) -> None:
        super().__init__(id="probe-panel")
        self._told: list[TimingProgress] = []
        self._command = ""

    def compose(self) -> ComposeResult:
        yield Static(id="probe-lines", markup=False)
        with HorizontalGroup(id="probe-live"):
            yield Static(id="probe-now", markup=False)
            yield Sparkline(id="probe-rate")

    def on_mount(self) -> None:
        self.query_one("#probe-live").display = False

    def begin(self, event: TimingStarted) -> None:
        """Something is timed from now on."""
        self._told = []
        several = f" by {event.connections} connections" if event.connections > 1 else ""
        self._show([("sample", event.sample.label), ("now", f"{event.what}{several}")])
        self.query_one("#probe-live").display = True
        self.query_one("#probe-now", Static).update("connecting …")
        self.query_one("#probe-rate", Sparkline).data = []

    def progress(self, event: TimingProgress) -> None:
        """Its rate by now, and the line of its rates."""
        self._told = [*self._told, event][-_POINTS:]
        if not event.bytes:
            return
        total = f" of {size(event.total)}" if event.total else ""
        now = f"{size(event.bytes)}{total} in {duration(event.seconds)}   {size(event.rate)}/s"
        self.query_one("#probe-now", Static).update(now)
        self.query_one("#probe-rate", Sparkline).data = rates_of(self._told)

    def rest(self, lines: Iterable[tuple[str, str]]) -> None:
        """Nothing is timed anymore; this is what there is to say."""
        self.query_one("#probe-live").display = False
        self._show(lines)

    def _show(self, lines: Iterable[tuple[str, str]]) -> None:
        self.query_one("#probe-lines", Static).update(fact_table(lines, 9, "dim"))


def rates_of(told: Iterable[TimingProgress]) -> list[float]:
    """Bytes a second from one figure to the next."""
    return [
        max(0.0, (later.bytes - earlier.bytes) / (later.seconds - earlier.seconds))
        for earlier, later in pairwise(told)
        if later.seconds > earlier.seconds
    ]
