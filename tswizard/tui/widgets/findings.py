"""Findings as a list that grows while the checks run, the gravest first."""

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalGroup, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tswizard.core.model.finding import WORST_FIRST, Finding, Level
from tswizard.tui.text import WORDS
from tswizard.tui.widgets.facts import Row
from tswizard.wizard.method_questions import todo_here

_SHOWN = 4
"""Details under a finding before the rest is only counted."""
_FINE = (Level.PASS, Level.SKIP)


def finding_row(finding: Finding, *, details: int | None = _SHOWN) -> Row:
    """Word, sentence, evidence, what to do. `details=None` shows every detail."""
    word, style = WORDS[finding.level]
    if finding.level is Level.PASS and details is not None:
        return _Passed(Content.styled(word, style), finding)
    lines = [Content.styled(finding.sentence, "bold")]
    if finding.where:
        lines.append(Content.styled(f"at {finding.where}", "dim"))
    if finding.why:
        lines.append(Content.styled(finding.why, "dim"))
    if finding.todo:
        lines.append(Content(f"→ {todo_here(finding)}"))
    shown = finding.details if details is None else finding.details[:details]
    lines += [Content.styled(f"  {detail}", "dim") for detail in shown]
    if hidden := len(finding.details) - len(shown):
        lines.append(Content.styled(f"  and {hidden} more", "dim"))
    return Row(Content.styled(word, style), Content("\n").join(lines), f"-{finding.level}")


class _Passed(Row):
    """Only the sentence; why it is so where there is much room."""

    def __init__(self, word: Content, finding: Finding) -> None:
        super().__init__(word, Content(finding.sentence), "-pass")
        self._why = finding.why

    def compose(self) -> ComposeResult:
        yield Static(self._left, classes="left", markup=False)
        with VerticalGroup(classes="right"):
            yield Static(self._right, markup=False)
            if self._why:
                yield Static(self._why, classes="why", markup=False)


class FindingsView(VerticalScroll, can_focus=True, inherit_bindings=False):
    """All findings; of a passed check only the sentence. The gravest stand first, or all in the
    order of their checks, which is by subject.

    What wants to be read and what is fine are two groups, side by side where there is room.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll_up", show=False),
        Binding("down", "scroll_down", show=False),
        Binding("pageup", "page_up", show=False),
        Binding("pagedown", "page_down", show=False),
        Binding("home", "scroll_home", show=False),
        Binding("end", "scroll_end", show=False),
        Binding("s", "sort", "Sort"),
    ]

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._found: list[Finding] = []
        """As the checks gave them."""
        self._by_weight = True

    def compose(self) -> ComposeResult:
        yield VerticalGroup(id="findings-open")
        yield VerticalGroup(id="findings-fine")

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The gravest first."""
        return tuple(sorted(self._found, key=_rank))

    async def action_sort(self) -> None:
        """The other order."""
        self._by_weight = not self._by_weight
        found, self._found = self._found, []
        await self.query(Row).remove()
        for finding in found:
            await self.add(finding)
        self.scroll_home(animate=False)

    async def start(self) -> None:
        """Forget everything; the checks run again."""
        self._found.clear()
        await self.query(Row).remove()

    async def add(self, finding: Finding) -> None:
        """Put a finding where its level belongs."""
        fine = self._by_weight and finding.level in _FINE
        group = self.query_one("#findings-fine" if fine else "#findings-open")
        rows = list(group.query(Row))
        before = len(rows)
        if self._by_weight:
            levels = (found.level for found in self._found if (found.level in _FINE) is fine)
            before = sum(WORST_FIRST.index(level) <= _rank(finding) for level in levels)
        self._found.append(finding)
        row = finding_row(finding)
        if before < len(rows):
            await group.mount(row, before=rows[before])
        else:
            await group.mount(row)
        for some in self.query("#findings-open, #findings-fine"):
            some.display = bool(some.children)


def _rank(finding: Finding) -> int:
    return WORST_FIRST.index(finding.level)


def counts(findings: Iterable[Finding]) -> Content:
    """`2 FAIL   1 LOOK   9 PASS`."""
    levels = [finding.level for finding in findings]
    parts = [
        Content.styled(f"{levels.count(level)} {level.upper()}", WORDS[level][1])
        for level in WORST_FIRST
        if level in levels
    ]
    return Content("   ").join(parts)
