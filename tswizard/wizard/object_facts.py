"""What Objects says of a continuous aggregate or a job, beside its SQL."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from tswizard.core.catalog.cagg_model import Cagg, CaggState
from tswizard.core.catalog.inventory import Inventory, Job
from tswizard.core.model.object_selection import ObjectSet
from tswizard.core.model.wording import number, plural, short_number, size

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Fact = tuple[str, str]
"""(label, text)."""


def cagg_facts(cagg: Cagg, inventory: Inventory, needs_it: ObjectSet) -> Iterator[Fact]:
    """Of a continuous aggregate; `needs_it` goes with it."""
    yield "Kind", f"{_kind(cagg)}, reads {cagg.hypertable}"
    stored = next((h for h in inventory.hypertables if h.cagg == cagg.label), None)
    if stored is not None:
        rows = short_number(max(0, stored.rows_estimate))
        chunks = plural(len(stored.chunks), "chunk")
        yield "Stored", f"{size(stored.bytes)}, about {rows} rows, {chunks}"
    state = cagg.state
    if state is None:
        yield "State", "could not be read"
    elif state.watermark is None:
        yield "Up to", "nothing is materialized yet"
    else:
        yield "Up to", moment_words(state, state.watermark) + _invalid(state)
        if history := history_words(state):
            yield "History", history
    if needs_it:
        yield "Needs it", in_short(needs_it)


def job_facts(job: Job) -> Iterator[Fact]:
    yield "Kind", f"{job.what}, of {job.owner}"
    yield "Every", job.schedule_interval + (f" ({job.timezone})" if job.timezone else "")
    if not job.scheduled:
        yield "Next run", "paused on the source, and so it arrives"
    else:
        yield "Next run", job.next_start or "unknown"


def _invalid(state: CaggState) -> str:
    if not state.invalid:
        return ""
    first = moment_words(state, state.invalid[0].low)
    return f"; {plural(len(state.invalid), 'invalid range')}, from {first} on"


def in_short(objects: ObjectSet) -> str:
    """Names of continuous aggregates and what reads them; policies are only counted."""
    named = ObjectSet(objects.caggs, objects.dependents)
    parts = [f"{what}: {', '.join(names)}" for what, names in named.lines()]
    parts += [what for what, _names in ObjectSet(jobs=objects.jobs).lines()]
    return "; ".join(parts)


def _kind(cagg: Cagg) -> str:
    kind = "materialized only" if cagg.materialized_only else "real-time"
    return kind + (", compressed" if cagg.compressed else "")


def history_words(state: CaggState) -> str:
    """The buckets that the raw rows cannot give any more; empty without such."""
    if not state.history or state.first is None:
        return ""
    until = state.raw_from
    if until is None:  # not one raw row is left
        until = state.watermark if state.watermark is not None else state.first + state.width
    since = f"from {moment_words(state, state.first)} to {moment_words(state, until)}"
    if not state.width:
        return f"{since}, whose raw rows are gone"
    count = max(1, (until - state.first) // state.width)
    about = "" if state.fixed else "about "
    buckets = f"{number(count)} bucket{'s' if count > 1 else ''}"
    return f"{about}{buckets} {since}, whose raw rows are gone"


def loss_words(caggs: Iterable[Cagg]) -> tuple[str, ...]:
    """What recomputing these would lose, a line each; unknown is told as such."""
    lines = []
    for cagg in caggs:
        if cagg.state is None:
            lines.append(f"{cagg.label}: unknown, its state could not be read")
        elif words := history_words(cagg.state):
            lines.append(f"{cagg.label}: {words}")
    return tuple(lines)


def moment_words(state: CaggState, time: int) -> str:
    """A time of its buckets: `2024-06-01 01:00 UTC`, or the integer."""
    if state.integer:
        return number(time)
    try:
        moment = _EPOCH + timedelta(microseconds=time)
    except OverflowError:
        return f"{number(time)} µs since 1970"
    if state.time_type == "date":
        return moment.strftime("%Y-%m-%d")
    zone = " UTC" if state.time_type == "timestamp with time zone" else ""
    return moment.strftime("%Y-%m-%d %H:%M") + zone
