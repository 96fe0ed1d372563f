"""What was timed, estimated and recommended before a run, beside what it took."""

from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter

from tswizard.core.model.estimate import MethodEstimate, SecondsRange
from tswizard.core.model.outcome import Outcome
from tswizard.core.model.recommendation import Advice
from tswizard.core.model.wording import size

_ADVICE = TypeAdapter(Advice | None)


def advice_to_json(outcome: Outcome) -> dict[str, Any]:
    """`probe`, `estimate`, `recommendation`, `phases`; and all as it was kept, in `advice`."""
    advice = outcome.advice
    return {
        "probe": [] if advice is None else list(_timings(advice)),
        "estimate": None if advice is None else {e.method: _estimate(e) for e in advice.estimates},
        "recommendation": None
        if advice is None
        else {
            "method": advice.recommendation.method,
            "reasons": [
                {"id": reason.id, "text": reason.text} for reason in advice.recommendation.reasons
            ],
        },
        "phases": [
            {
                "name": step.name,
                "estimate": _range(estimate_of(outcome, step.name)),
                "seconds": step.seconds,
            }
            for step in outcome.steps
        ],
        "advice": _ADVICE.dump_python(advice, mode="json"),
    }


def _timings(advice: Advice) -> Iterator[dict[str, Any]]:
    for timing in advice.probe.timings if advice.probe else ():
        yield {
            "table": timing.table,
            "kind": timing.kind.value,
            "what": timing.what.value,
            "connections": timing.connections,
            "bytes": timing.bytes,
            "seconds": timing.seconds,
            "rate": timing.rate,
        }


def _estimate(estimate: MethodEstimate) -> dict[str, Any]:
    return {
        "low": estimate.seconds.low,
        "high": estimate.seconds.high,
        "bytes": estimate.bytes,
        "phases": [
            {"name": phase.name, "low": phase.seconds.low, "high": phase.seconds.high}
            for phase in estimate.phases
        ],
    }


def _range(seconds: SecondsRange | None) -> dict[str, float] | None:
    return None if seconds is None else {"low": seconds.low, "high": seconds.high}


def estimate_of(outcome: Outcome, step: str | None = None) -> SecondsRange | None:
    """Of the run, or of one step of it; None where nothing was estimated."""
    advice = outcome.advice
    found = (
        next((e for e in advice.estimates if e.method == outcome.method), None) if advice else None
    )
    if found is None:
        return None
    if step is None:
        return found.seconds
    phase = found.phase(step)
    return None if phase is None else phase.seconds


def advice_lines(outcome: Outcome) -> Iterator[str]:
    """For people, as items of a list."""
    advice = outcome.advice
    assert advice is not None
    yield f"- Recommended: {advice.recommendation.sentence}"
    yield from (f"  - {reason.text}" for reason in advice.recommendation.reasons[1:])
    for estimate in advice.estimates:
        yield f"- {estimate.method}: {estimate.seconds.text}; {estimate.bytes_how}"
        yield from (f"  - not measured: {what}" for what in estimate.unmeasured)
    for timing in advice.probe.timings if advice.probe else ():
        several = f" by {timing.connections} connections" if timing.connections > 1 else ""
        yield (
            f"- timed: {timing.what} of {timing.table}{several}, {size(timing.bytes)} in "
            f"{timing.seconds:.1f} s, {size(timing.rate)}/s"
        )
    yield from (f"- {problem}" for problem in (advice.probe.problems if advice.probe else ()))
