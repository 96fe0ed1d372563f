"""What was measured, as the Markdown of docs/benchmark.md."""

import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.bench.measured import Usage
from tests.bench.ways import AGAINST, Way
from tswizard.core.model.wording import size


@dataclass(slots=True)
class Result:
    """All rounds of one way with one data set over one link."""

    way: Way
    used: list[Usage] = field(default_factory=list)
    wire: list[int] = field(default_factory=list)
    """Bytes over both links, both ways."""
    notes: dict[str, None] = field(default_factory=dict)
    """What it said of itself, each once; what did not arrive."""

    @property
    def seconds(self) -> float:
        return statistics.median(usage.seconds for usage in self.used)


@dataclass(frozen=True, slots=True)
class Table:
    """One data set over one link."""

    title: str
    what: str
    """Its size, in words."""
    round_trip: float
    results: tuple[Result, ...]


_HEAD = (
    "| way | seconds (median) | all rounds | against by hand | tswizard: memory | "
    "tswizard: own processor time | servers: processor time | largest server process | "
    "over the wire | notes |\n"
    "|---|---:|---|---:|---:|---:|---:|---:|---:|---|"
)


def rendered(tables: Iterable[Table]) -> str:
    """One table of Markdown for each."""
    return "\n\n".join(map(_table, tables)) + "\n"


def machine() -> str:
    """What it was measured on, in one line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return (
        f"{os.cpu_count()} cores, {size(memory)} of memory, {platform.system()}; "
        f"load {os.getloadavg()[1]:.1f} during the last five minutes"
    )


def _table(table: Table) -> str:
    where = f"{table.round_trip * 1000:.0f} ms round trip" if table.round_trip else "near"
    by_name = {result.way.name: result for result in table.results}
    lines = [f"### {table.title}, {where}", "", f"{table.what}", "", _HEAD]
    for name, result in by_name.items():
        lines.append(_row(result, by_name.get(AGAINST.get(name, ""))))
    return "\n".join(lines)


def _row(result: Result, other: Result | None) -> str:
    if not result.used:
        return f"| {result.way.title} |" + " – |" * 8 + f" {', '.join(result.notes)} |"
    against = f"{result.seconds / other.seconds:.2f}" if other and other.used else ""
    processor = statistics.median(usage.processor for usage in result.used)
    servers = statistics.median(usage.server_processor for usage in result.used)
    cells = (
        result.way.title,
        f"{result.seconds:.1f}",
        ", ".join(f"{usage.seconds:.1f}" for usage in result.used),
        against,
        _most(usage.memory for usage in result.used),
        f"{processor:.1f} s" if processor else "",
        f"{servers:.0f} s" if servers else "",
        _most(usage.server for usage in result.used),
        _most(result.wire),
        "; ".join([*_checked(result), *result.notes]),
    )
    return f"| {' | '.join(cells)} |"


def _checked(result: Result) -> list[str]:
    check = statistics.median(usage.check for usage in result.used)
    return [f"the check is {check:.0f} s of it"] if check else []


def _most(counts: Iterable[int]) -> str:
    most = max(counts, default=0)
    return size(most) if most else ""


def not_better(tables: Sequence[Table], limit: float = 1.0) -> list[str]:
    """Where tswizard takes longer than the same by hand, one sentence each."""
    said = []
    for table in tables:
        by_name = {result.way.name: result for result in table.results if result.used}
        for name, other in AGAINST.items():
            if name not in by_name or other not in by_name:
                continue
            ratio = by_name[name].seconds / by_name[other].seconds
            if ratio > limit:
                where = f"{table.round_trip * 1000:.0f} ms away" if table.round_trip else "near"
                said.append(
                    f"- {table.title}, {where}: {by_name[name].way.title} takes {ratio:.2f} times "
                    f"what {by_name[other].way.title} takes."
                )
    return said
