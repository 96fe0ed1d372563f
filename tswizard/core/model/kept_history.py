"""Which continuous aggregates keep their rows as stored, and what recomputing the others loses."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tswizard.core.catalog.cagg_model import Cagg, CaggState
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.model.answers import Answers
from tswizard.core.model.object_selection import chosen_caggs
from tswizard.core.model.wording import number, plural

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def kept_caggs(inventory: Inventory, answers: Answers) -> tuple[Cagg, ...]:
    """Those of the chosen ones whose materialized rows are copied: not what is built on one that is
    recomputed, since new rows of that are changes to it."""
    kept: dict[str, Cagg] = {}
    for cagg in chosen_caggs(inventory, answers):
        if not answers.recomputes(cagg.label) and (cagg.parent is None or cagg.parent in kept):
            kept[cagg.label] = cagg
    return tuple(kept.values())


def recomputed_caggs(inventory: Inventory, answers: Answers) -> tuple[Cagg, ...]:
    """The other chosen ones, parents first."""
    kept = kept_caggs(inventory, answers)
    return tuple(c for c in chosen_caggs(inventory, answers) if c not in kept)


def history_words(state: CaggState) -> str:
    """The buckets whose raw rows no longer exist; empty without such."""
    if not state.history or state.first is None:
        return ""
    until = state.raw_from
    if until is None:  # not one raw row is left
        until = state.watermark if state.watermark is not None else state.first + state.width
    since = f"from {time_words(state, state.first)} to {time_words(state, until)}"
    if not state.width:
        return f"{since}, whose raw rows are gone"
    count = max(1, (until - state.first) // state.width)
    about = "" if state.fixed else "about "
    return f"{about}{plural(count, 'bucket')} {since}, whose raw rows are gone"


def lost_history(inventory: Inventory, answers: Answers) -> dict[str, str]:
    """Those that recomputing makes lose buckets (`schema.name`), with which and since when; one
    whose state could not be read is among them."""
    recomputed = {cagg.label: cagg for cagg in recomputed_caggs(inventory, answers)}
    lost = {}
    for label, cagg in recomputed.items():
        state = _over_raw_rows(cagg, recomputed)
        if state is None:
            lost[label] = "unknown, its state could not be read"
        elif words := history_words(state):
            lost[label] = words
    return lost


def with_loss_accepted(inventory: Inventory, answers: Answers) -> Answers:
    """The answers of somebody who was told what recomputing loses, and wants it."""
    return replace(answers, lose_history=tuple(lost_history(inventory, answers)) or "none")


def _over_raw_rows(cagg: Cagg, recomputed: dict[str, Cagg]) -> CaggState | None:
    """Its state as if it read the raw rows of the lowest one that is recomputed below it: it gets
    no bucket that this one has not."""
    state, parent = cagg.state, recomputed.get(cagg.parent or "")
    while state is not None and parent is not None:
        if parent.state is None:
            return None
        starts = (state.raw_from, parent.state.raw_from)
        known = [start for start in starts if start is not None]
        state = replace(state, raw_from=max(known) if len(known) == len(starts) else None)
        parent = recomputed.get(parent.parent or "")
    return state


def time_words(state: CaggState, time: int) -> str:
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
