"""What Objects says of a continuous aggregate or a job, beside its SQL."""

from collections.abc import Iterator

from tswizard.core.catalog.cagg_model import Cagg, CaggState
from tswizard.core.catalog.inventory import Inventory, Job
from tswizard.core.model.kept_history import history_words, time_words
from tswizard.core.model.object_selection import ObjectSet
from tswizard.core.model.wording import interval_words, plural, short_number, size

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
        yield "State", "could not be read, so it is not known whether it has history"
    elif state.watermark is None:
        yield "Watermark", "nothing is materialized yet"
    else:
        yield "Watermark", time_words(state, state.watermark) + _invalid(state)
        if history := history_words(state):
            yield "History", history
    if needs_it:
        yield "Needed by", in_short(needs_it)


def job_facts(job: Job) -> Iterator[Fact]:
    yield "Kind", f"{job.what}, of {job.owner}"
    every = interval_words(job.schedule_interval)
    yield "Every", every + (f" ({job.timezone})" if job.timezone else "")
    if not job.scheduled:
        yield "Next run", "paused on the source; stays paused on the target"
    else:
        yield "Next run", job.next_start or "unknown"


def _invalid(state: CaggState) -> str:
    if not state.invalid:
        return ""
    first = time_words(state, state.invalid[0].low)
    return f"; {plural(len(state.invalid), 'invalidated range')}, from {first} on"


def in_short(objects: ObjectSet) -> str:
    """Names of continuous aggregates and what reads them; policies are only counted."""
    named = ObjectSet(objects.caggs, objects.dependents)
    parts = [f"{what}: {', '.join(names)}" for what, names in named.lines()]
    parts += [what for what, _names in ObjectSet(jobs=objects.jobs).lines()]
    return "; ".join(parts)


def _kind(cagg: Cagg) -> str:
    kind = "materialized only" if cagg.materialized_only else "real-time"
    return kind + (", compressed" if cagg.compressed else "")
