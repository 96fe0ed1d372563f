"""Method: samples are timed, the methods compared, one recommended; and every decision about it."""

import time
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from textwrap import shorten
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, HorizontalGroup, VerticalGroup, VerticalScroll
from textual.content import Content
from textual.events import DescendantFocus
from textual.widget import Widget
from textual.widgets import Static

from tswizard.core.model.answers import Answers
from tswizard.core.probe.events import ProbeDone, ProbeEvent, TimingProgress, TimingStarted
from tswizard.questions import RECOMMENDED, Kind, Question
from tswizard.tui.base import WizardScreen, panel
from tswizard.tui.dialogs import Choose, text_reader
from tswizard.tui.widgets.facts import Facts
from tswizard.tui.widgets.fields import Choices, Field, TextField, Tick, answer_of, field_for
from tswizard.tui.widgets.method_table import MethodTable
from tswizard.tui.widgets.probe_panel import ProbePanel
from tswizard.wizard.estimate_words import figures_of, method_rows, probe_lines, why_text
from tswizard.wizard.method_questions import fits, method_questions
from tswizard.wizard.state import Inspected

if TYPE_CHECKING:
    from tswizard.core.model.probed import Probe, Sample
    from tswizard.core.model.recommendation import Advice
    from tswizard.core.run.method import Method

_TYPED = (Kind.NUMBER, Kind.TEXT, Kind.FOLDER)

_HELP_LINES = 3

_OFFERED = 8
"""Samples to pick from."""


