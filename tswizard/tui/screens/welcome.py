"""The first screen: a new migration, or one that waits to be resumed."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, ProgressBar, Static
from textual.widgets.option_list import Option

from tswizard.tui.base import WizardScreen, panel
from tswizard.tui.text import word
from tswizard.tui.widgets.facts import Facts, Row, label
from tswizard.wizard.text import date_and_time
from tswizard.wizard.welcome_texts import DEMO, INTRO, PROMISE

if TYPE_CHECKING:
    from tswizard.core.run.run_folder import RunFolder
    from tswizard.demo.progress import Prepared
    from tswizard.wizard.engine import Engine, Prepare

_NAME = "▀█▀ █▀ █ █ █ █ ▀█ ▄▀█ █▀█ █▀▄\n █  ▄█ ▀▄▀▄▀ █ █▄ █▀█ █▀▄ █▄▀"
_WAY = (
    ("Connect", "Both databases are read, and every hazard is named."),
    ("Choose", "The method, continuous aggregates and policies, with figures."),
    ("Review", "Every command and statement is shown before it runs."),
    ("Run", "Unattended. It can be paused, stopped and resumed."),
    ("Check", "Every object and every row of both databases is compared."),
)
_PAST = 20
"""Finished runs that are listed; `tswizard runs` lists all."""


class WelcomeScreen(WizardScreen):
    """Shows at once; what takes time to read comes after the first paint."""

    HEAD: ClassVar[str] = "migrate a TimescaleDB database"
    BACK: ClassVar[str | None] = "Quit"
    HELP: ClassVar[str] = (
        f"{INTRO}\n\n{PROMISE}\n\nAn unfinished run can be resumed: finished steps are not "
        "repeated, a finished dump is used again, and an interrupted restore starts over after you "
        "type the target database's name. A past run shows its report."
    )

    def __init__(self, prepare: "Prepare | None", demo: bool) -> None:
        super().__init__()
        self._prepare = prepare
        self._demo = demo
        self._ready = prepare is None
        self._runs: dict[str, RunFolder] = {}

    def compose_body(self) -> Iterable[Widget]:
        yield Static(_NAME, id="name", markup=False)
        yield Static(f"{INTRO}\n\n{DEMO if self._demo else PROMISE}", id="intro", markup=False)
        if self._prepare is not None:
            yield Static("Preparing the demo", id="preparing", markup=False)
            yield ProgressBar(id="preparation", show_eta=False)
        menu = OptionList(Option(_new(self._demo), id="new"), id="menu", compact=True)
        menu.display = self._ready
        yield panel(menu, "Start")
        way = panel(
            Facts(*(Row(label(name), text) for name, text in _WAY), id="way"), "What happens"
        )
        yield way

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "back"  # there is nothing to go back to

    def go_back(self) -> None:
        self.run_worker(self.wizard.action_ask_quit())

    def on_mount(self) -> None:
        self.say("")
        self.query_one("#menu").focus()
        # Only once this screen is painted: reading runs loads the engine.
        self.call_after_refresh(self._after_first_paint)

    def _after_first_paint(self) -> None:
        if self._prepare is not None:
            self._get_ready(self._prepare)
        else:
            self._read_runs()

    @work
    async def _get_ready(self, prepare: "Prepare") -> None:
        from tswizard.demo.progress import DemoError

        try:
            source, target = await prepare(self._prepared)
        except DemoError as error:
            self.query_one("#preparation").display = False
            self.query_one("#preparing", Static).update(Content("The demo cannot start."))
            self.say(str(error))
            return
        self.wizard.given_source, self.wizard.given_target = source, target
        self._ready = True
        self.query_one("#preparation").display = False
        self.query_one("#preparing", Static).update(Content("Both servers are running."))
        menu = self.query_one("#menu", OptionList)
        menu.display = True
        menu.focus()

    def _prepared(self, prepared: "Prepared") -> None:
        self.query_one("#preparing", Static).update(Content(prepared.text))
        self.query_one("#preparation", ProgressBar).update(
            total=prepared.total or None, progress=prepared.done
        )

    @work
    async def _read_runs(self) -> None:
        waiting, ended, left = await asyncio.to_thread(_known, self.wizard.engine)
        self._runs = {run.record.id: run for run in (*(run for run, _ in waiting), *ended)}
        menu = self.query_one("#menu", OptionList)
        for run_folder, busy in waiting:
            text = _with_left_open(_described(run_folder, busy=busy), left.get(run_folder.path))
            menu.add_option(Option(text, id=run_folder.record.id))
        menu.add_option(Option(_try_it(), id="demo"))
        if ended:
            menu.add_option(Option(Content.styled("Past runs", "dim"), disabled=True))
        for run_folder in ended[:_PAST]:
            text = _with_left_open(_ended(run_folder), left.get(run_folder.path))
            menu.add_option(Option(text, id=run_folder.record.id))

    @on(OptionList.OptionSelected)
    def _clicked(self) -> None:
        self.go_on()

    def go_on(self) -> None:
        if not self._ready:
            self.say("The demo is still being prepared.", "look")
            return
        option = self.query_one("#menu", OptionList).highlighted_option
        chosen = option.id if option else None
        run_folder = self._runs.get(chosen or "")
        if chosen == "demo":
            self.wizard.leave_for_demo()
        elif run_folder is None:
            self.wizard.show_source()
        elif run_folder.record.resumable:
            self.wizard.show_resume(run_folder)
        else:
            self._read_report(run_folder.path / "report.md")

    @work
    async def _read_report(self, path: Path) -> None:
        try:
            text = await asyncio.to_thread(path.read_text, encoding="utf-8")
        except OSError as error:
            self.say(f"{path} cannot be read: {error.strerror}.")
            return
        from textual.widgets import Markdown

        from tswizard.tui.dialogs import Reader

        self.app.push_screen(Reader(path.name, [Markdown(text)], text))


def _new(demo: bool) -> Content:
    text = "Start: migrate the sample database" if demo else "Start a new migration"
    return Content.styled(text, "bold")


def _try_it() -> Content:
    return Content.assemble(
        ("Try it first", "bold"), ("  the demo: two small servers on this machine", "dim")
    )


def _known(
    engine: "Engine",
) -> "tuple[list[tuple[RunFolder, bool]], list[RunFolder], dict[Path, tuple[str, ...]]]":
    from tswizard.wizard.unfinished import known_runs, left_open_lines  # loads the engine

    waiting, ended = known_runs(engine)
    runs = (*(run for run, _ in waiting), *ended)
    return waiting, ended, {run.path: left_open_lines(run) for run in runs}


def _with_left_open(text: Content, lines: tuple[str, ...] | None) -> Content:
    """What the run left open comes below it, where it cannot be overlooked."""
    marked = [Content.styled(f"  ! {line}", "$text-warning") for line in lines or ()]
    return Content("\n").join([text, *marked])


def _ended(run_folder: "RunFolder") -> Content:
    """A finished run on one line: its result, when, from where to where, how long."""
    from tswizard.core.model.wording import duration

    record = run_folder.record
    return Content.assemble(
        word(record.state),
        f"  {date_and_time(record.started)}  {record.source_label} → {record.target_label}",
        (f"  {duration(record.seconds)}", "dim"),
    )


def _described(run_folder: "RunFolder", *, busy: bool) -> Content:
    """A run that waits: where it stands and what resuming does."""
    from tswizard.core.model.events import StepState
    from tswizard.core.model.wording import plural

    record = run_folder.record
    over = (StepState.DONE, StepState.SKIPPED)
    rest = [step for step in record.steps if step.state not in over]
    done = len(record.steps) - len(rest)
    following = f"; next: {rest[0].title or rest[0].name}" if rest else ""
    note = "  in use by another tswizard process" if busy else ""
    return Content.assemble(
        (f"Resume {record.id}", "bold"),
        f"  started {date_and_time(record.started)}{note}\n",
        (f"  {record.source_label} → {record.target_label}\n", "dim"),
        (
            f"  {done} of {plural(len(record.steps), 'step')} done{following}",
            "dim",
        ),
    )
