"""Steps that both methods have."""

from collections.abc import Iterator

from tswizard.core.estimate.phases import Part, bytes_at
from tswizard.core.estimate.rates import Rates
from tswizard.core.estimate.step_cost import StepCost, server_time
from tswizard.core.estimate.workload import Workload
from tswizard.core.model.probed import Timed
from tswizard.core.model.wording import number

SHARED_COSTS = {
    "pause-source-jobs": StepCost(base=0.01, trips=10, on_source=True),
    "analyze": StepCost(base=0.03, chunk=0.0002, object=0.002, trips=4),
    "check": StepCost(base=0.5, chunk=0.0007, object=0.004, trips=32, trips_object=0.2),
    "resume-source-jobs": StepCost(base=0.01, trips=4, on_source=True),
    "enable-jobs": StepCost(base=0.01, trips=7),
}
"""By the ids of the steps in `core.steps`."""


def checksum_parts(load: Workload, rates: Rates) -> tuple[Part, ...]:
    """Both ends read all rows at the same time."""
    if load.answers.verify == "count":
        return ()
    return (
        bytes_at(load.plain_bytes, "rows to compare", rates.checksum(plain=True)),
        bytes_at(load.expanded_bytes, "compressed rows to compare", rates.checksum(plain=False)),
    )


def analyze_parts(load: Workload, rates: Rates) -> tuple[Part, ...]:
    """ANALYZE reads up to 30,000 pages of each chunk and table, and as many of a whole hypertable
    (300 times the statistics target, https://www.postgresql.org/docs/current/sql-analyze.html)."""
    sizes = [chunk.data_bytes for chunk in load.chunks if not chunk.compressed]
    sizes += [table.bytes - table.index_bytes for table in load.inventory.tables]
    pages = [sum(c.data_bytes for c in h.chunks) for h in load.inventory.hypertables]
    read = sum(min(count, SAMPLED) for count in (*sizes, *pages))
    return (bytes_at(read, "pages for statistics", rates.scan()),)


_KEY, _KEY_OF_MANY = 0.0008, 0.4e-6
"""Seconds for a foreign key of a chunk, and for each other one that references the same table: that
table has two triggers for each, and PostgreSQL reads all of them again for every new one."""


def key_parts(load: Workload) -> Iterator[Part]:
    """Foreign keys of chunks, without round trips."""
    numbers = load.chunk_keys.values()
    if count := sum(numbers):
        seconds = _KEY * count + _KEY_OF_MANY * sum(n * n for n in numbers)
        yield server_time(load, seconds, f"{number(count)} foreign keys of chunks")


SAMPLED = 30_000 * 8192
"""Bytes of 30,000 pages."""


def unmeasured(load: Workload) -> tuple[str, ...]:
    """What widens an estimate, a phrase each."""
    probe = load.probe
    if probe is None or not probe.timings:
        return ("nothing was timed", "how fast the target takes rows in")
    missing = () if probe.both_ends else ("how fast the target takes rows in",)
    dumps = probe.of(Timed.DUMP)
    small = all(t.seconds < _ENOUGH_SECONDS and t.stored < _ENOUGH_BYTES for t in dumps)
    return (*missing, _SMALL) if small else missing


_SMALL = "whether the rates hold for more rows (the samples are small)"
_ENOUGH_SECONDS = 5.0
_ENOUGH_BYTES = 256 << 20
"""Of a sample: either of them is enough to time."""
