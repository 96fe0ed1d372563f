"""Review: everything that will run, what it costs, and the word that starts it."""

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalGroup, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from tswizard.core.db.errors import CannotConnect
from tswizard.core.model.finding import Level
from tswizard.core.model.wording import number
from tswizard.core.run.run_folder import RunFolderError
from tswizard.questions import question
from tswizard.tui.base import WizardScreen
from tswizard.tui.sql import highlighted
from tswizard.tui.widgets.fields import TextField
from tswizard.wizard.method_questions import todo_here
from tswizard.wizard.review_facts import choices, costs, failed, written_runbook
from tswizard.wizard.state import Decided

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tswizard.core.model.finding import Finding
    from tswizard.core.model.plan import Plan, Step

_SHOWN = 6
"""Commands of one step before the rest is only counted; copying takes all."""


class StepCard(VerticalGroup, can_focus=True):
    """One step of the plan; while it has the focus, `y` copies its commands alone."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "copy", "Copy step")]

    class Copy(Message):
        def __init__(self, step: "Step") -> None:
            super().__init__()
            self.step = step

    def __init__(self, number: int, step: "Step") -> None:
        super().__init__()
        self._number = number
        self.step = step

    def compose(self) -> ComposeResult:
        step = self.step
        yield Static(f"{self._number:>2}  {step.title}", classes="step-title", markup=False)
        yield Static(step.what, classes="step-what", markup=False)
        shown = [highlighted(command) for command in step.commands[:_SHOWN]]
        hidden = len(step.commands) - _SHOWN
        if hidden > 0:
            more = (
                f"… and {number(hidden)} more like these; Shift+Tab to this step, then y copies all"
            )
            shown.append(Content.styled(more, "$text 75%"))
        if shown:
            yield Static(Content("\n").join(shown), classes="step-commands")

    def action_copy(self) -> None:
        self.post_message(self.Copy(self.step))


class ReviewScreen(WizardScreen):
    """The last screen on which nothing has been changed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+y", "copy_all", "Copy all"),
        Binding("ctrl+r", "runbook", "Runbook"),
        # Before the field's own: the plan is read while the name is typed.
        Binding("pagedown", "scroll(1)", show=False, priority=True),
        Binding("pageup", "scroll(-1)", show=False, priority=True),
    ]
    STEP: ClassVar[str | None] = "Review"
    NEXT: ClassVar[str | None] = "Start >"
    HELP: ClassVar[str] = (
        "Every step in order, with its commands and SQL, without passwords. Nothing has been "
        "changed so far. A line that begins with -- stands for what is known only during the run. "
        "Long lists are cut short: Shift+Tab moves to a step and y copies all of "
        "it; Ctrl+Y copies the whole plan. PgDn and PgUp scroll.\n\n"
        "Ctrl+R writes a runbook into the folder tswizard-runbook: Markdown and a script, for "
        "carrying the plan out by hand with psql, pg_dump and pg_restore alone.\n\n"
        "Type the name of the target database and press Enter to start. From then on the run is "
        "unattended; it can be paused, stopped and resumed, but not undone."
    )

    def __init__(self, decided: Decided) -> None:
        super().__init__()
        self._decided = decided
        self._plan: Plan | None = None
        self._checked = decided.examined
        self._starting = False

    @property
    def _wanted(self) -> str:
        """What has to be typed."""
        return self._decided.inspected.pair.target.server.database

    @property
    def figure_help(self) -> tuple[str, str]:
        card = self.focused
        if not isinstance(card, StepCard):
            return super().figure_help
        return card.step.title, "\n\n".join((card.step.what, *card.step.commands))

    def compose_frame(self) -> Iterable[Widget]:
        yield VerticalScroll(id="plan", can_focus=False)
        yield Static(id="cost", markup=False)
        asked = question("target", "confirm")
        assert asked is not None
        yield TextField(f"{asked.text}: {self._wanted}", id="confirm")

    def on_mount(self) -> None:
        self.say("")
        self.query_one("#confirm").focus()
        self._make_plan()

    @work
    async def _make_plan(self) -> None:
        plan = await asyncio.to_thread(self.wizard.engine.plan, self._decided)
        cards = [StepCard(number, step) for number, step in enumerate(plan.steps, 1)]
        left = "\n".join(choices(self._decided, self.wizard.engine.methods()))
        shown = [Static(left, id="choices", markup=False)] if left else []
        await self.query_one("#plan").mount_all([*shown, *cards])
        self._plan = plan
        if not self._checked:
            await self._check()
        self._show_cost(plan)

    async def _check(self) -> None:
        """The checks once more, now with what was decided since Inspect."""
        self.wait_for("Checking with your answers …", "No check has ended", "Esc goes back.")
        inspected = self._decided.inspected
        checks = self.wizard.engine.examine(
            inspected.pair,
            inspected.inventory,
            inspected.target_inventory,
            self._decided.answers,
        )
        try:
            async with aclosing(cast("AsyncGenerator[Finding]", checks)) as found:
                findings: tuple[Finding, ...] = ()
                async for finding in found:
                    findings = (*findings, finding)
                    self.heard()
        except CannotConnect as error:
            self.say(f"{error} Go back and try again.")
            return
        self._decided = replace(self._decided, findings=findings)
        self._checked = True
        self.say("")

    def _show_cost(self, plan: "Plan") -> None:
        self.query_one("#cost", Static).update(self._cost(plan))
        if finding := failed(self._decided):
            self.say(f"✗ FAIL  {finding.what} → {todo_here(finding)}")

    def _cost(self, plan: "Plan") -> Content:
        lines = [Content(line) for line in costs(self._decided, plan)]
        looks = [f for f in self._decided.findings if f.level is Level.LOOK]
        if looks:
            rest = f" (and {len(looks) - 1} more on Inspect)" if len(looks) > 1 else ""
            text = f"! LOOK  {looks[0].what}{rest}"
            lines.append(Content.styled(text, "$text-warning"))
        return Content("\n").join(lines)

    # Copying and scrolling, while the focus stays where the name is typed

    def action_copy_all(self) -> None:
        if self._plan is not None:
            text = "\n\n".join(
                "\n".join((f"-- {step.title}", *step.commands)) for step in self._plan.steps
            )
            self.wizard.copy(text, "All commands")

    @work(exclusive=True)
    async def action_runbook(self) -> None:
        """Both forms, into the folder from which tswizard was started."""
        if self._plan is None or not self._checked:
            return
        if failed(self._decided) is not None:
            self.app.bell()
            self._show_cost(self._plan)
            return
        self.wait_for(
            "Writing the runbook: both databases are read …",
            "No answer has come",
            "Ctrl+R tries again, Esc goes back.",
        )
        done, sentence = await written_runbook(self.wizard.engine, self._decided)
        self.say(sentence, "" if done else "fail")

    @on(StepCard.Copy)
    def _copy_one(self, event: StepCard.Copy) -> None:
        self.wizard.copy("\n".join(event.step.commands), f"“{event.step.title}”")

    def action_scroll(self, pages: int) -> None:
        plan = self.query_one("#plan")
        plan.scroll_relative(y=pages * (plan.size.height - 1), animate=False)

    # Starting

    @on(Input.Changed, "#confirm")
    def _typed(self) -> None:
        self.query_one("#confirm", TextField).complain("")
        self.say("")

    def go_on(self) -> None:
        field = self.query_one("#confirm", TextField)
        if self._plan is None or not self._checked or self._starting:
            return
        if failed(self._decided) is not None:
            self.app.bell()
            self._show_cost(self._plan)
            return
        if field.value.strip() != self._wanted:
            field.complain("does not match")
            field.focus()
            self.say(f"To start, type the name of the target database: {self._wanted}")
            return
        self._starting = True
        self._start()

    @work
    async def _start(self) -> None:
        try:
            run = await asyncio.to_thread(
                self.wizard.engine.start, self._decided, demo=self.wizard.demo
            )
        except RunFolderError as error:
            self._starting = False
            self.say(str(error))
            return
        pair = self._decided.inspected.pair
        self.wizard.show_run(run, (pair.source.endpoint, pair.target.endpoint))
