"""Objects: which continuous aggregates, policies and jobs are migrated."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static

from tswizard.core.catalog.cagg_model import Cagg
from tswizard.core.catalog.inventory import Job
from tswizard.core.model.kept_history import with_loss_accepted
from tswizard.core.model.object_selection import ObjectSelection, ObjectSet
from tswizard.core.model.wording import number, plural
from tswizard.tui.base import WizardScreen
from tswizard.tui.dialogs import Ask
from tswizard.tui.sql import highlighted
from tswizard.tui.text import shortened
from tswizard.tui.widgets.facts import fact_table
from tswizard.tui.widgets.object_list import ObjectList
from tswizard.wizard.history import History
from tswizard.wizard.object_facts import cagg_facts, in_short, job_facts
from tswizard.wizard.object_rows import ObjectRow, object_rows
from tswizard.wizard.state import Decided

if TYPE_CHECKING:
    from textual.timer import Timer

_ON_LIST = ("tick", "all", "none", "find", "history", "copy")
"""Actions of keys that are letters in the field that finds."""


class ObjectsScreen(WizardScreen):
    """A tree of continuous aggregates, then policies by what they serve; all ticked at first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "tick", "Tick"),
        Binding("a", "all", "All"),
        Binding("n", "none", "None"),
        Binding("slash", "find", "Find", key_display="/"),
        Binding("h", "history", "Keep or recompute history", show=False),
        Binding("y", "copy", "Copy the SQL", show=False),
    ]
    STEP: ClassVar[str | None] = "Objects"

    def __init__(self, decided: Decided) -> None:
        super().__init__()
        self._decided = decided
        self._inventory = decided.inspected.inventory
        answers = decided.answers
        self._selection = ObjectSelection.of(self._inventory, answers)
        self._caggs = {cagg.label: cagg for cagg in self._inventory.caggs}
        self._jobs = {str(job.id): job for job in self._inventory.jobs}
        self._recomputed = frozenset(label for label in self._caggs if answers.recomputes(label))
        self._before: tuple[str, ObjectSelection] | None = None
        """What was unticked last, and what was ticked before: ticking it again undoes that."""
        self._sql: dict[str, str] = {}
        self._telling: Timer | None = None

    @property
    def help_text(self) -> str:
        history = (
            "\n\nh: a continuous aggregate keeps its rows as they are stored, or is recomputed "
            "from the raw rows on the target. Buckets whose raw rows no longer exist are then lost."
            if self._has_history
            else ""
        )
        return (
            "Which continuous aggregates, policies and jobs the target gets. "
            f"{self._fate} Unticking one also unticks what depends on it, and ticking one also "
            "ticks what it needs; ticking what you unticked last undoes that.\n\n"
            "Space ticks, a ticks all, n none; / shows only what has a text in its name, and a and "
            "n then mean those. Tab moves to the SQL, which y copies." + history
        )

    @property
    def _has_history(self) -> bool:
        """Does the method ask whether history is kept?"""
        methods = self.wizard.engine.methods()
        chosen = self._decided.answers.method
        return any("history" in m.asks for m in methods if m.name == chosen)

    @property
    def _fate(self) -> str:
        """What becomes of what is not ticked."""
        if self._has_history:
            return "What you untick is not created on the target."
        return "What you untick is dropped on the target after the restore, before the check."

    def compose_frame(self) -> Iterable[Widget]:
        yield Static(id="objects-sum", markup=False)
        with Vertical(id="objects"):
            yield ObjectList(id="object-list")
            with VerticalScroll(id="object-pane"):
                yield Static(id="object-facts", markup=False)
                yield Static(id="object-sql", markup=False)
        yield Input(id="find", placeholder="part of a name; esc shows all again", compact=True)

    def on_mount(self) -> None:
        self.say(self._fate, "")
        self._find.display = False
        self._draw()
        self._list.focus()

    @property
    def _find(self) -> Input:
        return self.query_one("#find", Input)

    @property
    def _list(self) -> ObjectList:
        return self.query_one(ObjectList)

    # The list

    def _draw(self) -> None:
        """All lines, and the line above them."""
        self._list.show(self._rows())
        chosen, held = self._selection.chosen, self._inventory
        parts = [
            f"{number(len(some))} of {plural(len(every), one, many)}"
            for some, every, one, many in (
                (chosen.caggs, held.caggs, "continuous aggregate", ""),
                (chosen.jobs, held.jobs, "policy or job", "policies and jobs"),
            )
            if every
        ]
        self.query_one("#objects-sum", Static).update(f"Ticked: {', '.join(parts)}")

    def _rows(self) -> Iterator[ObjectRow]:
        return object_rows(self._selection, self._find.value.strip(), self._state_of)

    def _state_of(self, cagg: Cagg) -> str:
        if self._has_history and self._recomputed_by(cagg):
            return "recomputed"
        return "has history" if cagg.state is not None and cagg.state.history else ""

    def _recomputed_by(self, cagg: Cagg) -> str:
        """Which one's answer makes it be recomputed: itself, or one that it is built on."""
        at: Cagg | None = cagg
        while at is not None:
            if at.label in self._recomputed:
                return at.label
            at = self._caggs.get(at.parent or "")
        return ""

    # What is under the cursor

    @on(OptionList.OptionHighlighted, "#object-list")
    def _moved(self) -> None:
        # Whoever holds the key down sees the list move, not every SQL on the way.
        if self._telling is not None:
            self._telling.stop()
        self._telling = self.set_timer(0.03, self._tell)

    def _tell(self) -> None:
        what = self._current
        facts: Iterable[tuple[str, str]] = ()
        if isinstance(what, Cagg):
            facts = self._facts_of(what)
        elif isinstance(what, Job):
            facts = job_facts(what)
        self.query_one("#object-facts", Static).update(fact_table(facts, 11, "bold"))
        self.query_one("#object-sql", Static).update(highlighted(self._sql_of(what)))
        self.query_one("#object-pane").scroll_home(animate=False)

    def _facts_of(self, cagg: Cagg) -> Iterator[tuple[str, str]]:
        full = self._selection.all()
        with_it = full.untick_cagg(cagg.label).left_out
        itself = ObjectSet((cagg,))
        yield from cagg_facts(cagg, self._inventory, with_it - itself)
        if self._has_history:
            by = self._recomputed_by(cagg)
            if not by:
                yield "Rows", "kept as they are stored; h: recompute them"
            elif by == cagg.label:
                yield "Rows", "recomputed from the raw rows; h: keep them as stored"
            else:
                yield "Rows", f"recomputed, since {by} is, on which it is built"

    @property
    def _current(self) -> Cagg | Job | None:
        id = self._list.current
        return self._caggs.get(id) or self._jobs.get(id)

    def _sql_of(self, what: Cagg | Job | None) -> str:
        if what is None:
            return ""
        id = what.label if isinstance(what, Cagg) else str(what.id)
        if id not in self._sql:
            self._sql[id] = self.wizard.engine.object_sql(self._inventory, what)
        return self._sql[id]

    # Ticking

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return not (action in _ON_LIST and isinstance(self.focused, Input))

    def action_tick(self) -> None:
        what = self._current
        if what is None:
            return
        now = self._selection
        if isinstance(what, Job):
            ticked = what.id in now.jobs
            self._select(now.untick_job(what) if ticked else now.tick_job(what), str(what.id))
        elif what.label in now.caggs:
            self._select(now.untick_cagg(what.label), what.label)
            self._before = what.label, now
        elif self._before is not None and self._before[0] == what.label:
            self._select(self._before[1], what.label)
        else:
            self._select(now.tick_cagg(what.label), what.label)

    def _select(self, selection: ObjectSelection, *names: str) -> None:
        """Take it over, and say what went or came along with those that were ticked."""
        gone = selection.left_out - self._selection.left_out
        back = self._selection.left_out - selection.left_out
        self._selection, self._before = selection, None
        self._draw()
        along = _without(gone or back, names)
        if not along:
            self.say(self._fate, "")
            return
        verb = "Left out" if gone else "Ticked"
        it = "it" if len(names) == 1 else "them"
        text = f"{verb} with {it}: {in_short(along)}."
        self.say(shortened(text, self.size.width * 3), "look" if gone else "")

    def action_all(self) -> None:
        self._tick_shown(ticked=True)

    def action_none(self) -> None:
        self._tick_shown(ticked=False)

    def _tick_shown(self, *, ticked: bool) -> None:
        """All of the lines that are there, which finding may have made few."""
        selection = self._selection
        shown = [row for row in self._rows() if row.id]
        for row in shown:
            if row.id in self._caggs:
                change = selection.tick_cagg if ticked else selection.untick_cagg
                selection = change(row.id)
            else:
                job = self._jobs[row.id]
                selection = selection.tick_job(job) if ticked else selection.untick_job(job)
        self._select(selection, *(row.id for row in shown))

    # History

    def action_history(self) -> None:
        what = self._current
        if not self._has_history or not isinstance(what, Cagg):
            return
        by = self._recomputed_by(what)
        if by:
            if by != what.label:
                self.say(f"It is built on {by}, which is recomputed: press h there.", "look")
                return
            self._recompute(what.label, False)
            return
        already = self._lost(self._recomputed)
        loss = [x for x in self._lost(self._recomputed | {what.label}) if x not in already]
        if not loss:
            self._recompute(what.label, True)
            return
        self.app.push_screen(
            Ask(
                "Lose history?",
                f"Recomputed from the raw rows, {what.label} would lose for good on the target "
                f"(the source keeps it):\n\n" + "\n".join(loss),
                yes="Recompute",
                no="Keep",
                id="history",
            ),
            lambda yes: self._recompute(what.label, True) if yes else None,
        )

    def _lost(self, recomputed: frozenset[str]) -> tuple[str, ...]:
        """What recomputing these would lose, whatever is ticked."""
        history = History(self._inventory, self._decided.answers)
        return history.loss(recomputed, self._caggs.values())

    def _recompute(self, label: str, recomputed: bool) -> None:
        self._recomputed = self._recomputed | {label} if recomputed else self._recomputed - {label}
        self._draw()
        self._tell()

    # Finding and copying

    def action_find(self) -> None:
        self._find.display = True
        self._find.focus()

    @on(Input.Changed, "#find")
    def _typed(self) -> None:
        self._draw()

    def action_copy(self) -> None:
        what = self._current
        if what is not None:
            name = what.label if isinstance(what, Cagg) else f"job {what.id}"
            self.wizard.copy(self._sql_of(what), f"The SQL of {name}")

    # Onward

    def action_next(self) -> None:
        if isinstance(self.focused, Input):
            self._list.focus()
            return
        super().action_next()

    def go_back(self) -> None:
        if self._find.display:
            self._find.value = ""
            self._find.display = False
            self._list.focus()
            return
        super().go_back()

    def go_on(self) -> None:
        answers = self._selection.answers(self._decided.answers)
        if self._has_history:
            named = tuple(label for label in self._caggs if label in self._recomputed)
            answers = replace(answers, history=named or "keep")
            answers = with_loss_accepted(self._inventory, answers)  # each, when it was chosen
        self.wizard.show_review(self._decided.inspected.decided(answers, self._decided.advice))


def _without(objects: ObjectSet, names: Collection[str]) -> ObjectSet:
    """What went or came along, without what was ticked itself."""
    return ObjectSet(
        tuple(cagg for cagg in objects.caggs if cagg.label not in names),
        objects.dependents,
        tuple(job for job in objects.jobs if str(job.id) not in names),
    )
