"""`errors ignored on restore: N`: pg_restore's own count, checked against the log."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from tswizard.core.classify.message import Message
from tswizard.core.model.judged import JudgedMessage, Severity, SumCheck
from tswizard.core.model.verdict import Verdict
from tswizard.core.model.wording import plural

_SUM = re.compile(r"errors ignored on restore: (\d+)$")


class ErrorCount:
    """Counts the errors of one pg_restore as it does."""

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
        """Take a verbose line: it may show where the workers start and end."""
        if line.endswith(" main parallel loop"):
            self._in_workers = line.endswith("entering main parallel loop")
            self._parallel, self._finished = True, not self._in_workers

    def add(self, message: Message) -> bool:
        """Take a message; returns whether pg_restore counts it."""
        if message.tool != "pg_restore" or message.severity is not Severity.ERROR:
            return False
        self.seen += 1
        if message.subject is not None and message.subject.kind == "SESSION":
            # The leader gets the first error of each setting, and one more when it reconnects.
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
        """The fewest and the most errors that pg_restore can have counted."""
        if self._parallel:
            low = self.seen - self._uncounted + len(self._entries)
            return low, low + self._unnamed
        connects = [times for times in self._session.values() if times > 2]
        if not connects:
            return self.seen, self.seen
        # Without --verbose, only settings rejected repeatedly show that there were workers: the
        # leader connects at the start and at the end, each worker once in between.
        low = self.seen - sum(times - 2 for times in connects)
        return low, low + self.seen - self._session.total()


def read_sum(message: Message, count: ErrorCount) -> SumCheck | None:
    """The check of a sum line; None for any other message."""
    found = _SUM.match(message.text)
    if not found or message.severity is not Severity.WARNING:
        return None
    low, high = count.expected()
    parallel = (low, high) != (count.seen, count.seen)
    return SumCheck(
        reported=int(found[1]),
        seen=count.seen,
        low=low,
        high=high,
        parallel=parallel,
        whole=message.whole,
    )


def sum_verdict(judged: JudgedMessage, since: Mapping[Verdict, int]) -> JudgedMessage:
    """A sum line with its verdict, from the verdicts of the errors since the previous one."""
    check = judged.sum
    assert check is not None
    looks, lost = since.get(Verdict.LOOK, 0), since.get(Verdict.LOST, 0)
    if check.fits and not looks and not lost:
        all_of_them = "it is" if check.seen == 1 else "all are"
        reason = f"{_matches(check)}; {all_of_them} explained."
        return replace(judged, verdict=Verdict.SAFE, reason=reason, todo="")
    if check.fits:
        need = "needs a look" if looks == 1 else "need a look"
        unexplained = [f"{n} {word}" for n, word in ((looks, need), (lost, "lost something")) if n]
        reason = f"{_matches(check)}, of which {' and '.join(unexplained)}."
        return replace(judged, verdict=Verdict.LOOK, reason=reason, todo="")
    return replace(
        judged,
        verdict=Verdict.LOOK,
        reason=_mismatch(check),
        todo="Read the whole log, or run again with --verbose and keep the output.",
    )


def _matches(check: SumCheck) -> str:
    errors = "the one error above" if check.seen == 1 else f"the {check.seen} errors above"
    if check.parallel and check.reported != check.seen:
        return f"With -j pg_restore counts differently, so {check.reported} matches {errors}"
    return f"Matches {errors}"


def _mismatch(check: SumCheck) -> str:
    if not check.whole:
        return "The line is truncated, so the number of errors is unknown."
    counted = f"pg_restore counted {plural(check.reported, 'error')}, this log shows {check.seen}"
    if check.reported > check.high:
        twice = "(With -j it counts some twice; --verbose makes that verifiable.)"
        unaccounted = f"{counted}: {check.reported - check.high} unaccounted for."
        return unaccounted if check.parallel else f"{unaccounted} {twice}"
    if check.reported < check.low:
        return f"{counted}: it may contain several runs."
    return f"{counted}, which may be right with -j; only --verbose would show that."
