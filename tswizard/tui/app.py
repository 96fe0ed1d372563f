"""The application: which screen follows which, and how it ends."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.clock import Clock
from textual.filter import LineFilter
from textual.screen import Screen

from tswizard.exit_codes import DEMO_CHOSEN, Exit
from tswizard.tui import themes
from tswizard.tui.ascii import AsciiMarks, wants_ascii
from tswizard.tui.base import WizardScreen
from tswizard.tui.dialogs import Ask, Help
from tswizard.tui.screens.welcome import WelcomeScreen

if TYPE_CHECKING:
    from tswizard.core.db.endpoint import Endpoint
    from tswizard.core.model.outcome import Outcome
    from tswizard.core.run.run_folder import RunFolder
    from tswizard.tui import app_protocol
    from tswizard.wizard.engine import EndpointPair, Engine, Prepare, Running
    from tswizard.wizard.event_feed import EventFeed
    from tswizard.wizard.state import ConnectedDatabase, ConnectedPair, Decided, Inspected

_LOOK_AFTER_TERMINAL = 2.0
"""Seconds between two looks whether the terminal is still there."""


class WizardApp(App[int]):
    """Shows the screens in their order; owns the run that is under way."""

    TITLE = "tswizard"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - as Textual has it
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "Help", priority=True, key_display="F1"),
        Binding("ctrl+q,f10", "ask_quit", "Quit", priority=True, key_display="^q"),
    ]

    def __init__(
        self,
        engine: "Engine",
        *,
        source: "Endpoint | None" = None,
        target: "Endpoint | None" = None,
        demo: bool = False,
        resume: "RunFolder | None" = None,
        prepare: "Prepare | None" = None,
        light: bool = False,
        now: Callable[[], float] = time.time,
        bar_clock: Clock | None = None,
    ) -> None:
        theme = themes.theme_for(os.environ, light=light)
        own = theme == themes.TERMINALS_OWN
        super().__init__(ansi_color=True if own else None)
        for colors in (themes.DARK, themes.LIGHT):
            self.register_theme(colors)
        if own or "TEXTUAL_THEME" not in os.environ:
            self.theme = theme
        self._ascii = wants_ascii(os.environ)
        self.engine = engine
        self.given_source = source
        self.given_target = target
        self.demo = demo
        self.now = now
        self.bar_clock = bar_clock
        self.feed: EventFeed | None = None
        self.run_id = ""
        """Of the run that this process started or resumed."""
        self.lost = False
        """The terminal is gone."""
        self._resume = resume
        self._prepare = prepare
        self._leaving: asyncio.Task[None] | None = None
        self._endpoints: EndpointPair | None = None
        """Of the run under way, or the one that has ended here."""

    # Beginning and end

    def get_default_screen(self) -> Screen[None]:
        return WelcomeScreen(self._prepare, self.demo)

    async def on_unmount(self) -> None:
        if self.feed is not None and not self.feed.over:
            await self.feed.stop_now()

    def on_mount(self) -> None:
        if not self.is_headless:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                loop.add_signal_handler(number, self.end_now, 128 + number)
            self.set_interval(_LOOK_AFTER_TERMINAL, self._look_after_terminal)
        if self._resume is not None:
            source, target = self.given_source, self.given_target
            self.show_resume(self._resume, (source, target) if source and target else None)

    def end_now(self, code: int) -> None:
        """End the run where it is, then the program: with 3 if there was a run, else `code`."""
        if self._leaving is None:
            self._leaving = asyncio.create_task(self._leave(code))

    async def _leave(self, code: int) -> None:
        if self.feed is not None:
            if not self.feed.over:
                await self.feed.stop_now()
            code = self.exit_code
        self.exit(code)

    def terminal_lost(self) -> None:
        """Nobody watches any more: end as if told to, in silence."""
        self.lost = True
        let_go = getattr(self._driver, "let_go", None)
        if let_go is not None:
            let_go()
        self.end_now(128 + signal.SIGHUP)

    def _look_after_terminal(self) -> None:
        from tswizard.tui.terminal import still_there

        if not still_there():
            self.terminal_lost()

    @property
    def resume_hint(self) -> str:
        """How a run that was stopped is resumed when this program has ended."""
        from tswizard.wizard.ending import resume_hint

        over = self.feed is not None and self.feed.run.over
        return resume_hint(self.run_id, demo=self.demo, over=over)

    @property
    def farewell(self) -> str:
        """What is left to say in the terminal when the screens are gone; often nothing."""
        if self.feed is None or self.lost:
            return ""
        from tswizard.wizard.ending import farewell

        run = self.feed.run
        return farewell(self.run_id, run.run_folder.path, run.outcome, self.resume_hint)

    @property
    def exit_code(self) -> int:
        """What the run came to; stopped when it came to nothing."""
        from tswizard.wizard.ending import exit_after

        return exit_after(self.feed.run.outcome if self.feed else None)

    # Keys that mean the same everywhere

    def action_help(self) -> None:
        if isinstance(self.screen, Help):
            self.screen.dismiss()
            return
        text = self.screen.help_text if isinstance(self.screen, WizardScreen) else ""
        self.push_screen(Help(text, self.screen))

    async def action_ask_quit(self) -> None:
        if isinstance(self.screen, Ask) and self.screen.id == "quit":
            return
        if self.feed is not None and not self.feed.over:
            question = Ask(
                "Stop the run and quit?",
                "The current step is ended now; completed work is kept. Settings that the run "
                "changed, such as restore mode and the source's jobs, are put back. "
                f"{self.resume_hint}",
                yes="Stop and quit",
                no="Let it run",
                id="quit",
            )
        elif self.feed is not None:
            self.exit(self.exit_code)
            return
        else:
            question = Ask(
                "Quit?",
                "Nothing has been changed on either database. What you typed is not kept.",
                yes="Quit",
                no="Stay",
                id="quit",
            )
        self.push_screen(question, self._quit_answered)

    def _quit_answered(self, yes: bool | None) -> None:
        if yes:
            self.end_now(self._early_code())

    def _early_code(self) -> int:
        """Left before a run: refused when the checks had failed."""
        from tswizard.tui.screens.inspect import InspectScreen

        screens = [s for s in self.screen_stack if isinstance(s, InspectScreen)]
        return Exit.REFUSED if any(screen.refused for screen in screens) else Exit.PASSED

    # The order of the screens

    def leave_for_demo(self) -> None:
        self.exit(DEMO_CHOSEN)

    def show_source(self) -> None:
        from tswizard.tui.screens.connect import SourceScreen

        self.push_screen(SourceScreen(self.given_source))

    def show_target(self, source: "ConnectedDatabase") -> None:
        from tswizard.tui.screens.connect import TargetScreen

        self.push_screen(TargetScreen(source, self.given_target))

    def show_inspect(self, pair: "ConnectedPair") -> None:
        from tswizard.tui.screens.inspect import InspectScreen

        self.push_screen(InspectScreen(pair))

    def show_method(self, inspected: "Inspected") -> None:
        from tswizard.tui.screens.method import MethodScreen

        self.push_screen(MethodScreen(inspected))

    def show_objects(self, decided: "Decided") -> None:
        """Unless there is nothing to choose."""
        inventory = decided.inspected.inventory
        if not (inventory.caggs or inventory.jobs):
            self.show_review(decided)
            return
        from tswizard.tui.screens.objects import ObjectsScreen

        self.push_screen(ObjectsScreen(decided))

    def show_review(self, decided: "Decided") -> None:
        from tswizard.tui.screens.review import ReviewScreen

        self.push_screen(ReviewScreen(decided))

    def show_resume(self, run_folder: "RunFolder", endpoints: "EndpointPair | None" = None) -> None:
        from tswizard.tui.screens.resume import ResumeScreen

        self.push_screen(ResumeScreen(run_folder, endpoints))

    def show_run(self, run: "Running", endpoints: "EndpointPair") -> None:
        from tswizard.tui.screens.run import RunScreen
        from tswizard.wizard.event_feed import EventFeed

        self.run_id = run.run_folder.record.id
        self._endpoints = endpoints
        self.feed = EventFeed(run)
        self.push_screen(RunScreen(self.feed, endpoints))

    def show_check(self, outcome: "Outcome", report: str) -> None:
        from tswizard.tui.screens.check import CheckScreen

        self.push_screen(CheckScreen(outcome, report))

    async def check_again(self) -> None:
        assert self.feed is not None and self._endpoints is not None
        run_folder, endpoints = self.feed.run.run_folder, self._endpoints
        self.show_run(await self.engine.check_again(run_folder, *endpoints), endpoints)

    def tell_terminal(self, sequence: str) -> None:
        if sequence and self._driver is not None and not self.is_headless:
            self._driver.write(sequence)

    def get_line_filters(self) -> "Sequence[LineFilter]":
        filters = super().get_line_filters()
        return [*filters, AsciiMarks()] if self._ascii else filters

    def copy(self, text: str, what: str) -> None:
        """To the clipboard, by the terminal's own means (OSC 52), which some do not offer."""
        self.copy_to_clipboard(text)
        self.notify(f"{what} copied, if this terminal supports OSC 52.", timeout=4)


if TYPE_CHECKING:
    _screens_app: type[app_protocol.App] = WizardApp
    """The application is what its screens take it for."""


async def wizard(
    *,
    source: "Endpoint | None" = None,
    target: "Endpoint | None" = None,
    demo: bool = False,
    resume: "RunFolder | None" = None,
    prepare: "Prepare | None" = None,
) -> int:
    """Run the wizard in this terminal; its exit code. A run under way is ended with it."""
    from tswizard.tui.terminal import TerminalDriver
    from tswizard.wizard.core_engine import CoreEngine

    app = WizardApp(
        CoreEngine(),
        source=source,
        target=target,
        demo=demo,
        resume=resume,
        prepare=prepare,
        light=themes.terminal_is_light(os.environ),
    )
    app.driver_class = TerminalDriver
    code = await app.run_async()
    if app.farewell:
        print(app.farewell)
    if code is None:
        code = app.return_code or Exit.PASSED
    return int(code)
