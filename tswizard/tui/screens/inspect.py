"""Inspect: what the source holds, and what stands in the way."""

from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static, TabbedContent, TabPane

from tswizard.core.catalog.read import CannotRead
from tswizard.core.db.errors import CannotConnect
from tswizard.core.model.answers import Answers
from tswizard.core.model.finding import Finding, Level, worst
from tswizard.tui.base import WizardScreen
from tswizard.tui.inventory_tables import (
    EXTENSIONS,
    HYPERTABLES,
    JOBS,
    ROLES,
    TABLES,
    CaggTree,
    grow_caggs,
)
from tswizard.tui.widgets.chunk_bars import ChunkBars
from tswizard.tui.widgets.fields import Tick
from tswizard.tui.widgets.findings import FindingsView, counts
from tswizard.tui.widgets.table import FittingTable, columns_help
from tswizard.wizard.chunk_bars import share_bar
from tswizard.wizard.inventory_rows import (
    extension_rows,
    hypertable_rows,
    job_rows,
    materializations,
    own_hypertables,
    role_rows,
    summary,
    table_rows,
)
from tswizard.wizard.state import (
    ASKED_ON_INSPECT,
    ConnectedPair,
    Inspected,
    open_methods,
    with_jobs,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tswizard.core.catalog.hypertable_model import Hypertable
    from tswizard.core.catalog.inventory import Inventory
    from tswizard.core.model.answers import MethodName


class InspectScreen(WizardScreen):
    """Reads first, then checks; each finding shows as soon as it is there."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "tab(-1)", "Tabs", key_display="←→"),
        Binding("right", "tab(1)", show=False),
        Binding("ctrl+r", "again", "Check again"),
    ]
    STEP: ClassVar[str | None] = "Inspect"
    HELP: ClassVar[str] = (
        "What the source holds, read from its catalog, and the checks that must pass before "
        "anything is changed.\n\n"
        "PASS: verified. LOOK: read it and decide; it does not block you. FAIL: the migration "
        "would not work; do what the arrow → says, then press Ctrl+R to read and check again. "
        "What starts with Full or Split concerns that method only.\n\n"
        "Left and right switch tabs, up and down scroll. The gravest findings come first; s "
        "sorts them by subject, and back. Below the hypertables, the one under the cursor is drawn "
        "over time: its bytes by the start of its chunks, and how much of it is compressed. ? "
        "explains the figures of the line under the cursor."
    )

    def __init__(self, pair: ConnectedPair) -> None:
        super().__init__()
        self._pair = pair
        self._inventories: tuple[Inventory, Inventory] | None = None
        self._checked = False
        self._impatient = False
        """Enter was pressed before there was anything to continue with."""
        self._at = ("", "")
        self._answers = Answers()
        self._tables: list[Hypertable] = []

    @property
    def help_text(self) -> str:
        tables = {
            "Hypertables": HYPERTABLES,
            "Tables": TABLES,
            "Jobs": JOBS,
            "Roles": ROLES,
            "Extensions": EXTENSIONS,
        }
        columns = (f"{title}\n{columns_help(table)}" for title, table in tables.items())
        return "\n\n".join((self.HELP, *columns))

    @property
    def figure_help(self) -> tuple[str, str]:
        focused = self.focused
        if not isinstance(focused, FittingTable):
            return super().figure_help
        return "What the figures mean", focused.figures

    @property
    def refused(self) -> bool:
        """The checks are done and leave no method."""
        return self._checked and not self._open_methods

    @property
    def _open_methods(self) -> list["MethodName"]:
        """Those that no check forbids, as far as Method cannot settle it."""
        return open_methods(self._findings, self.wizard.engine.methods())

    @property
    def _findings(self) -> tuple[Finding, ...]:
        return self.query_one(FindingsView).findings

    def compose_frame(self) -> Iterable[Widget]:
        yield Static(id="inspect-sum", markup=False)
        with TabbedContent(initial="tab-findings"):
            with TabPane("Findings", id="tab-findings"):
                yield Tick(
                    "Recreate TimescaleDB on the target at the source's version", id="recreate"
                )
                yield FindingsView(id="findings")
            with TabPane("Hypertables", id="tab-hypertables"):
                yield FittingTable(HYPERTABLES, id="hypertables")
                yield ChunkBars(id="bulk")
            with TabPane("Tables", id="tab-tables"):
                yield FittingTable(TABLES, id="tables")
            with TabPane("Continuous aggregates", id="tab-caggs"):
                yield CaggTree(id="caggs")
            with TabPane("Jobs", id="tab-jobs"):
                yield FittingTable(JOBS, id="jobs")
            with TabPane("Roles", id="tab-roles"):
                yield FittingTable(ROLES, id="roles")
            with TabPane("Extensions", id="tab-extensions"):
                yield FittingTable(EXTENSIONS, id="extensions")

    def on_mount(self) -> None:
        self.query_one("Tabs").can_focus = False
        self.query_one("#recreate").display = False
        self.query_one(FindingsView).focus()
        self._read()

    # Reading and checking

    def action_again(self) -> None:
        self._read()

    @work(exclusive=True)
    async def _read(self) -> None:
        self._checked = self._impatient = False
        await self.query_one(FindingsView).start()
        engine, pair = self.wizard.engine, self._pair
        try:
            source = await engine.read_inventory(pair.source.endpoint, self._reading("source"))
            self._fill(source)
            target = await engine.read_inventory(pair.target.endpoint, self._reading("target"))
            self._inventories = (source, target)
            self.query_one("#roles", FittingTable).show(role_rows(source, target))
            await self._examine(source, target)
        except (CannotConnect, CannotRead) as error:
            self.say(f"{error} Then press Ctrl+R.")

    def _reading(self, end: str) -> Callable[[str], None]:
        silence = f"The {end} has not answered"
        return lambda what: self._at_work(f"Reading the {end}: {what} …", silence)

    def _at_work(self, text: str, silence: str) -> None:
        """What it is at, and where Enter was pressed that this comes first."""
        self._at = text, silence
        more = " Enter continues when the checks are done." if self._impatient else ""
        self.wait_for(f"{text}{more}", silence, "Ctrl+R starts again, Esc goes back.")

    async def _examine(self, source: "Inventory", target: "Inventory") -> None:
        self._at_work("Checking …", "No check has ended")
        engine = self.wizard.engine
        methods = [method.name for method in engine.methods()]
        checks = engine.examine(self._pair, source, target, self._answers, methods)
        view = self.query_one(FindingsView)
        async with aclosing(cast("AsyncGenerator[Finding]", checks)) as findings:
            async for finding in findings:
                await view.add(finding)
                self.heard()
                if ASKED_ON_INSPECT in finding.answered_by:
                    self._offer()
        self._checked = True
        self._say_result()

    def _offer(self) -> None:
        """Recreating the extension settles it: one tick away."""
        tick = self.query_one("#recreate")
        if not tick.display:
            tick.display = True
            tick.focus()

    def _say_result(self) -> None:
        level = worst(self._findings)
        total = counts(self._findings)
        if self.refused:
            text = "Fix the FAIL items, then press Ctrl+R."
            if self.query_one("#recreate").display and not self._answers.recreate_extension:
                text = "Tick the box above, or fix the FAIL items and press Ctrl+R."
        elif len(self._open_methods) < len(self.wizard.engine.methods()):
            possible = " and ".join(self._open_methods)
            text = f"Only the {possible} method is possible; Enter continues."
        elif level is Level.FAIL:
            text = "The FAIL items depend on answers on Method; Enter continues."
        elif level is Level.LOOK:
            text = "Review the LOOK items; Enter continues."
        else:
            text = "No problems found; Enter continues."
        self.say("")
        self.query_one("#notice", Static).update(Content("   ").join([total, Content(text)]))
        self.query_one("#notice").display = True

    @on(Tick.Changed, "#recreate")
    def _recreate_changed(self, event: Tick.Changed) -> None:
        self._answers = replace(self._answers, recreate_extension=event.value)
        self._check_again()

    @work(exclusive=True)
    async def _check_again(self) -> None:
        if self._inventories is None:
            return
        self._checked = self._impatient = False
        await self.query_one(FindingsView).start()
        try:
            await self._examine(*self._inventories)
        except CannotConnect as error:
            self.say(f"{error} Then press Ctrl+R.")

    def _fill(self, inventory: "Inventory") -> None:
        self.query_one("#inspect-sum", Static).update(summary(inventory))
        for id, rows in (
            ("#hypertables", map(_with_bar, hypertable_rows(inventory))),
            ("#tables", table_rows(inventory)),
            ("#jobs", job_rows(inventory)),
            ("#extensions", extension_rows(inventory)),
        ):
            self.query_one(id, FittingTable).show(rows)
        grow_caggs(self.query_one(CaggTree), inventory.caggs, materializations(inventory))
        self._tables = own_hypertables(inventory)
        self._show_bulk()

    @on(FittingTable.RowHighlighted, "#hypertables")
    def _show_bulk(self) -> None:
        row = self.query_one("#hypertables", FittingTable).cursor_row
        there = 0 <= row < len(self._tables)
        self.query_one(ChunkBars).show(self._tables[row] if there else None)

    # Keys

    def action_tab(self, by: int) -> None:
        tabs = self.query_one(TabbedContent)
        ids = [pane.id or "" for pane in tabs.query(TabPane)]
        tabs.active = ids[(ids.index(tabs.active) + by) % len(ids)]

    @on(TabbedContent.TabActivated)
    def _tab_shown(self, event: TabbedContent.TabActivated) -> None:
        for widget in event.pane.query("FindingsView, FittingTable, CaggTree"):
            widget.focus()

    def go_on(self) -> None:
        if not self._checked or self._inventories is None:
            self._impatient = True
            if self._wait is None:
                self.app.bell()
            else:
                self._at_work(*self._at)
        elif self.refused:
            self.query_one(TabbedContent).active = "tab-findings"
            self.app.bell()
        else:
            answers, possible = self._answers, self._open_methods
            if answers.method not in possible:
                answers = replace(answers, method=possible[0])
            answers = with_jobs(answers, self._pair)
            self.wizard.show_method(
                Inspected(
                    pair=self._pair,
                    inventory=self._inventories[0],
                    target_inventory=self._inventories[1],
                    findings=self._findings,
                    answers=answers,
                )
            )


def _with_bar(row: tuple[str, ...]) -> tuple[str, ...]:
    """The compressed share with a bar in front."""
    share = row[2]
    if not share.endswith("%"):
        return row
    bar = share_bar(int(share.removesuffix("%")), 100, _BAR)
    return (*row[:2], f"{bar} {share:>4}", *row[3:])


_BAR = 5
"""Characters of such a bar."""
