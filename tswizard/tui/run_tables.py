"""The tables of the running step as the Run screen shows them."""

from collections import Counter
from collections.abc import Iterator, Sequence

from tswizard.core.model.events import TableProgress, TableState
from tswizard.core.model.wording import number, short_number, size
from tswizard.tui.text import bar
from tswizard.tui.widgets.table import NO_FIGURE, Column
from tswizard.wizard.text import one_line

MOST = 300
"""Tables with a line of their own; a database may have thousands, which nobody could follow, and to
draw them all again would take the time that keys need."""

_BAR = 12
"""Cells."""

RUN_TABLES = (
    Column(title="table", flexible=True, help="Schema and name; public is left out."),
    Column(title="progress", keeps=32, help="Pieces that are done, of all."),
    Column(
        title="pieces",
        right=True,
        help="Pieces that are done, and how many there are: chunks, tables or parts of them.",
    ),
    Column(title="rows", right=True, help="Rows that have arrived so far."),
    Column(
        title="rate",
        right=True,
        help="What arrives now; bytes a second, or rows where nobody counts bytes.",
    ),
    Column(
        title="retries",
        right=True,
        rare=True,
        help="Failed attempts that were repeated: a lost connection, a deadlock.",
    ),
    Column(
        title="state",
        help="FAILED counts pieces that the source or the target refused; the others continue, and "
        "the log says why. LOST and DIFFERS are what the check found.",
    ),
)
_WORDS = {
    TableState.WAITING: "waiting",
    TableState.WORKING: "working",
    TableState.RETRYING: "! retrying",
    TableState.FAILED: "✗ FAILED",
    TableState.DONE: "✓ done",
    TableState.DIFFERS: "! DIFFERS",
    TableState.LOST: "✗ LOST",
}


def table_row(
    progress: TableProgress, rate: float | None, *, over: bool = False
) -> tuple[str, ...]:
    """`over`: nobody works on it anymore, however far it came."""
    stopped = over and progress.state in (TableState.WORKING, TableState.RETRYING)
    state = "■ stopped" if stopped else _WORDS[progress.state]
    return (
        one_line(progress.table.removeprefix("public.")),  # room is short, and it says little
        bar(progress.done, progress.total, _BAR),
        f"{progress.done}/{progress.total}",
        NO_FIGURE if progress.rows is None else short_number(progress.rows),
        NO_FIGURE if over else _rate(progress, rate),
        number(progress.retried) if progress.retried else NO_FIGURE,
        f"✗ {progress.failed} FAILED" if progress.failed else state,
    )


def other_tables(tables: Sequence[TableProgress]) -> Iterator[tuple[str, ...]]:
    """One line for those that have none of their own: how many, by their states."""
    if tables:
        states = Counter(table.state for table in tables)
        said = ", ".join(f"{number(count)} {state}" for state, count in states.items())
        yield f"… and {said}", *("",) * (len(RUN_TABLES) - 1)


def _rate(progress: TableProgress, rate: float | None) -> str:
    """What it does now; a table that nobody works on has none."""
    if not rate or progress.state in (TableState.WAITING, TableState.DONE):
        return NO_FIGURE
    if progress.bytes is not None:
        return f"{size(int(rate))}/s"
    return f"{short_number(int(rate))} rows/s"
