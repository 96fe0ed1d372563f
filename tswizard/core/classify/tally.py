"""Counts by verdict over a run, and the final verdict on sum lines."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from tswizard.core.classify.sums import sum_verdict
from tswizard.core.model.judged import JudgedMessage
from tswizard.core.model.verdict import Verdict, worst_verdict


class VerdictTally:
    """Counts judged messages, after their proofs, in the order of the log."""

    def __init__(self) -> None:
        self.verdicts: Counter[Verdict] = Counter()
        self.errors = 0
        """Errors that pg_restore counts."""
        self._since_sum: Counter[Verdict] = Counter()

    def add(self, judged: JudgedMessage) -> JudgedMessage:
        """Count it. A sum line is returned with its final verdict: safe only when the number
        matches and every error before it is explained."""
        if judged.sum is not None:
            judged = sum_verdict(judged, self._since_sum)
            self._since_sum.clear()
        elif judged.counts_as_error:
            self.errors += 1
            self._since_sum[judged.verdict] += 1
        self.verdicts[judged.verdict] += 1
        return judged

    @property
    def worst(self) -> Verdict:
        """The worst verdict so far; `safe` when nothing was judged."""
        return worst_verdict(verdict for verdict, count in self.verdicts.items() if count)


def counted_once(judged: Iterable[JudgedMessage]) -> tuple[JudgedMessage, ...]:
    """Harmless messages that are alike as one, in the place of the first.

    pg_dump prints a notice for every chunk, so that a run's record, which is written after each
    step, would grow with their number. What is counted as an error stays as it is.
    """
    places: dict[JudgedMessage, int] = {}
    kept: list[JudgedMessage] = []
    for message in judged:
        if message.counts_as_error or message.verdict is not Verdict.SAFE or message.sum:
            kept.append(message)
            continue
        place = places.setdefault(replace(message, number=0, times=1), len(kept))
        if place == len(kept):
            kept.append(message)
        else:
            kept[place] = replace(kept[place], times=kept[place].times + message.times)
    return tuple(kept)
