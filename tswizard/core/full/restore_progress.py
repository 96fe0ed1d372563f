"""Progress of a restore, from pg_restore's own lines."""

import re
from dataclasses import dataclass, field

from tswizard.core.db.toc import TocLine
from tswizard.core.full.table_progress import Parts
from tswizard.core.model.events import Unit
from tswizard.core.run.context import Context

_ROWS = "TABLE DATA"
_SERIAL = re.compile(
    r'pg_restore: (?:processing data for table "(?P<rows>.*)"$|(?P<object>creating [A-Z ]+ .*))'
)
_PARALLEL = re.compile(r"pg_restore: (launching|finished) item (\d+) ")


@dataclass(frozen=True, slots=True)
class Entry:
    """A TOC entry of the dump that a phase restores."""

    toc: TocLine
    bytes: int
    """Size of its file in the dump; 0 for anything but rows."""


@dataclass(slots=True, kw_only=True)
class FollowedRestore:
    """Progress from pg_restore's own lines, weighed by the size of each entry's file."""

    ctx: Context
    entries: tuple[Entry, ...]
    parts: Parts
    parallel: bool
    """With -j every entry's end is told; the lines of a serial restore come from workers too."""
    count: int
    """Of entries; `entries` are empty where only that is needed."""
    done: int = 0
    current: Entry | None = None
    seen: set[int] = field(default_factory=set)
    newest: str = ""
    """What was begun or finished last."""
    # Looked at for every line of the tool, of which there are several an entry.
    unit: Unit = field(init=False)
    total: int = field(init=False)
    _rows: list[Entry] = field(init=False)
    _by_id: dict[int, Entry] = field(init=False)

    def __post_init__(self) -> None:
        self._rows = [entry for entry in self.entries if entry.toc.kind == _ROWS]
        self._by_id = {entry.toc.id: entry for entry in self.entries}
        self.unit = Unit.BYTES if self._rows else Unit.ITEMS
        self.total = sum(entry.bytes for entry in self._rows) if self._rows else self.count

    def sent(self, number: int) -> None:
        """So many entries were sent at once and are committed."""
        self.done += number
        self.ctx.progress(self.done, self.total, self.unit)

    def lines(self, texts: list[str]) -> None:
        """Take lines as they come; the watchers hear of them once."""
        self.newest = ""
        take = self._in_parallel if self.parallel else self._serial
        for text in texts:
            take(text)
        if self.newest:
            self.ctx.progress(self.done, self.total, self.unit, self.parts.label(self.newest))
        self.parts.tell()

    def _in_parallel(self, text: str) -> None:
        found = _PARALLEL.match(text)
        entry = self._by_id.get(int(found[2])) if found else None
        if found is None or entry is None:
            return
        if found[1] == "finished":
            self._finish(entry)
        else:
            self.newest = _relation(entry)

    def _serial(self, text: str) -> None:
        found = _SERIAL.match(text)
        if found is None:
            return
        if rows := found["rows"]:
            # Entries come in the list's own order, and one begins when the last ended.
            self._finish(self.current)
            index = len(self.seen)
            self.current = self._rows[index] if index < len(self._rows) else None
            if self.current:
                self.seen.add(self.current.toc.id)
                self.parts.start(rows)
                self.newest = rows
        elif self.unit is Unit.ITEMS:
            self.done = min(self.done + 1, self.total)
            self.newest = found["object"]

    def _finish(self, entry: Entry | None) -> None:
        if entry is None:
            return
        self.done += self._weight(entry)
        if entry.toc.kind == _ROWS:
            self.parts.finish(_relation(entry))
        self.newest = _relation(entry)

    def _weight(self, entry: Entry) -> int:
        return entry.bytes if self.unit is Unit.BYTES else 1


def _relation(entry: Entry) -> str:
    """`schema.name` of an entry of rows; other entries as they are listed."""
    if entry.toc.kind != _ROWS:
        return entry.toc.text
    schema, _, rest = entry.toc.rest.partition(" ")
    return f"{schema}.{rest.rpartition(' ')[0]}"
