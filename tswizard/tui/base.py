"""What every screen of the wizard has in common: header, body, notice, buttons, keys."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual import on, work
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Button, Static

from tswizard.tui.widgets.keys import Keys
from tswizard.tui.widgets.stepper import Stepper

if TYPE_CHECKING:
    from textual.timer import Timer

    from tswizard.tui.app_protocol import App

_W = TypeVar("_W", bound=Widget)

HIGH = 50
"""Lines of a terminal from which on lists need no scrolling for the sake of what is below them."""


def panel(widget: _W, title: str) -> _W:
    """`widget` under a title, and framed where there is room."""
    widget.add_class("panel")
    widget.border_title = Content(title).markup
    return widget


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wait:
    """Something of a server is waited for."""

    text: str
    """What is said meanwhile."""
    silence: str
    """How it begins what is said when nothing comes: `The source has not answered`."""
    way_on: str
    """What can be done then."""
    after: float
    """Seconds until that is said."""
    since: float


class WizardScreen(Screen[None]):
    """One step. Subclasses compose the body and say what next and back mean.

    Enter continues from wherever the focus is, except on a button, which it presses. Escape goes
    back. Both mean the same on every screen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("enter", "next", "Next", priority=True, key_display="enter"),
        Binding("up", "app.focus_previous", show=False),
        Binding("down", "app.focus_next", show=False),
    ]

    STEP: ClassVar[str | None] = None
    """This screen's name in the header's line; None shows the program's name instead."""
    HEAD: ClassVar[str] = ""
    """What the header says where STEP is None."""
    HELP: ClassVar[str] = ""
    """What F1 says about this screen, where it is always the same."""
    ROOMY: ClassVar[int] = 160
    """Columns of a terminal from which on two things stand side by side."""
    NEXT: ClassVar[str | None] = "Next >"
    BACK: ClassVar[str | None] = "< Back"

    _wait: _Wait | None = None
    _looks: "Timer | None" = None
    """At how long that has lasted."""
    _silent = False
    """The notice says that nothing comes."""

    def compose(self) -> ComposeResult:
        yield Stepper(self.STEP, self.HEAD)
        yield from self.compose_frame()
        yield Static(id="notice")
        with Horizontal(id="buttons"):
            yield from self.extra_buttons()
            if self.BACK:
                yield Button(self.BACK, id="back", compact=True)
            if self.NEXT:
                yield Button(self.NEXT, id="next", compact=True)
        yield Keys()

    def compose_frame(self) -> Iterable[Widget]:
        """The middle of the screen; scrolls when the terminal is too low for it."""
        with VerticalScroll(id="body", can_focus=False):
            yield from self.compose_body()

    def compose_body(self) -> Iterable[Widget]:
        return ()

    def extra_buttons(self) -> Iterable[Widget]:
        """Buttons to the left of back and next."""
        return ()

    @property
    def wizard(self) -> "App":
        return cast("App", self.app)

    @property
    def help_text(self) -> str:
        """What F1 says about this screen."""
        return self.HELP

    @property
    def figure_help(self) -> tuple[str, str]:
        """What the focused figure or field means, as a title and a text; an empty text where
        nothing is declared for it."""
        return "", ""

    def go_back(self) -> None:
        self.app.pop_screen()

    def go_on(self) -> None:
        """What next does; subclasses override it."""

    def interrupt(self) -> None:
        """What Ctrl+C does, and q where nothing is typed: nothing ends by it unasked."""
        self.run_worker(self.wizard.action_ask_quit())

    def wait_for(self, text: str, silence: str, way_on: str, *, times: float = 1) -> None:
        """Say `text` while an answer is waited for, and how long none has come when that becomes
        remarkable, so many `times` as late as an answer of a server: a network that swallows
        everything closes no connection. Whatever is said next ends it."""
        self.say(text, "")
        after = self.wizard.silent_after * times
        self._wait = _Wait(
            text=text, silence=silence, way_on=way_on, after=after, since=time.monotonic()
        )
        if self._looks is None:
            self._looks = self.set_interval(min(1.0, self.wizard.silent_after), self._look)

    def heard(self) -> None:
        """Something has come of what is waited for, and more is to come."""
        if self._wait is None:
            return
        wait = replace(self._wait, since=time.monotonic())
        if self._silent:
            self.say(wait.text, "")
        self._wait = wait

    def _look(self) -> None:
        wait = self._wait
        if wait is None:
            return
        lasted = time.monotonic() - wait.since
        if lasted >= wait.after:
            from tswizard.core.model.wording import duration

            sentence = f"{wait.silence} for {duration(lasted)}. {wait.way_on}"
            self.say(" ".join(filter(None, (wait.text, sentence))), "look")
            self._wait, self._silent = wait, True

    def say(self, text: str, level: str = "fail") -> None:
        """One sentence above the buttons; empty takes it away. Words first: see `WORDS`."""
        self._wait, self._silent = None, False
        notice = self.query_one("#notice", Static)
        style = {"fail": "$text-error", "look": "$text-warning"}.get(level, "")
        notice.update(Content.styled(text, style) if style else Content(text))
        notice.display = bool(text)

    def on_resize(self, event: Resize) -> None:
        self.update_classes(
            {"-roomy": event.size.width >= self.ROOMY, "-high": event.size.height >= HIGH}
        )

    def action_back(self) -> None:
        self.go_back()

    def action_next(self) -> None:
        if isinstance(self.focused, Button):
            raise SkipAction
        # This binding overtakes keys that a field has still to take in, such as those of a name
        # that came with its enter in one packet. So: behind those keys, what the field says of
        # them, and what the screen makes of that.
        field = self.focused or self
        field.call_later(field.call_later, self.call_later, self.go_on)

    @work(exclusive=True, group="check-again")
    async def check_again(self) -> None:
        """Compare both databases of the run that has ended here again, on a Run screen of its
        own."""
        from tswizard.core.db.errors import CannotConnect
        from tswizard.core.run.run_folder import RunFolderError

        self.wait_for(
            "Connecting to both databases …",
            "No answer has come",
            "The same key tries again; Ctrl+Q quits.",
        )
        try:
            await self.wizard.check_again()
        except (CannotConnect, RunFolderError) as error:
            self.say(str(error))
        else:
            self.say("")

    @on(Button.Pressed, "#back")
    def _back_pressed(self) -> None:
        self.go_back()

    @on(Button.Pressed, "#next")
    def _next_pressed(self) -> None:
        self.go_on()
