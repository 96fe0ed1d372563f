"""Method: how the data moves, and every decision about it."""

from collections.abc import Iterable
from textwrap import shorten
from typing import Any, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.events import DescendantFocus
from textual.widget import Widget
from textual.widgets import Static

from tswizard.core.model.answers import Answers
from tswizard.core.model.wording import plural, size
from tswizard.questions import QUESTIONS, Kind, Question
from tswizard.tui.base import WizardScreen
from tswizard.tui.widgets.facts import Facts
from tswizard.tui.widgets.fields import Choices, Field, TextField, answer_of, field_for
from tswizard.tui.wizard_state import Decided, Inspected

_ELSEWHERE = ("recreate_extension",)
"""Answered on Inspect."""

_ONLY = {"compress_first": "full", "via": "split", "piece": "split", "keep_record": "split"}
"""Questions that mean something for one method."""

_TYPED = (Kind.NUMBER, Kind.TEXT, Kind.FOLDER)

_HELP_LINES = 3

_COMPARED = (
    "FULL  One pg_dump of everything into a folder here, then one pg_restore into the target. "
    "Aggregates with their history, policies and compressed chunks come across as they are.\n"
    "Better when the whole of it fits into one quiet stretch of time and the line is steady, and "
    "when you want everything without thinking about parts.\n"
    "It cannot go on in the middle: a dump or a restore that breaks off starts again from 0 (a "
    "finished dump is kept). It needs the same version of TimescaleDB on both pair, and room here "
    "for the dump.\n\n"
    "SPLIT  The schema first, then the rows in pieces: chunks, tables, slices of big ones, several "
    "at a time; keys and indexes last. What was compressed is compressed again on the target.\n"
    "Better when the copy takes hours, when the line may drop, when the versions of TimescaleDB "
    "differ, or when there is no room for a dump here. A run that breaks off, or is stopped, goes "
    "on at the piece where it stood; no row comes twice and none is left out.\n"
    "It cannot carry continuous aggregates and policies yet, nor views that stand on aggregates. "
    "Each of them is named at the end, one by one, for you to make again.\n\n"
    "In doubt: full, if you can let it start again; otherwise split."
)
"""Both methods, for somebody who has to decide at night."""


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
        return "\n\n".join((_COMPARED, *(f"{q.text}\n{q.help}" for q in others)))

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
        return field_for(question, self._given[question.key])

    async def on_mount(self) -> None:
        self.say("")
        await self._show_method()

    # What depends on the method

    @property
    def _method(self) -> str:
        chosen = self.query("#method").results(Choices)
        return next((field.value for field in chosen), self._given["method"])

    @on(Choices.Changed, "#method")
    async def _show_method(self) -> None:
        for question in self._questions:
            self._field(question).display = self._fits(question)
        lines = self._split() if self._method == "split" else self._full()
        about = self.query_one("#about", Facts)
        await about.show((Content.styled(title, "bold"), text) for title, text in lines)

    def _fits(self, question: Question) -> bool:
        return _ONLY.get(question.key, self._method) == self._method

    def _full(self) -> tuple[tuple[str, str], ...]:
        stored = f", {self._chunks} as stored" if self._compressed else ""
        return (
            ("Does", f"one dump, one restore: {self._moves}{stored}. Aggregates and policies too."),
            ("Best", "when all of it fits into one quiet stretch and the line is steady."),
            ("Cannot", "go on in the middle: what breaks off, dump or restore, starts from 0."),
            ("Needs", f"equal versions of TimescaleDB; {self._versions}. Room here for the dump."),
        )

    def _split(self) -> tuple[tuple[str, str], ...]:
        again = f", {self._chunks} compressed again there" if self._compressed else ""
        inventory = self._inspected.inventory
        aggregates, jobs = len(inventory.caggs), len(inventory.jobs)
        here = f"{plural(aggregates, 'aggregate')}, {plural(jobs, 'job')}"
        return (
            ("Does", f"the schema, then the rows in pieces: {self._moves}{again}."),
            ("Best", "when it takes hours, the line may drop, or versions differ; goes on at a "
             "piece."),
            ("Cannot", f"carry aggregates and policies yet: each is named at the end ({here})."),
        )  # fmt: skip

    @property
    def _moves(self) -> str:
        return f"about {size(self._inspected.inventory.dump_bytes)}"

    @property
    def _compressed(self) -> int:
        return sum(h.compressed_chunks for h in self._inspected.inventory.hypertables)

    @property
    def _chunks(self) -> str:
        return plural(self._compressed, "compressed chunk")

    @property
    def _versions(self) -> str:
        pair = self._inspected.pair
        here, there = (end.server.timescaledb or "none" for end in (pair.source, pair.target))
        return f"both have {here}" if here == there else f"{here} here, {there} there"

    # Answering

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        question = next((q for q in self._questions if q.key == event.widget.id), None)
        box = self.query_one("#question-help", Static)
        room = _HELP_LINES * (box.content_region.width - 8)
        text = question.help if question else ""
        if question and question.key == "method":
            text = "↑ and ↓ show what each does and what it cannot. F1 compares them at length."
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
