"""Which entry of the table of contents an error of pg_restore is about.

`from TOC entry …` announces it, once for all errors of one entry; with -j the entries of several
workers are under way at the same time, and only the failed command tells them apart.
"""

from tswizard.core.classify.command import belongs
from tswizard.core.classify.forms import COPY_FAILED
from tswizard.core.classify.message import Message
from tswizard.core.classify.toc import Recent, TocEntry, parse_toc

_KEPT = 64


class Announced:
    """The entries that a log has announced so far."""

    def __init__(self) -> None:
        self.parallel = False
        """Several workers write."""
        self._open: list[TocEntry] = []
        """Entries announced since the last error."""
        self._last: TocEntry | None = None
        """The entry of the last error: a second error of the same entry is not announced again."""
        self._recent = Recent()

    def note(self, group: str | None, line: str) -> None:
        """Note what a verbose line (a named group of `forms.PROGRESS`) tells of errors to come."""
        if group == "entry":
            entry = parse_toc(line)
            if entry:
                self._open.append(self._recent.qualify(entry))
                del self._open[:-_KEPT]
            return
        if group == "mark":
            self.parallel = True
        elif group in ("named", "moves"):
            if group == "named":
                self._recent.add(line)
            if not self.parallel:
                self._open.clear()
                self._last = None

    def now(self) -> tuple[TocEntry, ...]:
        """Those that an error which begins now may be about."""
        last = (self._last,) if self._last else ()
        return (*self._open, *last) if self.parallel else tuple(self._open[-1:]) or last

    def end(self) -> None:
        """A run of pg_restore is over: it has said its sum of errors."""
        self.parallel, self._last, self._open = False, None, []

    def resolve(
        self, message: Message, among: tuple[TocEntry, ...], *, wrapped: bool
    ) -> TocEntry | None:
        """The one entry that an error is about; None when unknown.

        `among` is what `now` said when it began; `wrapped` says that it is about a failed command.
        """
        entry = self._of(message, among, wrapped=wrapped)
        if not self.parallel:
            self._open.clear()
        elif entry in self._open:
            self._open.remove(entry)
        self._last = entry or self._last
        return entry

    def _of(
        self, message: Message, among: tuple[TocEntry, ...], *, wrapped: bool
    ) -> TocEntry | None:
        fitting = [e for e in dict.fromkeys(among) if self._fits(e, message, wrapped=wrapped)]
        if len(fitting) > 1:
            fitting = [entry for entry in fitting if entry != self._last]
        return fitting[0] if len(fitting) == 1 else None

    def _fits(self, entry: TocEntry, message: Message, *, wrapped: bool) -> bool:
        copy = COPY_FAILED.match(message.text)
        if copy:
            return entry.kind == "TABLE DATA" and entry.name == copy["table"]
        if message.subject is not None:
            return belongs(message.subject, entry.kind, entry.name)
        if message.command:
            return entry.bare in message.command
        # Every failed query comes with its command, unless another worker's line is between.
        return not (self.parallel and wrapped)
