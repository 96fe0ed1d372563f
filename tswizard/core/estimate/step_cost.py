"""What a step costs for each object, whatever is in it.

Each constant was measured: docs/estimate.md says where and how. A server's time is scaled by how
long the probe's yardstick takes on it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tswizard.core.estimate.phases import Part
from tswizard.core.estimate.workload import Workload
from tswizard.core.model.wording import number

_UNSCALED = 2.0
"""Where no yardstick was timed, servers are up to this many times faster or slower."""
_SCALED = 1.45
"""The same where one was: other work comes and goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCost:
    """Seconds, on a server whose yardstick takes `REFERENCE`; and statements that wait for their
    answer."""

    base: float = 0.0
    """Whatever there is."""
    chunk: float = 0.0
    """For each chunk."""
    compressed: float = 0.0
    """More for each compressed one."""
    entry: float = 0.0
    """For each index, foreign key and trigger of each chunk."""
    object: float = 0.0
    """For each table and what is on it."""
    trips: float = 0.0
    """Round trips, whatever there is."""
    trips_chunk: float = 0.0
    """For each chunk, one after the other."""
    trips_compressed: float = 0.0
    """More for each compressed one, one after the other."""
    trips_object: float = 0.0
    """For each table and what is on it, one after the other."""
    shared_chunk: float = 0.0
    """For each chunk, shared by all jobs."""
    shared_compressed: float = 0.0
    """More for each compressed one, shared by all jobs."""
    shared_entry: float = 0.0
    """For each index, foreign key and trigger of each chunk with many rows, shared by all jobs."""
    shared_object: float = 0.0
    on_source: bool = False
    """Its round trips are to the source."""
    overlapped: bool = False
    """While one job waits for an answer the servers work for others: it takes as long as the longer
    of the two at least, and as both at most."""

    def parts(self, load: Workload) -> Iterator[Part]:
        """For this workload."""
        chunks, compressed, others = len(load.chunks), len(load.compressed), load.schema_objects
        entries = load.chunk_entries
        work = (
            self.base
            + self.chunk * chunks
            + self.compressed * compressed
            + self.entry * entries
            + self.object * others
        )
        told = f"{number(chunks)} chunks and {number(others)} other objects"
        served = server_time(load, work, told)
        shared = (
            self.shared_chunk * chunks
            + self.shared_compressed * compressed
            + self.shared_entry * load.large_chunk_entries
            + self.shared_object * others
        )
        alone = (
            self.trips
            + self.trips_chunk * chunks
            + self.trips_compressed * compressed
            + self.trips_object * others
        )
        total = alone + shared / load.jobs
        waited = waiting(total, load.trip if self.on_source else load.target_trip)
        if self.overlapped and load.jobs > 1:
            waited = replace(waited, low=max(0.0, waited.low - served.low))
        yield served
        yield waited


def waiting(trips: float, trip: float) -> Part:
    """So many round trips of so many seconds, one after the other."""
    told = f"{number(round(trips))} round trips of {trip * 1000:.1f} ms"
    return Part(trips * trip * 0.8, trips * trip * 1.25, told)


def server_time(load: Workload, seconds: float, how: str) -> Part:
    """What takes a server so many seconds where its yardstick takes `REFERENCE`."""
    scale, spread = load.slowness, _SCALED if load.timed_yardstick else _UNSCALED
    return Part(seconds * scale / spread, seconds * scale * spread, how)
