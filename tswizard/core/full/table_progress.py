"""Which hypertable a dumped table belongs to, so that screens show hypertables, not chunks."""

import time
from collections import Counter

from tswizard.core.model.events import TableProgress, TableState
from tswizard.core.run.context import Context


class Parts:
    """Counts the finished parts of each table, and tells the watchers when it is told to: a table
    may have thousands of parts, of which many end at once."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._labels = labels(ctx)
        self._totals = Counter(self._labels.values())
        self._done: Counter[str] = Counter()
        self._moved: dict[str, None] = {}
        """Tables of which nobody was told yet, in order."""

    def label(self, relation: str) -> str:
        """The hypertable, continuous aggregate or table behind `schema.name`."""
        return self._labels.get(relation, relation)

    def start(self, relation: str) -> None:
        self._count(relation, 0)

    def finish(self, relation: str) -> None:
        self._count(relation, 1)

    def _count(self, relation: str, finished: int) -> None:
        label = self._labels.get(relation)
        if label is not None:
            self._done[label] += finished
            self._moved[label] = None

    def tell(self) -> None:
        """How far each table is that has moved since."""
        for label in self._moved:
            self._tell(label)
        self._moved.clear()

    def _tell(self, label: str) -> None:
        done, total = self._done[label], self._totals[label]
        state = TableState.DONE if done >= total else TableState.WORKING
        self._ctx.put(
            TableProgress(
                time.time(),
                step=self._ctx.step,
                table=label,
                done=done,
                total=total,
                rows=None,
                state=state,
            )
        )


def labels(ctx: Context) -> dict[str, str]:
    """`schema.name` of every chunk and table of the source -> the name that a person knows."""
    known = {table.label: table.label for table in ctx.task.inventory.tables}
    for hypertable in ctx.task.inventory.hypertables:
        for chunk in hypertable.chunks:
            known[f"{chunk.schema}.{chunk.name}"] = hypertable.label
            if chunk.compressed_table:
                known[chunk.compressed_table] = hypertable.label
    return known
