"""What every screen of the wizard has in common: header, body, notice, buttons, keys."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual import on, work
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Button, Static

from tswizard.tui.widgets.keys import Keys
from tswizard.tui.widgets.stepper import Stepper

if TYPE_CHECKING:
    from tswizard.tui.app_protocol import App

_W = TypeVar("_W", bound=Widget)


def panel(widget: _W, title: str) -> _W:
    """`widget` under a title, and framed where there is room."""
    widget.add_class("panel")
    widget.border_title = Content(title).markup
    return widget


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
    NEXT: ClassVar[str | None] = "Next >"
    BACK: ClassVar[str | None] = "< Back"

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

    def say(self, text: str, level: str = "fail") -> None:
        """One sentence above the buttons; empty takes it away. Words first: see `WORDS`."""
        notice = self.query_one("#notice", Static)
        style = {"fail": "$text-error", "look": "$text-warning"}.get(level, "")
        notice.update(Content.styled(text, style) if style else Content(text))
        notice.display = bool(text)

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

    @work
    async def check_again(self) -> None:
        """Compare both databases of the run that has ended here again, on a Run screen of its
        own."""
        from tswizard.core.db.errors import CannotConnect
        from tswizard.core.run.run_folder import RunFolderError

        self.say("Connecting to both databases …", "")
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