class Form(VerticalScroll, inherit_bindings=False):
    """Up and down are left to the screen, which moves between the fields; those come into sight."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "page_up", show=False),
        Binding("pagedown", "page_down", show=False),
    ]


class MethodScreen(WizardScreen):
    """The methods and the probe above a form of the questions; the help of the focused one below.
    Where there is much room they stand side by side, above every figure of both estimates.

    The method follows the recommendation until somebody moves it.
    """

    STEP: ClassVar[str | None] = "Method"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "probe", "Probe"),
        Binding("s", "stop", "Stop"),
        Binding("u", "upload", "Upload"),
        Binding("t", "pick", "Table"),
        Binding("l", "limit", "Limit", show=False),
        Binding("ctrl+o", "folders", "Choose the staging folder", show=False),
        Binding("y", "copy_command", "Copy", show=False),
        Binding("question_mark", "why", "Why", key_display="?"),
    ]

    def __init__(self, inspected: Inspected) -> None:
        super().__init__()
        self._inspected = inspected
        self._questions = method_questions()
        self._given = {q.key: getattr(inspected.answers, q.key) for q in self._questions}
        self._probe: Probe | None = None
        self._advice: Advice | None = None
        self._samples: Sequence[Sample] = ()
        self._command = ""
        self._chosen_by_hand = False
        self._probing = False
        self._measured = 0
        """Bytes, as it was told last."""
        self._kept = False

    @property
    def help_text(self) -> str:
        others = (q for q in self._questions if q.key != "method")
        compared = (method.comparison for method in self.wizard.engine.methods())
        return "\n\n".join((*compared, *(f"{q.text}\n{q.help}" for q in others)))

    def compose_frame(self) -> Iterable[Widget]:
        method = [q for q in self._questions if q.key == "method"]
        limit = [q for q in self._questions if q.key == "time_limit"]
        typed = [q for q in self._questions if q.kind in _TYPED and q not in limit]
        with Form(id="body", can_focus=False):
            with HorizontalGroup(id="method-panes"):
                with VerticalGroup(id="decide") as decide:
                    decide.border_title = "The two methods"
                    yield MethodTable(id="method-table")
                    yield Static(id="recommended", markup=False)
                    yield from map(self._ask, method)
                    yield ProbePanel()
                    yield Facts(id="about")
                with VerticalGroup(id="answers") as answers:
                    answers.border_title = "How it is done"
                    with Horizontal(id="typed"):
                        yield from map(self._ask, typed)
                    yield from map(self._ask, limit)
                    shown = (*method, *limit, *typed)
                    yield from (self._ask(q) for q in self._questions if q not in shown)
            with HorizontalGroup(id="figures"):
                for each in self.wizard.engine.methods():
                    yield panel(Static(id=f"figures-{each.name}", markup=False), each.name)
        yield Static(id="question-help", markup=False)

    def _ask(self, question: Question) -> Field:
        decided = tuple(c for c in question.choices if c.value != RECOMMENDED)
        return field_for(replace(question, choices=decided), self._given[question.key])

    async def on_mount(self) -> None:
        self.say("")
        await self._show_method()
        engine = self.wizard.engine
        self._samples = engine.choose_samples(self._inspected.inventory)
        self._probe = engine.saved_probe(self._inspected.pair)
        self._kept = self._probe is not None and bool(self._probe.timings)
        if self._given["probe"] and self._samples and not self._kept:
            self._begin()
        else:
            self._rest()
        await self._advise()

    # The probe

    def _begin(self) -> None:
        self._probing = True
        self._time()
        self.refresh_bindings()

    @work(group="probe", exclusive=True)
    async def _time(self) -> None:
        answers = self._answers()[0]
        events = self.wizard.engine.probe(self._inspected, answers, self._samples, self._probe)
        self._measured = 0
        self.wait_for("", "Nothing has been measured", "s stops it; Enter continues without it.")
        try:
            async with aclosing(events):
                async for event in events:
                    self._tell(event)
        finally:
            self._probing = False
            if self._wait is not None:
                self.say("")
        self._rest()
        self.refresh_bindings()
        if self.focused is not None:
            self._show_help(self.focused.id)
        await self._advise()

    def _tell(self, event: ProbeEvent) -> None:
        panel = self.query_one(ProbePanel)
        match event:
            case TimingStarted():
                self.heard()
                self._command = event.command or self._command
                panel.begin(event)
            case TimingProgress():
                if event.bytes != self._measured:
                    self.heard()
                self._measured = event.bytes
                panel.progress(event)
            case ProbeDone():
                self._probe, self._kept = event.probe, False
            case _:
                pass

    def _rest(self) -> None:
        panel = self.query_one(ProbePanel)
        if self._probe is not None and (self._probe.timings or self._probe.problems):
            panel.rest((*(self._age() if self._kept else ()), *probe_lines(self._probe)))
        elif not self._samples:
            panel.rest((("sample", "none: the source holds no rows to time"),))
        else:
            panel.rest((("sample", "nothing was timed; r times pg_dump on real data"),))

    def _age(self) -> Iterable[tuple[str, str]]:
        """When an earlier one was."""
        assert self._probe is not None
        at = time.strftime("%Y-%m-%d %H:%M", time.localtime(self._probe.at))
        yield "timed", f"{at}; r times again"

    def action_probe(self) -> None:
        if self._samples and not self._probing:
            self._begin()

    def action_stop(self) -> None:
        """What was timed until then is not kept: a stopped probe says nothing."""
        self.workers.cancel_group(self, "probe")
        self._probing = False
        self._rest()
        self.refresh_bindings()

    def action_upload(self) -> None:
        """Times the way in as well, from now on."""
        self.query_one("#probe_upload", Tick).value = True
        self.action_stop()
        self.action_probe()

    def action_pick(self) -> None:
        offered = self.wizard.engine.samples(self._inspected.inventory)
        tables = tuple(dict.fromkeys(sample.table for sample in offered))[:_OFFERED]
        choices = [(str(number), "Time it", table) for number, table in enumerate(tables)]

        def picked(answer: str | None) -> None:
            if answer:
                table = tables[int(answer)]
                engine = self.wizard.engine
                self._samples = engine.choose_samples(self._inspected.inventory, table)
                self.action_stop()
                self.action_probe()

        self.app.push_screen(Choose("Which table represents the others?", choices), picked)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The footer shows what can be done now."""
        if action in ("probe", "upload", "pick"):
            return bool(self._samples) and not self._probing
        if action == "stop":
            return self._probing
        return True

    def action_limit(self) -> None:
        self.query_one("#time_limit", TextField).focus()

    @work
    async def action_folders(self) -> None:
        """The staging folder, out of those that there are."""
        from tswizard.tui.folders import choose_folder

        field = self.query_one("#staging", TextField)
        if field.display and (folder := await choose_folder(self.app, field.value)):
            field.value = str(folder)
            field.focus()

    def action_copy_command(self) -> None:
        if self._command:
            self.wizard.copy(self._command, "Command")

    def action_why(self) -> None:
        if self._advice is not None:
            text = why_text(self._advice)
            self.app.push_screen(text_reader("Why", text, text))

    # The recommendation

    async def _advise(self) -> None:
        answers, _, error = self._answers()
        if error:
            return
        self._advice = await self.wizard.engine.advise(self._inspected, answers, self._probe)
        recommended = self._advice.recommendation
        if not self._chosen_by_hand:
            await self._follow(recommended.method)
        rows = method_rows(self._advice, self.wizard.engine.methods())
        self.query_one(MethodTable).show(rows, recommended.method)
        for estimate in self._advice.estimates:
            figures = self.query_one(f"#figures-{estimate.method}", Static)
            panel(figures, f"{estimate.method.capitalize()}: {estimate.seconds.text}")
            lines = (
                Content.assemble((f"{what}  ", "bold"), how) for what, how in figures_of(estimate)
            )
            figures.update(Content("\n").join(lines))
        self.query_one("#recommended", Static).update(
            Content.assemble(("Recommended  ", "bold"), recommended.sentence)
        )
        if isinstance(self.focused, Choices):
            self.call_after_refresh(self.query_one(Form).scroll_home, animate=False)

    async def _follow(self, method: str) -> None:
        for field in self.query("#method").results(Choices):
            if field.value != method:
                with self.prevent(Choices.Changed):
                    field.choose(method)
                await self._show_method()

    @on(TextField.Changed)
    @on(Tick.Changed)
    def _answered(self) -> None:
        if self.is_mounted:
            self._advise_again()

    @work(group="advise", exclusive=True)
    async def _advise_again(self) -> None:
        await self._advise()

    @property
    def busy(self) -> bool:
        """Is something timed or reckoned?"""
        return self._probing or any(worker.node is self for worker in self.workers)

    # What depends on the method

    @property
    def _method(self) -> "Method":
        chosen = self.query("#method").results(Choices)
        name = next((field.value for field in chosen), self._given.get("method", "full"))
        return next(method for method in self.wizard.engine.methods() if method.name == name)

    @on(Choices.Changed, "#method")
    async def _moved(self) -> None:
        self._chosen_by_hand = True
        await self._show_method()

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
        return fits(question, self._method.name, self.wizard.engine.methods())

    # Answering

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        self._show_help(event.widget.id)

    def _show_help(self, key: str | None) -> None:
        question = next((q for q in self._questions if q.key == key), None)
        box = self.query_one("#question-help", Static)
        room = _HELP_LINES * (box.content_region.width - 8)
        text = question.help if question else ""
        if question and question.key == "method":
            timed = ", y copies the pg_dump that was timed" if self._command else ""
            text = (
                "↑ and ↓ choose a method, Enter continues with it. ? explains every figure, F1 "
                f"compares the methods, l changes the time limit{timed}."
            )
        if question and question.kind is Kind.FOLDER:
            text = f"^o shows the folders of this machine. {text}"
        box.update(shorten(text, max(room, 40), placeholder=" … (F1 shows all of it)"))

    def _answers(self) -> tuple[Answers, Question | None, str]:
        """As they stand; or those that were given, the first wrong one, and what is wrong."""
        values: dict[str, Any] = {
            **self._given,
            "recreate_extension": self._inspected.recreate_extension,
        }
        for question in filter(self._fits, self._questions):
            value, error = answer_of(self._field(question), question)
            if error:
                return replace(self._inspected.answers, **values), question, error
            values[question.key] = value
        return replace(self._inspected.answers, **values), None, ""

    def go_on(self) -> None:
        for field in self.query(TextField):
            field.complain("")
        answers, wrong, error = self._answers()
        if wrong is not None:
            self._refuse(self._field(wrong), wrong, error)
            return
        self.say("")
        if self._probing:
            self.action_stop()
        self.wizard.show_objects(self._inspected.decided(answers, self._advice))

    def _refuse(self, field: Field, question: Question, error: str) -> None:
        if isinstance(field, TextField):
            field.complain("✗")
        field.focus()
        self.say(f"{question.text}: {error}.")

    def _field(self, question: Question) -> Field:
        found = self.query_one(f"#{question.key}")
        assert isinstance(found, Field)
        return found
