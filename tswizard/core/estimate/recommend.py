"""Which method to recommend: reasons in the order of their weight, each read or timed."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import sqrt

from tswizard.core.estimate.workload import Workload
from tswizard.core.model.answers import MethodName
from tswizard.core.model.estimate import MethodEstimate, SecondsRange
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.probed import Timed
from tswizard.core.model.recommendation import Reason, Recommendation
from tswizard.core.model.wording import duration, size

LARGE = 100 << 30
"""Bytes as stored. Timescale advises dump and restore below 100 GB:
https://docs.timescale.com/migrate/latest/"""
SLOW_ANSWER = 0.2
"""Seconds of a round trip that a far but sound connection stays below."""
_WORTH = 1.25
"""A method is quicker when the other one takes this many times as long."""
_WORTH_SECONDS = 3.0
"""Seconds that nobody chooses a method for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything that a reason may look at."""

    load: Workload
    findings: tuple[Finding, ...]
    """Of the checks for every method."""
    full: MethodEstimate
    split: MethodEstimate
    limit: float
    """Seconds."""

    @property
    def timed(self) -> bool:
        """A dump or a copy was timed: without one, no reason may rest on time."""
        probe = self.load.probe
        return probe is not None and bool(probe.of(Timed.DUMP) or probe.of(Timed.COPY))


def recommend(situation: Situation) -> Recommendation:
    """The method of the weightiest reason, with every reason for it."""
    found = [reason for ask in REASONS for reason in ask(situation)]
    method = found[0].method
    return Recommendation(method, tuple(reason for reason in found if reason.method == method))


def versions_differ(situation: Situation) -> Iterator[Reason]:
    """Full needs the same TimescaleDB on both databases."""
    here = situation.load.inventory.server.timescaledb
    there = situation.load.target.timescaledb
    if here and there and here != there and not situation.load.answers.recreate_extension:
        yield Reason(
            "versions",
            "split",
            f"the versions of TimescaleDB differ (source {here}, target {there}), and full needs "
            "equal ones",
        )


def rows_would_be_lost(situation: Situation) -> Iterator[Reason]:
    """timescale/timescaledb#8893."""
    lost = situation.load.inventory.null_compressed
    if lost:
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        yield Reason(
            "rows-lost",
            "split",
            f"full would lose compressed rows of {lost[0]}{more} (timescale/timescaledb#8893)",
        )


def refused_by_checks(situation: Situation) -> Iterator[Reason]:
    """What the checks refuse to one method alone."""
    for finding in situation.findings:
        if finding.level is not Level.FAIL or len(finding.methods) != 1 or _is_space(finding):
            continue
        other: MethodName = "split" if finding.methods[0] == "full" else "full"
        why = finding.what.rstrip(".")
        yield Reason(finding.id, other, f"{finding.methods[0]} is refused here: {why}")


def over_the_limit(situation: Situation) -> Iterator[Reason]:
    """Full starts over when it is interrupted."""
    seconds = situation.full.seconds
    if situation.timed and seconds.high > situation.limit:
        certain = "is longer" if seconds.low > situation.limit else "may be longer"
        yield Reason(
            "time-limit",
            "split",
            f"full takes {seconds.text}, which {certain} than your limit of "
            f"{_limit(situation)}, and starts over if it is interrupted",
        )


def no_disk_for_a_dump(situation: Situation) -> Iterator[Reason]:
    """As the checks found it."""
    for finding in situation.findings:
        if _is_space(finding) and finding.level in (Level.FAIL, Level.LOOK):
            yield Reason("disk", "split", f"the dump may not fit: {_lowered(finding.what)}")


def _is_space(finding: Finding) -> bool:
    """Another folder would settle it, and it concerns full alone."""
    return finding.methods == ("full",) and "staging" in finding.answered_by


def connection_is_poor(situation: Situation) -> Iterator[Reason]:
    """It broke while it was probed, or answers slowly."""
    probe = situation.load.probe
    if probe is None:
        return
    if probe.broke:
        yield Reason(
            "connection", "split", f"the connection broke during the probe: {_lowered(probe.broke)}"
        )
        return
    trips = (probe.source_round_trip, probe.target_round_trip)
    slow = max((trip for trip in trips if trip is not None), default=0.0)
    if slow > SLOW_ANSWER:
        yield Reason(
            "connection",
            "split",
            f"the connection is slow to answer ({slow * 1000:.0f} ms), and split resumes where it "
            "broke",
        )


def much_would_start_again(situation: Situation) -> Iterator[Reason]:
    """By size alone."""
    stored = situation.load.inventory.dump_bytes
    if stored >= LARGE:
        yield Reason(
            "size",
            "split",
            f"{size(stored)} would start over with full; split resumes at a piece",
        )


def much_quicker(situation: Situation) -> Iterator[Reason]:
    """By both estimates, where what they rest on was timed."""
    if not situation.timed:
        return
    full, split = situation.full.seconds, situation.split.seconds
    slow, quick = sorted(((_middle(full), "full"), (_middle(split), "split")), reverse=True)
    if slow[0] < quick[0] * _WORTH or slow[0] - quick[0] < _WORTH_SECONDS:
        return
    estimates: dict[str, SecondsRange] = {"full": full, "split": split}
    method: MethodName = "full" if quick[1] == "full" else "split"
    yield Reason(
        "quicker",
        method,
        f"it takes {estimates[quick[1]].text}, {slow[1]} {estimates[slow[1]].text}",
    )


def everything_comes_by_itself(situation: Situation) -> Iterator[Reason]:
    """What remains: full leaves nothing to choose or to recreate."""
    stored = size(situation.load.inventory.dump_bytes)
    takes = ""
    if situation.timed:
        takes = f" in {situation.full.seconds.text}, within your limit of {_limit(situation)}"
    version = situation.load.inventory.server.timescaledb
    equal = "" if version is None else f"both databases have TimescaleDB {version}, and "
    yield Reason("simple", "full", f"{equal}one dump brings everything, {stored}{takes}")


REASONS: tuple[Callable[[Situation], Iterable[Reason]], ...] = (
    versions_differ,
    rows_would_be_lost,
    refused_by_checks,
    over_the_limit,
    no_disk_for_a_dump,
    connection_is_poor,
    much_would_start_again,
    much_quicker,
    everything_comes_by_itself,
)
"""The weightiest first."""


def _limit(situation: Situation) -> str:
    return duration(situation.limit).removesuffix(" 0 min").removesuffix(" 0 s")


def _middle(seconds: SecondsRange) -> float:
    return sqrt(seconds.low * seconds.high)


def _lowered(sentence: str) -> str:
    """To stand in the middle of another one."""
    text = sentence.rstrip(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
