"""Method: how the data moves, and every decision about it."""

from collections.abc import Iterable
from dataclasses import replace
from textwrap import shorten
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.events import DescendantFocus
from textual.widget import Widget
from textual.widgets import Static

from tswizard.core.model.answers import Answers
from tswizard.questions import QUESTIONS, RECOMMENDED, Kind, Question
from tswizard.tui.base import WizardScreen
from tswizard.tui.widgets.facts import Facts
from tswizard.tui.widgets.fields import Choices, Field, TextField, answer_of, field_for
from tswizard.wizard.state import Inspected

if TYPE_CHECKING:
    from tswizard.core.run.method import Method

_ELSEWHERE = (
    "recreate_extension",
    "caggs",
    "history",
    "lose_history",
    "policies",
    "time_limit",
    "probe",
    "probe_upload",
)
"""Answered on Inspect, object by object, and by keys."""

_TYPED = (Kind.NUMBER, Kind.TEXT, Kind.FOLDER)

_HELP_LINES = 3

_DOUBT = "In doubt: full, if you can let it start over; otherwise split."


class Form(VerticalScroll, inherit_bindings=False):
    """Up and down are left to the screen, which moves between the fields; those come into sight."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "page_up", show=False),
        Binding("pagedown", "page_down", show=False),
    ]


class MethodScreen(WizardScreen):
    """A form made of the questions, with the help of the focused one at its foot."""

    STEP: ClassVar[str | None] = "Method"

    def __init__(self, inspected: Inspected) -> None:
        super().__init__()
        self._inspected = inspected
        asked = [q for q in QUESTIONS if q.section == "answers" and q.key not in _ELSEWHERE]
        # With a single answer there is nothing to ask.
        self._questions = [q for q in asked if len(q.choices) != 1]
        self._given = {q.key: getattr(inspected.answers, q.key) for q in asked}

    @property
    def help_text(self) -> str:
        others = (q for q in self._questions if q.key != "method")
        compared = (method.comparison for method in self.wizard.engine.methods())
        return "\n\n".join((*compared, _DOUBT, *(f"{q.text}\n{q.help}" for q in others)))

    def compose_frame(self) -> Iterable[Widget]:
        method = [q for q in self._questions if q.key == "method"]
        typed = [q for q in self._questions if q.kind in _TYPED]
        with Form(id="body", can_focus=False):
            yield from map(self._ask, method)
            yield Facts(id="about")
            with Horizontal(id="typed"):
                yield from map(self._ask, typed)
            yield from (self._ask(q) for q in self._questions if q not in (*method, *typed))
        yield Static(id="question-help", markup=False)

    def _ask(self, question: Question) -> Field:
        decided = tuple(c for c in question.choices if c.value != RECOMMENDED)
        return field_for(replace(question, choices=decided), self._given[question.key])

    async def on_mount(self) -> None:
        self.say("")
        await self._show_method()

    # What depends on the method

    @property
    def _method(self) -> "Method":
        chosen = self.query("#method").results(Choices)
        name = next((field.value for field in chosen), self._given["method"])
        return next(method for method in self.wizard.engine.methods() if method.name == name)

    @on(Choices.Changed, "#method")
    async def _show_method(self) -> None:
        for question in self._questions:
            self._field(question).display = self._fits(question)
        inspected = self._inspected
        facts = self._method.facts(
            inspected.inventory, inspected.pair.source.server, inspected.pair.target.server
        )
        lines = (
            ("Does", facts.does),
            ("Best", facts.best),
            ("Cannot", facts.cannot),
            ("Needs", facts.needs),
        )
        about = self.query_one("#about", Facts)
        await about.show((Content.styled(title, "bold"), text) for title, text in lines if text)

    def _fits(self, question: Question) -> bool:
        """Does the question mean something for the chosen method?"""
        methods = self.wizard.engine.methods()
        return not any(
            question.key in method.asks for method in methods if method is not self._method
        )

    # Answering

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        question = next((q for q in self._questions if q.key == event.widget.id), None)
        box = self.query_one("#question-help", Static)
        room = _HELP_LINES * (box.content_region.width - 8)
        text = question.help if question else ""
        if question and question.key == "method":
            text = "↑ and ↓ show what each method does and cannot do. F1 compares them in full."
        box.update(shorten(text, max(room, 40), placeholder=" … (F1 shows all of it)"))

    def go_on(self) -> None:
        values: dict[str, Any] = {
            **self._given,
            "recreate_extension": self._inspected.recreate_extension,
        }
        for question in filter(self._fits, self._questions):
            field = self._field(question)
            value, error = answer_of(field, question)
            if isinstance(field, TextField):
                field.complain("")
            if error:
                self._refuse(field, question, error)
                return
            values[question.key] = value
        self.say("")
        self.wizard.show_objects(self._inspected.decided(Answers(**values)))

    def _refuse(self, field: Field, question: Question, error: str) -> None:
        if isinstance(field, TextField):
            field.complain("✗")
        field.focus()
        self.say(f"{question.text}: {error}.")

    def _field(self, question: Question) -> Field:
        found = self.query_one(f"#{question.key}")
        assert isinstance(found, Field)
        return found
