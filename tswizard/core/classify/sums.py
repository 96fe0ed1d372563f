"""`errors ignored on restore: N`: pg_restore's own count, checked against what was seen."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from tswizard.core.classify.message import Message
from tswizard.core.model.judged import JudgedMessage, Severity, SumCheck
from tswizard.core.model.verdict import Verdict

_SUM = re.compile(r"errors ignored on restore: (\d+)$")


class ErrorCount:
    """Errors of one pg_restore, counted as it counts them."""

    def __init__(self) -> None:
        self.seen = 0
        self._in_workers = False
        self._finished = False
        self._parallel = False
        self._entries: set[int] = set()
        self._unnamed = 0
        self._session: Counter[str] = Counter()
        self._uncounted = 0

    def mark(self, line: str) -> None:
        """Take a verbose line: it may say where the workers begin and end."""
        if line.endswith(" main parallel loop"):
            self._in_workers = line.endswith("entering main parallel loop")
            self._parallel, self._finished = True, not self._in_workers

    def add(self, message: Message) -> bool:
        """Take a message; whether it is one that pg_restore counts."""
        if message.tool != "pg_restore" or message.severity is not Severity.ERROR:
            return False
        self.seen += 1
        if message.subject is not None and message.subject.kind == "SESSION":
            # Of each setting the leader meets the first, and one more when it connects again.
            if self._session[message.text] and not self._finished:
                self._uncounted += 1
            self._session[message.text] += 1
        elif self._in_workers:
            if message.toc is not None and message.whole:
                self._entries.add(message.toc.id)
            else:
                self._unnamed += 1
        return True

    def expected(self) -> tuple[int, int]:
        """The least and the greatest number that pg_restore can have counted."""
        if self._parallel:
            low = self.seen - self._uncounted + len(self._entries)
            return low, low + self._unnamed
        connects = [times for times in self._session.values() if times > 2]
        if not connects:
            return self.seen, self.seen
        # Without --verbose, settings refused again and again are what tells of workers: the
        # leader connects at the beginning and at the end, each worker once in between.
        low = self.seen - sum(times - 2 for times in connects)
        return low, low + self.seen - self._session.total()


def read_sum(message: Message, count: ErrorCount) -> SumCheck | None:
    """The check behind a sum line; None for any other message."""
    found = _SUM.match(message.text)
    if not found or message.severity is not Severity.WARNING:
        return None
    low, high = count.expected()
    parallel = (low, high) != (count.seen, count.seen)
    return SumCheck(
        said=int(found[1]),
        seen=count.seen,
        low=low,
        high=high,
        parallel=parallel,
        whole=message.whole,
    )


def sum_verdict(judged: JudgedMessage, since: Mapping[Verdict, int]) -> JudgedMessage:
    """A sum line with its verdict, from the verdicts of the errors since the sum before."""
    check = judged.sum
    assert check is not None
    looks, lost = since.get(Verdict.LOOK, 0), since.get(Verdict.LOST, 0)
    equals = "Equals "
    if check.parallel and check.said != check.seen:
        equals = f"With -j pg_restore counts otherwise, so {check.said} is right for "
    equals += f"the {check.seen} errors above" if check.seen != 1 else "the one error above"
    if not check.whole:
        reason = "The line is cut, so the number of errors is not known."
    elif check.said > check.high:
        missing = check.said - check.high
        reason = f"pg_restore counted {check.said} errors, this log shows {check.seen}: {missing} "
        reason += "not accounted for." if check.parallel else "are unaccounted for."
        if not check.parallel:
            reason += " (With -j it counts some twice; --verbose makes that checkable.)"
    elif check.said < check.low:
        reason = f"pg_restore counted {check.said} errors, this log shows {check.seen}: it may be "
        reason += "mixed from several runs."
    elif check.low != check.high:
        reason = f"pg_restore counted {check.said} errors, this log shows {check.seen}, which may "
        reason += "be right with -j; without --verbose it cannot be told."
    elif looks or lost:
        open_ones = [
            f"{n} {word}" for n, word in ((looks, "need a look"), (lost, "lost something")) if n
        ]
        reason = f"{equals}, of which {' and '.join(open_ones)}."
    else:
        return replace(
            judged,
            verdict=Verdict.SAFE,
            reason=f"{equals}; each is explained.",
            todo="",
        )
    todo = "" if check.fits else "Look at the whole log, or run again with --verbose and keep it."
    return replace(judged, verdict=Verdict.LOOK, reason=reason, todo=todo)
