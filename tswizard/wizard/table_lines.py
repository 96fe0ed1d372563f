"""Tables of a run as lines: where pieces are counted, how many, how fast, what was tried again."""

from collections.abc import Iterator

from tswizard.core.model.events import TableProgress, TableState
from tswizard.core.model.rate import Rate
from tswizard.core.model.wording import plural, size

_MOST = 8
"""Tables told at once; the others are only counted."""

_ENDS = (TableState.DONE, TableState.FAILED, TableState.DIFFERS, TableState.LOST)
_TROUBLE = (TableState.RETRYING, TableState.FAILED)


class TableLines:
    """Keeps the tables of the step that runs. A line is made when one ends or has trouble, and
    now and then for those that are worked on."""

    def __init__(self) -> None:
        self._last: dict[str, TableProgress] = {}
        self._rates: dict[str, Rate] = {}
        self._fresh: set[str] = set()

    def begin(self) -> None:
        """Another step."""
        self._last.clear()
        self._rates.clear()
        self._fresh.clear()

    def add(self, event: TableProgress) -> str | None:
        """Keep an event; its line, if it is worth one at once."""
        before = self._last.get(event.table)
        self._last[event.table] = event
        if event.counted is not None:
            self._rates.setdefault(event.table, Rate()).add(event.at, event.counted)
        if event.state not in _ENDS:
            self._fresh.add(event.table)
        else:
            self._fresh.discard(event.table)
        if before is not None and (before.state, before.failed, before.retried) == (
            event.state,
            event.failed,
            event.retried,
        ):
            return None
        worth = event.state in (*_ENDS, *_TROUBLE) and (before is not None or event.total > 0)
        return self._line(event) if worth else None

    def working(self) -> Iterator[str]:
        """Lines of the tables that have moved since the last time."""
        moving = [
            self._last[name]
            for name in self._last
            if name in self._fresh and self._last[name].state is not TableState.WAITING
        ]
        self._fresh.clear()
        for event in moving[:_MOST]:
            yield self._line(event)
        if len(moving) > _MOST:
            yield f"and {plural(len(moving) - _MOST, 'more table')}"

    def _line(self, event: TableProgress) -> str:
        rates = self._rates
        return table_line(event, rates[event.table].per_second if event.table in rates else None)


def table_line(event: TableProgress, rate: float | None) -> str:
    """One table: state, name, figures. `rate` is in bytes or, where these are not counted, rows
    a second."""
    parts = [f"{event.done:,} of {plural(event.total, 'piece')}"]
    if event.rows is not None:
        parts.append(plural(event.rows, "row"))
    if rate and event.state not in (TableState.DONE, TableState.WAITING):
        fast = f"{rate:,.0f} rows" if event.bytes is None else size(rate)
        parts.append(f"{fast}/s")
    if event.retried:
        parts.append(plural(event.retried, "retry", "retries"))
    if event.failed:
        parts.append(f"{event.failed:,} FAILED")
    return f"{event.state:<8} {event.table}: {', '.join(parts)}"
