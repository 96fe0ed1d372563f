"""Each reason by itself, and their order."""

from dataclasses import replace
from typing import Any

import pytest

from tests.support.sample_inventory import SERVER, inventory
from tswizard.core.estimate.recommend import REASONS, Situation, recommend
from tswizard.core.estimate.workload import Workload
from tswizard.core.model.answers import Answers, MethodName
from tswizard.core.model.estimate import MethodEstimate, SecondsRange
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.probed import Probe, SampleKind, Timed, Timing

DUMP = Timing(
    what=Timed.DUMP,
    kind=SampleKind.CHUNK,
    table="public.m, 1 of 2 chunks",
    connections=1,
    bytes=1 << 28,
    stored=1 << 28,
    rows=1000,
    seconds=10.0,
)
TIMED = Probe(at=0.0, timings=(DUMP,), source_round_trip=0.04, target_round_trip=0.04)


def estimate(method: MethodName, low: float, high: float) -> MethodEstimate:
    return MethodEstimate(
        method=method,
        bytes=1,
        bytes_how="",
        disk_here=0,
        disk_there=0,
        phases=(),
        seconds=SecondsRange(low, high),
    )


def situation(
    *findings: Finding,
    full: tuple[float, float] = (60, 100),
    split: tuple[float, float] = (60, 100),
    probe: Probe | None = TIMED,
    limit: float = 3600.0,
    **of_source: Any,
) -> Situation:
    load = Workload(
        inventory=inventory(**of_source),
        target=SERVER,
        answers=Answers(),
        probe=probe,
        cores=4,
        shared=False,
    )
    return Situation(
        load=load,
        findings=findings,
        full=estimate("full", *full),
        split=estimate("split", *split),
        limit=limit,
    )


def finding(level: Level, id: str, *methods: str) -> Finding:
    return Finding(level, id, "Something is there.", methods=methods)


NO_ROOM = replace(finding(Level.FAIL, "staging-space", "full"), answered_by=("staging",))

CASES: tuple[tuple[str, MethodName, Situation, str], ...] = (
    ("versions", "split", situation(server_timescaledb="2.19.3"), "source 2.19.3, target 2.23.0"),
    ("rows-lost", "split", situation(null_compressed=("public.m", "b.c")), "public.m and 1 more"),
    ("odd", "split", situation(finding(Level.FAIL, "odd", "full")), "full is refused here: Some"),
    ("odd", "full", situation(finding(Level.FAIL, "odd", "split")), "split is refused here: Some"),
    (
        "time-limit",
        "split",
        situation(full=(3000, 5000), split=(3000, 5000)),
        "may be longer than your limit of 1 h",
    ),
    (
        "time-limit",
        "split",
        situation(full=(4000, 5000), split=(4000, 5000)),
        "is longer than your limit of 1 h",
    ),
    ("disk", "split", situation(NO_ROOM), "the dump may not fit: something is there"),
    ("disk", "split", situation(replace(NO_ROOM, level=Level.LOOK)), "the dump may not fit"),
    ("connection", "split", situation(probe=replace(TIMED, broke="It broke.")), "it broke"),
    ("connection", "split", situation(probe=replace(TIMED, target_round_trip=0.3)), "300 ms"),
    ("size", "split", situation(tables=(), hypertables=()), "start over"),
    ("quicker", "split", situation(full=(400, 800)), "it takes 60 – 100 s, full 7 – 13 min"),
    ("quicker", "full", situation(split=(400, 800)), "it takes 60 – 100 s, split 7 – 13 min"),
    ("simple", "full", situation(), "both databases have TimescaleDB 2.23.0"),
)


@pytest.mark.parametrize(("id", "method", "given", "says"), CASES)
def test_a_reason_alone(id: str, method: MethodName, given: Situation, says: str) -> None:
    if id == "size":
        large = replace(given.load.inventory.server, size_bytes=0)
        table = replace(inventory().tables[0], bytes=200 << 30)
        source = replace(given.load.inventory, server=large, tables=(table,))
        given = replace(given, load=replace(given.load, inventory=source))
        says = "200.0 GiB would start over"
    made = recommend(given)
    assert (made.reasons[0].id, made.method) == (id, method)
    assert says in made.sentence
    assert made.sentence.startswith(f"{method.capitalize()}: ")
    # Nothing else speaks for it but what always does.
    assert {reason.id for reason in made.reasons} <= {id, "simple"}


def test_the_weightiest_comes_first_and_all_that_speak_for_it_follow() -> None:
    made = recommend(
        situation(
            NO_ROOM,
            server_timescaledb="2.19.3",
            null_compressed=("public.m",),
            full=(4000, 5000),
            probe=replace(TIMED, broke="It broke."),
        )
    )
    assert [reason.id for reason in made.reasons] == [
        "versions",
        "rows-lost",
        "time-limit",
        "disk",
        "connection",
        "quicker",
    ]
    assert {reason.method for reason in made.reasons} == {"split"}


def test_without_a_probe_no_reason_rests_on_time() -> None:
    for nothing in (None, Probe(at=0.0), Probe(at=0.0, source_round_trip=0.001)):
        made = recommend(situation(full=(40_000, 80_000), split=(1, 2), probe=nothing))
        assert [reason.id for reason in made.reasons] == ["simple"]
        assert "limit" not in made.sentence


def test_a_few_seconds_decide_nothing() -> None:
    assert recommend(situation(full=(4, 6), split=(2, 3))).method == "full"


def test_other_versions_do_not_matter_where_the_extension_is_recreated() -> None:
    given = situation(server_timescaledb="2.19.3")
    answers = Answers(recreate_extension=True)
    assert recommend(replace(given, load=replace(given.load, answers=answers))).method == "full"


def test_every_reason_is_tried_above() -> None:
    assert len({id for id, *_ in CASES} - {"odd"}) + 1 == len(REASONS)
