"""Watermarks and what is invalid, on both databases: they decide over every later refresh."""

from collections.abc import Iterator, Mapping

from tswizard.core.catalog.cagg_model import CaggState
from tswizard.core.catalog.cagg_state import first_time, read_cagg_states
from tswizard.core.catalog.catalog_shape import read_shape
from tswizard.core.db.connection import Connection
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.wording import plural
from tswizard.core.split.caggs.valid_ranges import ValidRange, valid_ranges


async def read_states(connection: Connection) -> dict[str, CaggState]:
    """Of every continuous aggregate of this end."""
    shape = await read_shape(connection)
    return await read_cagg_states(connection, shape) if shape.timescaledb else {}


def state_findings(
    source: Mapping[str, CaggState], target: Mapping[str, CaggState], where: str
) -> Iterator[Finding]:
    """What differs of those that are on both databases; one finding for all that are equal."""
    both = [label for label in source if label in target]
    marks = tuple(
        f"{label}: {_time(target[label].watermark)} instead of {_time(source[label].watermark)}"
        for label in both
        if source[label].watermark != target[label].watermark
    )
    ranges = tuple(
        f"{label}: {_ranges(stored)} instead of {_ranges(expected)}"
        for label in both
        if (expected := valid_ranges(source[label])) != (stored := stored_ranges(target[label]))
    )
    if marks:
        yield Finding(
            Level.FAIL,
            "cagg-watermark-differs",
            f"The watermark of {plural(len(marks), 'continuous aggregate')} is not as on the "
            "source.",
            where=where,
            why="Real-time ones compute from the raw rows what is after it.",
            todo="Refresh the last materialized bucket: CALL refresh_continuous_aggregate(…).",
            details=marks,
        )
    if ranges:
        yield Finding(
            Level.FAIL,
            "cagg-ranges-differ",
            f"Valid ranges of {plural(len(ranges), 'continuous aggregate')} differ from the "
            "source's.",
            where=where,
            why="The next refresh computes all others again; where raw rows are gone, it "
            "removes the buckets computed from them. Times are in microseconds since 1970, or the "
            "numbers that they are.",
            todo="Do not refresh them before it is known why.",
            details=ranges,
        )
    if both and not marks and not ranges:
        yield Finding(
            Level.PASS,
            "cagg-states",
            f"Watermarks and valid ranges of {plural(len(both), 'continuous aggregate')} are "
            "equal.",
            where=where,
        )


def stored_ranges(target: CaggState) -> tuple[ValidRange, ...]:
    """What is valid by the target's log; of integers without a start where no bucket, and no row
    that the next refresh would compute one from, is before."""
    if target.valid_until is None:
        return ()
    ranges, start = [], None
    for span in target.invalid:
        if start is None or span.low > start:
            ranges.append(ValidRange(start, span.low))
        start = span.high + 1
    if start is None or start < target.valid_until:
        ranges.append(ValidRange(start, target.valid_until))
    begin = first_time(target.time_type)
    first = begin
    if target.first is not None and target.integer:
        computed = [r.high for r in target.invalid if r.raw_rows and r.low < target.first]
        first = min([target.first, *computed])
    return tuple(
        ValidRange(None if _before(r.start, first) else r.start, r.end)
        for r in ranges
        if r.end > (begin if r.start is None else r.start)
    )


def _before(start: int | None, first: int) -> bool:
    return start is None or start <= first


def _time(time: int | None) -> str:
    return "nothing" if time is None else str(time)


def _ranges(ranges: tuple[ValidRange, ...]) -> str:
    return ", ".join(f"{_time(r.start)} to {r.end}" for r in ranges) or "nothing"
