"""Questions as form fields.

Enter is not theirs: it leads to the next screen everywhere. Space ticks, up and down move.
What is ticked shows in the characters, not in a color.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Input

from tswizard.questions import Choice, Kind, Question
from tswizard.wizard.text import whole_number


class TextField(Input):
    """A line of text; its label is in the border, and so is what is wrong with it."""

    def __init__(
        self,
        label: str,
        value: str = "",
        *,
        id: str | None = None,
        password: bool = False,
        whole_number: bool = False,
        hint: str = "",
        known: Sequence[str] = (),
    ) -> None:
        """`known` are values that are offered behind the cursor; → takes one."""
        super().__init__(
            value,
            id=id,
            suggester=SuggestFromList(known, case_sensitive=False) if known else None,
            password=password,
            type="integer" if whole_number else "text",
            placeholder=hint,
            select_on_focus=False,
        )
        self.border_title = Content(label)
        self.cursor_blink = False

    def complain(self, error: str) -> None:
        """Show what is wrong with the value; empty takes it back."""
        self.set_class(bool(error), "-wrong")
        self.border_subtitle = Content(error)


class Tick(Widget, can_focus=True):
    """A yes-or-no question."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "tick", "Tick")]

    value: reactive[bool] = reactive(False)

    @dataclass
    class Changed(Message):
        tick: "Tick"
        value: bool

        @property
        def control(self) -> "Tick":
            return self.tick

    def __init__(self, label: str, value: bool = False, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._label = label
        self.set_reactive(Tick.value, value)

    def render(self) -> Content:
        return Content(f"[{'x' if self.value else ' '}] {self._label}")

    def action_tick(self) -> None:
        self.value = not self.value
        self.post_message(self.Changed(self, self.value))

    def on_click(self, event: Click) -> None:
        event.stop()
        self.action_tick()


class Choices(Widget, can_focus=True):
    """One of a few; moving the cursor chooses, so that there is no second state to get wrong."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
    ]

    index: reactive[int] = reactive(0)

    @dataclass
    class Changed(Message):
        choices: "Choices"
        value: str

        @property
        def control(self) -> "Choices":
            return self.choices

    def __init__(
        self, label: str, choices: Sequence[Choice], value: str, *, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._label = label
        self._choices = tuple(choices)
        chosen = [choice.value for choice in choices].index(value)
        self.set_reactive(Choices.index, chosen)

    @property
    def value(self) -> str:
        return self._choices[self.index].value

    def render(self) -> Content:
        lines = [Content(self._label)]
        lines += [
            Content(f"  ({'•' if index == self.index else ' '}) {choice.text}")
            for index, choice in enumerate(self._choices)
        ]
        return Content("\n").join(lines)

    def action_move(self, by: int) -> None:
        if not 0 <= self.index + by < len(self._choices):
            raise SkipAction  # past the end: on to the next field
        self._choose(self.index + by)

    def on_click(self, event: Click) -> None:
        event.stop()
        if 1 <= event.y <= len(self._choices):
            self._choose(event.y - 1)

    def choose(self, value: str) -> None:
        """As if it had been moved to."""
        self._choose([choice.value for choice in self._choices].index(value))

    def _choose(self, index: int) -> None:
        self.index = index
        self.post_message(self.Changed(self, self.value))


Field = TextField | Tick | Choices


def field_for(question: Question, value: Any) -> Field:
    """The widget that asks this question; its id is the question's key."""
    key = question.key
    match question.kind:
        case Kind.YES_NO:
            return Tick(question.text, bool(value), id=key)
        case Kind.CHOICE | Kind.NAMES | Kind.IDS:
            return Choices(question.text, question.choices, str(value), id=key)
        case Kind.NUMBER:
            return TextField(question.text, str(value), id=key, whole_number=True)
        case Kind.SECRET:
            return TextField(question.text, str(value), id=key, password=True)
        case Kind.TEXT | Kind.FOLDER:
            return TextField(question.text, str(value), id=key)


def answer_of(field: Field, question: Question) -> tuple[Any, str]:
    """The value and, when it does not do, one sentence why."""
    value: Any = field.value
    if question.kind is Kind.NUMBER:
        value = whole_number(field.value) if isinstance(field, TextField) else None
        if value is None:
            return None, "a whole number"
    return value, question.check(value) or ""
