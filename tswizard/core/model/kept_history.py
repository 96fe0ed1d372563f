"""Which continuous aggregates keep their rows as stored, and what recomputing the others loses."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from tswizard.core.catalog.cagg_model import Cagg, CaggState
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.model.answers import Answers
from tswizard.core.model.object_selection import chosen_caggs
from tswizard.core.model.wording import number

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def kept_caggs(inventory: Inventory, answers: Answers) -> tuple[Cagg, ...]:
    """Those of the chosen ones whose materialized rows are copied: not what stands on one that is
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


def loses_history(cagg: Cagg) -> bool:
    """Would recomputing it lose something, as far as is known?"""
    return cagg.state is None or bool(history_words(cagg.state))


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
