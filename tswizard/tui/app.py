"""The application: which screen follows which, and how it ends."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.screen import Screen

from tswizard.exit_codes import DEMO_CHOSEN, Exit
from tswizard.tui import themes
from tswizard.tui.ascii import AsciiMarks, wants_ascii
from tswizard.tui.base import WizardScreen
from tswizard.tui.controls import NoControls
from tswizard.tui.crash import CrashReporting
from tswizard.tui.dialogs import Ask, Help, text_reader
from tswizard.tui.screens.welcome import WelcomeScreen

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from textual.app import SystemCommand
    from textual.command import Provider

    from tswizard.core.db.endpoint import Endpoint
    from tswizard.core.model.outcome import Outcome
    from tswizard.core.run.run_folder import RunFolder
    from tswizard.tui import app_protocol
    from tswizard.wizard.engine import EndpointPair, Engine, Prepare, Running
    from tswizard.wizard.event_feed import EventFeed
    from tswizard.wizard.state import ConnectedDatabase, ConnectedPair, Decided, Inspected


def _commands() -> "type[Provider]":
    """Imported when the palette is opened first."""
    from tswizard.tui.commands import WizardCommands

    return WizardCommands


_LOOK_AFTER_TERMINAL = 2.0
"""Seconds between two looks whether the terminal is still there."""


class WizardApp(CrashReporting):
    """Shows the screens in their order; owns the run that is under way."""

    TITLE = "tswizard"
    CSS_PATH = "app.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - as Textual has it
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-tall")]  # noqa: RUF012
    COMMANDS = {_commands}  # noqa: RUF012 - as Textual has it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "Help", priority=True, key_display="F1"),
        Binding("ctrl+q,f10", "ask_quit", "Quit", priority=True, key_display="^q"),
        # Not of those that overtake: text that is marked is copied, and a q is typed in a field.
        Binding("ctrl+c,q", "interrupt", show=False),
        Binding("question_mark", "figure", "What is this?", show=False, key_display="?"),
        Binding("ctrl+p", "command_palette", "All commands", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", "Suspend (fg in the shell resumes)", show=False),
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
        silent_after: float = 30.0,
    ) -> None:
        theme = themes.theme_for(os.environ, light=light)
        own = theme in (themes.OWN_DARK.name, themes.OWN_LIGHT.name)
        super().__init__(ansi_color=True if own else None)
        for colors in themes.ALL:
            self.register_theme(colors)
        if own or "TEXTUAL_THEME" not in os.environ:
            self.theme = theme
        self._always = (NoControls(), *([AsciiMarks()] if wants_ascii(os.environ) else []))
        self.engine = engine
        self.given_source = source
        self.given_target = target
        self.demo = demo
        self.now = now
        self.silent_after = silent_after
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
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                self._end_on(number)
            self.set_interval(_LOOK_AFTER_TERMINAL, self._look_after_terminal)
        if self._resume is not None:
            source, target = self.given_source, self.given_target
            self.show_resume(self._resume, (source, target) if source and target else None)

    def _end_on(self, number: signal.Signals) -> None:
        asyncio.get_running_loop().add_signal_handler(number, self.end_now, 128 + number)

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
        """Nobody watches anymore: end as if told to, in silence."""
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

    def known_passwords(self) -> "Iterable[str | None]":
        ends = (self.given_source, self.given_target, *(self._endpoints or ()))
        return [end.password for end in ends if end is not None]

    # Keys that mean the same everywhere

    def action_help(self) -> None:
        if isinstance(self.screen, Help):
            self.screen.dismiss()
            return
        text = self.screen.help_text if isinstance(self.screen, WizardScreen) else ""
        self.push_screen(Help(text, self.screen))

    def action_interrupt(self) -> None:
        if isinstance(self.screen, WizardScreen):
            self.screen.interrupt()

    def action_figure(self) -> None:
        """What the figure under the cursor means; where there is none, what the screen is for."""
        if not isinstance(self.screen, WizardScreen):
            return
        title, text = self.screen.figure_help
        if text:
            self.push_screen(text_reader(title, text, text))
        else:
            self.action_help()

    def get_system_commands(self, screen: "Screen[object]") -> "Iterable[SystemCommand]":
        """Ours are all there is: see `tswizard.tui.commands`."""
        return ()

    def take_theme(self, name: str) -> None:
        self.ansi_color = None
        self.theme = name

    async def action_ask_quit(self) -> None:
        if isinstance(self.screen, Ask) and self.screen.id == "quit":
            return
        if self.feed is not None and not self.feed.over:
            question = Ask(
                "Stop the run and quit?",
                "The current step is aborted; completed work is kept. Temporary changes (restore "
                "mode, paused source jobs) are undone. "
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
            self.end_now(Exit.REFUSED)  # without a run: a script must not take it for a migration

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

    def page(self, path: "Path") -> bool:
        """Show a file in the user's pager, with the screens put aside; False where there is none.

        Everything stands still meanwhile: not while a run is under way.
        """
        from tswizard.tui.pager import pager, show_in

        command = pager(os.environ)
        if self.is_headless or not command:
            return False
        loop = asyncio.get_running_loop()
        with self.suspend():
            loop.remove_signal_handler(signal.SIGINT)
            show_in(command, path)
        # The loop still has to read of interrupts that were meant for the pager: they find nobody.
        loop.call_soon(loop.call_soon, self._end_on, signal.SIGINT)
        return True

    def get_line_filters(self) -> "Sequence[LineFilter]":
        return [*super().get_line_filters(), *self._always]

    def copy(self, text: str, what: str) -> None:
        """To the clipboard, by the terminal's own means (OSC 52), and to a file: some terminals do
        not offer that, and none says so."""
        from tswizard.wizard.copied import where_copied, write_copied

        self.copy_to_clipboard(text)
        run = self.feed.run.run_folder.path if self.feed else None
        try:
            path = write_copied(text, what, where_copied(run))
        except OSError as error:
            where = f"It could not be written to a file as well: {error.strerror}."
        else:
            where = f"It is in {path} as well."
        said = f"{what} copied, if this terminal supports OSC 52. {where}"
        self.notify(said, timeout=10, markup=False)


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
    mouse: bool = True,
) -> int:
    """Run the wizard in this terminal; its exit code. A run under way is ended with it.

    Without `mouse` the terminal keeps its own, for selecting and copying text.
    """
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
    code = await app.run_async(mouse=mouse)
    if app.farewell:
        print(app.farewell)
    if code is None:
        code = app.return_code or Exit.PASSED
    return int(code)
