"""A probe from its beginning to its end, as a stream of events. Closing it ends everything."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import TypeVar

from psycopg import Error

from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import CannotConnect
from tswizard.core.model.parallel_jobs import parallel_jobs
from tswizard.core.model.prepared import Prepared
from tswizard.core.model.probed import Probe, Sample, SampleKind, Timed, Timing
from tswizard.core.probe.checksum import time_checksum
from tswizard.core.probe.copy_in import time_restore, time_stream
from tswizard.core.probe.copy_out import ReadableSample, readable, time_copy
from tswizard.core.probe.dump import sample_dump_command, time_dump
from tswizard.core.probe.events import (
    ProbeDone,
    ProbeEvent,
    TimingDone,
    TimingFailed,
    TimingProgress,
    TimingStarted,
)
from tswizard.core.probe.limits import (
    OnBytes,
    TimingRefused,
    limit_statements,
    refused,
)
from tswizard.core.probe.round_trip import time_answers
from tswizard.core.probe.sizes import as_of_now
from tswizard.core.probe.stored_bytes import bytes_in_copy
from tswizard.core.probe.windows import largest_buffer, window_limits
from tswizard.core.run.context import shell

_T = TypeVar("_T")


async def run_probe(
    prepared: Prepared,
    samples: Sequence[Sample],
    *,
    upload: bool = False,
    earlier: Probe | None = None,
) -> AsyncGenerator[ProbeEvent, None]:
    """Time everything on these samples (see `choose_samples`), one thing after the other.

    The source is only read; `upload` allows scratch tables on the target, which are never
    committed. What cannot be timed is an event and a sentence in the result. With `earlier`, what
    was timed before stays where it was not timed again.
    """
    probing = _Probing(prepared=prepared, samples=tuple(samples), upload=upload)
    work = asyncio.create_task(probing.run())
    work.add_done_callback(lambda _task: probing.events.put_nowait(None))
    try:
        while (event := await probing.events.get()) is not None:
            yield event
        await work
    finally:
        work.cancel()
        await asyncio.wait([work])
    timings = earlier.with_newer(probing.timings) if earlier else tuple(probing.timings)
    found = Probe(
        at=time.time(),
        timings=timings,
        source_round_trip=probing.trips.get("source"),
        target_round_trip=probing.trips.get("target"),
        yardstick=max(map(fmean, probing.yardsticks.values()), default=None),
        stored_in_copy=probing.stored_in_copy or (earlier.stored_in_copy if earlier else None),
        problems=tuple(probing.problems),
        broke=probing.broke,
    )
    yield ProbeDone(replace(found, limits=tuple(window_limits(found, largest_buffer()))))


@dataclass(slots=True, kw_only=True)
class _Probing:
    prepared: Prepared
    samples: tuple[Sample, ...]
    upload: bool
    events: "asyncio.Queue[ProbeEvent | None]" = field(default_factory=asyncio.Queue)
    timings: list[Timing] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    trips: dict[str, float] = field(default_factory=dict)
    yardsticks: dict[str, list[float]] = field(default_factory=dict)
    stored_in_copy: float | None = None
    broke: str = ""

    @property
    def _connections(self) -> int:
        """What split may use at once."""
        source, target = self.prepared.inventory.server, self.prepared.target_inventory.server
        return parallel_jobs(self.prepared.answers, source, target)

    async def run(self) -> None:
        with suppress(_ServerGoneError):
            await self._all()

    async def _all(self) -> None:
        await self._time_both()
        for sample in self.samples:
            await self._sample(sample)
        if self.timings:
            await self._time_both()  # how busy a server is changes meanwhile

    async def _time_both(self) -> None:
        for name, end in (("source", self.prepared.source), ("target", self.prepared.target)):
            await self._guarded(None, self._answers(name, end))

    async def _answers(self, name: str, end: Endpoint) -> None:
        trip, yardstick = await time_answers(end)
        self.trips[name] = min(trip, self.trips.get(name, trip))
        self.yardsticks.setdefault(name, []).append(yardstick)

    async def _sample(self, sample: Sample) -> None:
        subject = await self._guarded(None, self._subject(sample))
        if subject is None:
            return
        sample = subject.sample
        prepared = self.prepared
        command = shell(sample_dump_command(prepared, sample)) if prepared.tools else ""
        await self._time(
            Timed.DUMP, sample, 1, lambda told: time_dump(prepared, sample, told), command
        )
        if sample.kind is SampleKind.COMPRESSED:
            self.stored_in_copy = await self._guarded(None, bytes_in_copy(prepared, sample))
        rate = 0.0
        for connections in sorted({1, self._connections}):
            timing = await self._time(
                Timed.COPY,
                sample,
                connections,
                lambda told, n=connections: time_copy(prepared, subject, n, told),  # type: ignore[misc]
            )
            rate = timing.rate if timing else rate
        await self._time(Timed.CHECKSUM, sample, 1, lambda _told: time_checksum(prepared, sample))
        if self.upload and rate:
            await self._way_in(subject, rate)

    async def _subject(self, sample: Sample) -> ReadableSample:
        try:
            async with connected(self.prepared.source) as source:
                await limit_statements(source)
                return await readable(source, await as_of_now(source, sample))
        except Error as error:
            raise refused(f"{sample.label} cannot be looked at", error) from error

    async def _way_in(self, subject: ReadableSample, rate: float) -> None:
        prepared, sample, connections = self.prepared, subject.sample, self._connections

        async def streamed(told: OnBytes) -> Timing:
            first, *others = await time_stream(prepared, subject, connections, rate, told)
            for timing in others:
                self._add(timing)
            return first

        await self._time(Timed.STREAM, sample, connections, streamed)
        await self._time(
            Timed.RESTORE,
            sample,
            connections,
            lambda told: time_restore(prepared, sample, connections, rate, told),
        )

    async def _time(
        self,
        what: Timed,
        sample: Sample,
        connections: int,
        work: Callable[[OnBytes], Awaitable[Timing]],
        command: str = "",
    ) -> Timing | None:
        self.events.put_nowait(TimingStarted(what, sample, connections, command))
        total = sample.bytes if what is Timed.DUMP else None

        def told(moved: int, seconds: float) -> None:
            self.events.put_nowait(TimingProgress(what, moved, total, seconds))

        timing = await self._guarded(what, work(told))
        if timing is not None:
            self._add(timing)
        return timing

    def _add(self, timing: Timing) -> None:
        self.timings.append(timing)
        self.events.put_nowait(TimingDone(timing))

    async def _guarded(self, what: Timed | None, work: Awaitable[_T]) -> _T | None:
        """What cannot be timed is told and left out. Raises _ServerGoneError."""
        gone = False
        try:
            return await work
        except TimingRefused as error:
            problem, gone = str(error), error.lost or not await self._both_answer()
        except CannotConnect as error:
            problem, gone = str(error), True
        except OSError as error:
            problem = f"This machine does not let it be timed: {error.strerror}."
        self.problems.append(problem)
        self.events.put_nowait(TimingFailed(what, problem))
        if gone:
            self.broke = problem
            raise _ServerGoneError
        return None

    async def _both_answer(self) -> bool:
        """Or is what was refused only the first sign of a server that is gone?"""
        for end in (self.prepared.source, self.prepared.target):
            try:
                async with connected(end):
                    pass
            except CannotConnect:
                return False
        return True


class _ServerGoneError(Exception):
    """Nothing more can be timed; it was told why."""
