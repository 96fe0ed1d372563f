"""What was timed, estimated and recommended, in words: the same on screens and line by line."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tswizard.core.model.estimate import MethodEstimate
from tswizard.core.model.probed import Probe, Timed, Timing
from tswizard.core.model.recommendation import Advice
from tswizard.core.model.wording import duration, plural, size
from tswizard.core.run.method import Method


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodRow:
    """A method beside the others."""

    name: str
    moves: str
    estimate: str
    interrupted: str
    versions: str
    disk: str


HEADS = MethodRow(
    name="",
    moves="moves",
    estimate="estimate",
    interrupted="if it breaks",
    versions="versions",
    disk="disk here",
)


def method_rows(advice: Advice, methods: Iterable[Method]) -> tuple[MethodRow, ...]:
    """All methods side by side."""
    return tuple(_method_row(method, advice.estimate(method.name)) for method in methods)


def _method_row(method: Method, estimate: MethodEstimate) -> MethodRow:
    return MethodRow(
        name=method.name.capitalize(),
        moves=size(estimate.bytes),
        estimate=estimate.seconds.text,
        interrupted=method.in_short.interrupted,
        versions=method.in_short.versions,
        disk=f"≤ {size(estimate.disk_here)}" if estimate.disk_here else "none",
    )


def timing_text(timing: Timing) -> str:
    """`256.0 MiB in 21 s, 12.2 MiB/s`."""
    ended = "" if timing.complete else " (part of it)"
    return f"{size(timing.bytes)} in {duration(timing.seconds)}, {size(timing.rate)}/s{ended}"


def probe_lines(probe: Probe) -> Iterator[tuple[str, str]]:
    """What was timed, briefly: (what, figures). The sample that most bytes lie in comes first."""
    dumps = sorted(probe.of(Timed.DUMP), key=lambda timing: -timing.stored)
    for dump in dumps:
        if dump.stored * _TINY >= dumps[0].stored:
            yield "pg_dump", f"{dump.table}: {timing_text(dump)}"
    rates = ", ".join(_rates(probe))
    if rates:
        yield "rates", rates
    for sentence in (*probe.limits, *probe.problems):
        yield "!", sentence


_TINY = 20
"""A sample so many times smaller than the largest is left to the explanation of all figures."""


def _rates(probe: Probe) -> Iterator[str]:
    copies = sorted(probe.of(Timed.COPY), key=lambda timing: -timing.stored)
    largest = [copy for copy in probe.of(Timed.COPY) if copy.kind is copies[0].kind]
    if largest:
        first, *others = (
            f"{f'by {t.connections} ' if t.connections > 1 else ''}{size(t.rate)}/s"
            for t in largest
        )
        yield ", ".join((f"COPY {first}", *others))
        for what in (Timed.STREAM, Timed.RESTORE):
            for timing in probe.of(what, largest[0].kind):
                yield f"{what} {size(timing.rate)}/s"
    ends = (("source", probe.source_round_trip), ("target", probe.target_round_trip))
    yield from (f"{end} round trip {trip * 1000:.1f} ms" for end, trip in ends if trip is not None)


def why_text(advice: Advice) -> str:
    """Every figure, with the numbers that it was calculated from."""
    recommended = advice.recommendation
    lines = [f"Recommended: {recommended.sentence}"]
    lines += [f"  also: {reason.text}" for reason in recommended.reasons[1:]]
    for estimate in advice.estimates:
        lines += ["", f"{estimate.method.upper()}  {estimate.seconds.text}"]
        lines += [f"  {what}: {how}" for what, how in figures_of(estimate)]
    lines += ["", *_timed(advice.probe)]
    return "\n".join(lines)


def figures_of(estimate: MethodEstimate) -> Iterator[tuple[str, str]]:
    """Every figure of one method, with the numbers that it was calculated from."""
    yield "moves", estimate.bytes_how
    here = f"up to {size(estimate.disk_here)}" if estimate.disk_here else "none to speak of"
    yield "disk", f"on this machine {here}; on the target about {size(estimate.disk_there)}"
    for phase in estimate.phases:
        if phase.seconds.high >= _WORTH_A_LINE:
            yield phase.title, f"{phase.seconds.text} = {phase.how}"
    rest = [phase for phase in estimate.phases if phase.seconds.high < _WORTH_A_LINE]
    if rest:
        yield plural(len(rest), "other step"), "less than a second each"
    yield from (("not measured", what) for what in estimate.unmeasured)


_WORTH_A_LINE = 1.0
"""Seconds."""


def _timed(probe: Probe | None) -> Iterable[str]:
    if probe is None or not probe.timings:
        return ("TIMED  nothing yet.",)
    lines = ["TIMED"]
    for timing in probe.timings:
        several = f" by {timing.connections} connections" if timing.connections > 1 else ""
        lines.append(f"  {timing.what} of {timing.table}{several}: {timing_text(timing)}")
        if timing.before >= _WORTH_A_LINE:
            lines.append(f"    and {duration(timing.before)} before its first row")
    lines += [f"  {sentence}" for sentence in (*probe.limits, *probe.problems)]
    return lines
