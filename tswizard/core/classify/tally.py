"""Counts by verdict over a run, and the final verdict on sum lines."""

from collections import Counter

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
