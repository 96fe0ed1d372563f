"""The server's counters of rows written to each table."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WriteCounters:
    """Rows written to each table, from pg_stat_all_tables."""

    written: Mapping[str, tuple[int, int, int]]
    """`schema.name`, unquoted -> rows inserted, updated, deleted since the last reset."""

    def changed_since(self, before: "WriteCounters", name: str) -> tuple[int, int, int] | None:
        """Rows inserted, updated and deleted in one table since; None when there were none."""
        now, then = self.written.get(name, (0, 0, 0)), before.written.get(name, (0, 0, 0))
        if now == then:
            return None
        if any(n < t for n, t in zip(now, then, strict=True)):
            return now  # the statistics were reset in between: everything counts from there
        return now[0] - then[0], now[1] - then[1], now[2] - then[2]
