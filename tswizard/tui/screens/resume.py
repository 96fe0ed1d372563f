"""Resume: where a run stands, what resuming does, and what it needs to know again."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from tswizard.core.db.endpoint import BadEndpoint, Endpoint
from tswizard.core.db.errors import CannotConnect
from tswizard.core.model.events import StepState
from tswizard.core.model.wording import duration
from tswizard.core.run.run_folder import RunFolderError
from tswizard.tui.base import HIGH, WizardScreen
from tswizard.tui.widgets.fields import TextField
from tswizard.wizard.text import date_and_time

if TYPE_CHECKING:
    from tswizard.core.run.record import StepRecord
    from tswizard.core.run.run_folder import RunFolder
    from tswizard.wizard.engine import EndpointPair

_OVER = (StepState.DONE, StepState.SKIPPED)
_ASKED = "Password for {label} (empty: ~/.pgpass)"


class ResumeScreen(WizardScreen):
    """Passwords are asked again: a run never keeps them."""

    HEAD: ClassVar[str] = "resume a run"
    NEXT: ClassVar[str | None] = "Resume >"
    HELP: ClassVar[str] = (
        "Finished steps are not repeated; the others are run. A finished dump is used again, and "
        "pieces that were copied stay. When an interrupted restore has left something on the "
        "target, everything that this run put there is removed first, but only after you typed "
        "the name of the target database.\n\n"
        "Passwords are asked for again, since a run never stores them. Leave a field empty when "
        "~/.pgpass or the service file has the password."
    )

    def __init__(self, run_folder: "RunFolder", endpoints: "EndpointPair | None" = None) -> None:
        super().__init__()
        self._run_folder = run_folder
        self._known = endpoints
        self._must_confirm: str | None = None
        self._busy = False

    def compose_body(self) -> Iterable[Widget]:
        record = self._run_folder.record
        yield Static(self._about(), id="about", markup=False)
        source, target = self._known or (None, None)
        yield TextField(
            _ASKED.format(label=record.source_label),
            (source.password or "") if source else "",
            id="source-password",
            password=True,
        )
        yield TextField(
            _ASKED.format(label=record.target_label),
            (target.password or "") if target else "",
            id="target-password",
            password=True,
        )
        yield TextField(
            "To remove what this run put there, type the target database's name", id="confirm"
        )

    def _about(self) -> Content:
        record = self._run_folder.record
        over = [step for step in record.steps if step.state in _OVER]
        rest = [step for step in record.steps if step.state not in _OVER]
        took = f", {duration(record.seconds)} so far" if record.seconds else ""
        return Content("\n").join(
            [
                Content.assemble(
                    (record.id, "bold"), f"  started {date_and_time(record.started)}{took}"
                ),
                Content(f"{record.source_label} → {record.target_label}\n"),
                self._steps("Done", over, "$text-success"),
                self._steps("To do", rest, ""),
            ]
        )

    def on_mount(self) -> None:
        self.query_one("#confirm").display = False
        self.query_one("#source-password").focus()
        self.say("")

    @on(Input.Changed, "#confirm")
    def _typed(self) -> None:
        self.query_one("#confirm", TextField).complain("")

    def go_on(self) -> None:
        if not self._busy:
            self._resume()

    @work
    async def _resume(self) -> None:
        self._busy = True
        try:
            await self._try()
        except (BadEndpoint, CannotConnect, RunFolderError) as error:
            self.say(str(error))
        finally:
            self._busy = False

    async def _try(self) -> None:
        record = self._run_folder.record
        source = self._endpoint(record.source, "source")
        target = self._endpoint(record.target, "target")
        engine = self.wizard.engine
        self.wait_for(f"Checking {record.target_label} …", "No answer has come", "Esc goes back.")
        sentence = await engine.needs_confirmation(self._run_folder, target)
        typed = self.query_one("#confirm", TextField)
        name = target.get("dbname") or target.get("user")
        if sentence and not (typed.display and typed.value.strip() == name):
            if typed.display:
                typed.complain("does not match")
            typed.display = True
            typed.focus()
            self.say(f"{sentence} To continue, type {name}", "look")
            self.call_after_refresh(typed.scroll_visible, animate=False)  # beside what was said
            return
        run = await engine.reopen(
            self._run_folder, source, target, typed.value.strip() if sentence else None
        )
        self.wizard.show_run(run, (source, target))

    def _endpoint(self, conninfo: str, end: str) -> Endpoint:
        password = self.query_one(f"#{end}-password", TextField).value
        return Endpoint.parse(conninfo, password=password or None)

    def _steps(self, title: str, steps: "Sequence[StepRecord]", style: str) -> Content:
        """In a line of their own each where there is room."""
        names = [step.title or step.name.replace("-", " ") for step in steps]
        apart, between = ("\n  ", "\n  ") if self.app.size.height >= HIGH else (" ", ", ")
        return Content.assemble(
            (f"{title}:", "bold"), apart, (between.join(names) or "none", style)
        )
