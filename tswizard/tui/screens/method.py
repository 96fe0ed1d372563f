"""Method: how the data moves, and every decision about it."""

from collections.abc import Iterable
from typing import Any, ClassVar

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
from tswizard.tui.widgets.fields import Field, TextField, answer_of, field_for

ELSEWHERE = ("method", "recreate_extension")
"""Answers given elsewhere: the only method there is, and the offer on Inspect."""

_SPLIT = (
    "Moving it table by table, with a restart in the middle, is not in this version: if the "
    "link drops, dump or restore start again."
)


class MethodScreen(WizardScreen):
    """A form made of the questions, with the help of the focused one at its foot."""

    STEP: ClassVar[str | None] = "Method"

    def __init__(self, inspected: Inspected) -> None:
        super().__init__()
        self._inspected = inspected
        self._questions = tuple(
            q for q in QUESTIONS if q.section == "answers" and q.key not in ELSEWHERE
        )

    @property
    def topic(self) -> str:
        return "\n\n".join(f"{q.text}\n{q.help}" for q in QUESTIONS if q.section == "answers")

    def compose_frame(self) -> Iterable[Widget]:
        with VerticalScroll(id="body", can_focus=False):
            yield Static(self._about(), id="about", markup=False)
            typed = [q for q in self._questions if q.kind in (Kind.NUMBER, Kind.FOLDER)]
            with Horizontal(id="typed"):
                for question in typed:
                    yield field_for(question, question.default)
            for question in self._questions:
                if question not in typed:
                    yield field_for(question, question.default)
        yield Static(id="question-help", markup=False)

    def _about(self) -> Content:
        inventory = self._inspected.inventory
        compressed = sum(h.compressed_chunks for h in inventory.hypertables)
        moves = f"moves about {size(inventory.dump_bytes)}"
        if compressed:
            moves += f", {plural(compressed, 'compressed chunk')} as stored"
        return Content.assemble(
            ("Full", "bold"),
            f": one dump, one restore; {moves}.\n",
            (_SPLIT, "$text-muted"),
        )

    def on_mount(self) -> None:
        self.say("")

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        question = next((q for q in self._questions if q.key == event.widget.id), None)
        self.query_one("#question-help", Static).update(question.help if question else "")

    def go_on(self) -> None:
        values: dict[str, Any] = {"recreate_extension": self._inspected.recreate_extension}
        for question in self._questions:
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
