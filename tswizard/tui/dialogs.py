"""Dialogs over the screens: a question, a text, help."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content, ContentText
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Button, Static

from tswizard.tui.keys_of import keys_of

if TYPE_CHECKING:
    from tswizard.tui.app_protocol import App

_CLOSE = Binding("escape", "close", "Close")


class Ask(ModalScreen[bool]):
    """A yes-or-no question. The harmless answer has the focus; escape gives it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "answer(False)", show=False),
        Binding("left,up", "app.focus_previous", show=False),
        Binding("right,down", "app.focus_next", show=False),
    ]

    def __init__(self, title: str, text: str, *, yes: str, no: str, id: str) -> None:
        super().__init__(id=id)
        self._title = title
        self._text = text
        self._yes = yes
        self._no = no

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = Content(self._title)
            yield Static(self._text, markup=False)
            with Horizontal(classes="dialog-buttons"):
                yield Button(self._no, id="no", compact=True)
                yield Button(self._yes, id="yes", compact=True)

    def on_mount(self) -> None:
        self.query_one("#no", Button).focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)


class Choose(ModalScreen[str]):
    """One of a few actions; escape chooses none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "answer('')", show=False),
        Binding("left,up", "app.focus_previous", show=False),
        Binding("right,down", "app.focus_next", show=False),
    ]

    def __init__(self, title: str, choices: Iterable[tuple[str, str, str]]) -> None:
        """`choices` are (answer, button's label, what it means)."""
        super().__init__()
        self._title = title
        self._choices = tuple(choices)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = Content(self._title)
            for answer, label, meaning in self._choices:
                with Horizontal(classes="choice"):
                    yield Button(label, id=f"choice-{answer}", compact=True)
                    yield Static(meaning, markup=False)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss((event.button.id or "").removeprefix("choice-"))

    def action_answer(self, answer: str) -> None:
        self.dismiss(answer)


class Reader(ModalScreen[bool]):
    """A text to read, scroll and copy. Its answer: closed by enter, so on with what follows?"""

    BINDINGS: ClassVar[list[BindingType]] = [
        _CLOSE,
        Binding("enter", "close(True)", "Close", show=False),
        Binding("y", "copy", "Copy"),
    ]

    def __init__(self, title: str, widgets: Iterable[Widget], copy: str) -> None:
        super().__init__()
        self._title = title
        self._widgets = tuple(widgets)
        self._copy = copy

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="reader") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = "esc close   y copy   ↑↓ scroll"
            yield from self._widgets

    def action_close(self, onward: bool = False) -> None:
        self.dismiss(onward)

    def action_copy(self) -> None:
        cast("App", self.app).copy(self._copy, "Text")


def text_reader(title: str, text: ContentText, copy: str) -> Reader:
    return Reader(title, [Static(text, markup=False)], copy)


class Help(ModalScreen[None]):
    """What this screen is for, and every key that works on it."""

    BINDINGS: ClassVar[list[BindingType]] = [_CLOSE, Binding("enter", "close", show=False)]

    def __init__(self, text: str, screen: Screen[object]) -> None:
        super().__init__()
        self._text = text
        keys = (
            (screen.app.get_key_display(active.binding), active.binding.description)
            for active in keys_of(screen)
        )
        self._keys = tuple(dict.fromkeys(keys))

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="reader") as box:
            box.border_title = "Help"
            box.border_subtitle = "esc close   ↑↓ scroll"
            yield Static(self._text, markup=False)
            yield Static(
                Content("\n").join(
                    [
                        Content(""),
                        *(
                            Content.assemble((f"{key:>8}", "bold"), f"  {description}")
                            for key, description in self._keys
                        ),
                        Content.assemble(("      ^p", "bold"), "  All commands of the screen"),
                        Content.assemble(
                            ("     tab", "bold"), "  Next field; shift+tab: previous field"
                        ),
                    ]
                )
            )

    def action_close(self) -> None:
        self.dismiss()
