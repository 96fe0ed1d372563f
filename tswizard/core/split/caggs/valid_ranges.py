"""What of a continuous aggregate is to be valid on the target when its rows are copied."""

from dataclasses import dataclass

from tswizard.core.catalog.cagg_model import CaggState
from tswizard.core.catalog.cagg_state import first_time


@dataclass(frozen=True, slots=True)
class ValidRange:
    """Half-open, in internal time; without a start where everything before is valid as well."""

    start: int | None
    end: int


def valid_ranges(state: CaggState) -> tuple[ValidRange, ...]:
    """Ranges that no refresh may compute again, the earliest first; none when it was never
    refreshed.

    What is invalid on the source stays invalid. Not so where the raw rows are gone, wholly or in
    part: computing that again would only remove history, which a refresh on the source itself
    would do. With nothing invalid before them, a refresh without a start leaves old buckets alone.
    """
    if state.valid_until is None:
        return ()
    kept = history_end(state)
    start: int | None = None
    ranges = []
    for span in state.invalid:
        low = span.low if kept is None else max(span.low, kept)
        if not span.raw_rows or low > span.high:
            continue
        if start is None or low > start:
            ranges.append(ValidRange(start, low))
        start = span.high + 1
    if start is None or start < state.valid_until:
        ranges.append(ValidRange(start, state.valid_until))
    return tuple(r for r in ranges if r.end > (r.start or first_time(state.time_type)))


def history_end(state: CaggState) -> int | None:
    """End of the last bucket whose raw rows no longer exist; None without such buckets.

    Raw rows go by whole chunks: the bucket in which the first chunk begins lacks some of its rows.
    """
    if state.first is None:
        return None
    if state.raw_from is None:
        return state.valid_until
    if state.first >= state.raw_from:
        return None
    if not state.fixed or not state.width:
        return state.raw_from + state.width
    anchor = state.last if state.last is not None else 0
    return anchor - (anchor - state.raw_from) // state.width * state.width


def window_start(state: CaggState, valid: ValidRange) -> int | None:
    """Start of a window that refreshes this range: of integers always one of its own."""
    if valid.start is not None or not state.integer:
        return valid.start
    first = min(t for t in (state.first, state.first_raw, valid.end) if t is not None)
    return first - state.width
