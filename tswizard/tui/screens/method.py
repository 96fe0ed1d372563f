"""Method: how the data moves, and every decision about it."""

from collections.abc import Iterable
from textwrap import shorten
from typing import Any, ClassVar

from textual import on
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.events import DescendantFocus
from textual.widget import Widget
from textual.widgets import Static

from tswizard.core.answers import Answers
from tswizard.questions import QUESTIONS, Kind, Question
from tswizard.tui.base import WizardScreen
from tswizard.tui.draft import Decided, Inspected
from tswizard.tui.text import plural, size
from tswizard.tui.widgets.fields import Choices, Field, TextField, answer_of, field_for

_ELSEWHERE = ("recreate_extension",)
"""Answered on Inspect."""

_ONLY = {"compress_first": "full", "via": "split", "piece": "split"}
"""Questions that mean something for one method."""

_TYPED = (Kind.NUMBER, Kind.TEXT, Kind.FOLDER)

_HELP_LINES = 3

_ONE_WAY = (
    "Moving it table by table, with a restart in the middle, is not in this version: if the "
    "link drops, dump or restore start again."
)


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
    def topic(self) -> str:
        return "\n\n".join(f"{q.text}\n{q.help}" for q in QUESTIONS if q.section == "answers")

    def compose_frame(self) -> Iterable[Widget]:
        method = [q for q in self._questions if q.key == "method"]
        typed = [q for q in self._questions if q.kind in _TYPED]
        with VerticalScroll(id="body", can_focus=False):
            yield from map(self._ask, method)
            yield Static(id="about", markup=False)
            with Horizontal(id="typed"):
                yield from map(self._ask, typed)
            yield from (self._ask(q) for q in self._questions if q not in (*method, *typed))
        yield Static(id="question-help", markup=False)

    def _ask(self, question: Question) -> Field:
        return field_for(question, self._given[question.key])

    def on_mount(self) -> None:
        self.say("")
        self._show_method()

    # What depends on the method

    @property
    def _method(self) -> str:
        chosen = self.query("#method").results(Choices)
        return next((field.value for field in chosen), self._given["method"])

    @on(Choices.Changed, "#method")
    def _show_method(self) -> None:
        for question in self._questions:
            self._field(question).display = self._fits(question)
        self.query_one("#about", Static).update(self._about())

    def _fits(self, question: Question) -> bool:
        return _ONLY.get(question.key, self._method) == self._method

    def _about(self) -> Content:
        inventory = self._inspected.inventory
        compressed = sum(h.compressed_chunks for h in inventory.hypertables)
        chunks = plural(compressed, "compressed chunk")
        moves = f"about {size(inventory.dump_bytes)}"
        if self._method != "full":
            again = f", {chunks} compressed again there" if compressed else ""
            return Content(f"Moves {moves} as stored here, as rows{again}.")
        stored = f", {chunks} as stored" if compressed else ""
        text = f"one dump, one restore; moves {moves}{stored}."
        if any(question.key == "method" for question in self._questions):
            return Content(text[0].upper() + text[1:])
        return Content.assemble(("Full", "bold"), f": {text}\n", (_ONE_WAY, "dim"))

    # Answering

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        question = next((q for q in self._questions if q.key == event.widget.id), None)
        box = self.query_one("#question-help", Static)
        room = _HELP_LINES * (box.content_region.width - 8)
        text = question.help if question else ""
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
        self.wizard.show_review(
            Decided(self._inspected, Answers(**values), self._inspected.findings)
        )

    def _refuse(self, field: Field, question: Question, error: str) -> None:
        if isinstance(field, TextField):
            field.complain("✗")
        field.focus()
        self.say(f"{question.text}: {error}.")

    def _field(self, question: Question) -> Field:
        found = self.query_one(f"#{question.key}")
        assert isinstance(found, Field)
        return found
