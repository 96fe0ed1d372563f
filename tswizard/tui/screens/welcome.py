"""The first screen: a new migration, or one that waits to be resumed."""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, ProgressBar, Static
from textual.widgets.option_list import Option

from tswizard.tui.base import WizardScreen
from tswizard.wizard.welcome_texts import DEMO, INTRO, PROMISE

if TYPE_CHECKING:
    from tswizard.core.run.run_folder import RunFolder
    from tswizard.demo.progress import Prepared
    from tswizard.wizard.engine import Engine, Prepare


class WelcomeScreen(WizardScreen):
    """Shows at once; what takes time to read comes after the first paint."""

    HEAD: ClassVar[str] = "migrate a TimescaleDB database"
    BACK: ClassVar[str | None] = "Quit"
    HELP: ClassVar[str] = (
        f"{INTRO}\n\n{PROMISE}\n\nAn unfinished run can be resumed: finished steps are not "
        "repeated, a finished dump is used again, and an interrupted restore starts over after you "
        "type the target database's name."
    )

    def __init__(self, prepare: "Prepare | None", demo: bool) -> None:
        super().__init__()
        self._prepare = prepare
        self._demo = demo
        self._ready = prepare is None
        self._runs: tuple[RunFolder, ...] = ()

    def compose_body(self) -> Iterable[Widget]:
        yield Static(f"{INTRO}\n\n{PROMISE}", id="intro")
        if self._demo:
            yield Static(DEMO, classes="gap", markup=False)
        if self._prepare is not None:
            yield Static("Preparing the demo", id="preparing", markup=False)
            yield ProgressBar(id="preparation", show_eta=False)
        menu = OptionList(Option(_new(self._demo), id="new"), id="menu", compact=True)
        menu.display = self._ready
        yield menu

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
        unfinished = await asyncio.to_thread(_unfinished, self.wizard.engine)
        self._runs = tuple(run_folder for run_folder, _ in unfinished)
        menu = self.query_one("#menu", OptionList)
        for run_folder, busy in unfinished:
            menu.add_option(Option(_described(run_folder, busy=busy), id=run_folder.record.id))

    @on(OptionList.OptionSelected)
    def _clicked(self) -> None:
        self.go_on()

    def go_on(self) -> None:
        if not self._ready:
            self.say("The demo is still being prepared.", "look")
            return
        option = self.query_one("#menu", OptionList).highlighted_option
        run_folder = next((r for r in self._runs if option and r.record.id == option.id), None)
        if run_folder is not None:
            self.wizard.show_resume(run_folder)
        else:
            self.wizard.show_source()


def _new(demo: bool) -> Content:
    text = "Start: migrate the sample database" if demo else "Start a new migration"
    return Content.styled(text, "bold")


def _unfinished(engine: "Engine") -> "list[tuple[RunFolder, bool]]":
    from tswizard.wizard.unfinished import unfinished_runs  # loads the engine

    return unfinished_runs(engine)


def _described(run_folder: "RunFolder", *, busy: bool) -> Content:
    """A run that waits: where it stands and what resuming does."""
    from tswizard.core.model.events import StepState
    from tswizard.core.model.wording import plural
    from tswizard.wizard.text import date_and_time

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
