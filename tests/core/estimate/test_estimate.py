"""Estimates are arithmetic: more to do never takes less, what was not timed widens them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.metrics_inventory import by_range
from tests.support.sample_inventory import CHUNK, HYPERTABLE, TABLE, empty, inventory, prepared
from tswizard.core.advise import advise
from tswizard.core.build_plan import build_plan
from tswizard.core.catalog.hypertable_model import Chunk
from tswizard.core.catalog.inventory import Constraint, Inventory
from tswizard.core.estimate.phases import WIDEST, Part, phase, whole
from tswizard.core.methods import METHODS
from tswizard.core.model.answers import METHOD_NAMES
from tswizard.core.model.estimate import MethodEstimate, SecondsRange
from tswizard.core.model.probed import Probe, SampleKind, Timed, Timing
from tswizard.core.model.time_limit import BadTime, seconds_of

MIB = 1 << 20


def timing(what: Timed, rate: float, connections: int = 1, **more: Any) -> Timing:
    fields: dict[str, Any] = {
        "kind": SampleKind.CHUNK,
        "table": "public.m, 1 of 2 chunks",
        "bytes": int(rate * 10),
        "stored": int(rate * 10),
        "rows": 1000,
        "seconds": 10.0,
    }
    return Timing(what=what, connections=connections, **fields | more)


SOURCE_ONLY = (
    timing(Timed.DUMP, 20 * MIB),
    timing(Timed.COPY, 40 * MIB),
    timing(Timed.COPY, 100 * MIB, 4),
    timing(Timed.CHECKSUM, 100 * MIB),
)
BOTH = (
    *SOURCE_ONLY,
    timing(Timed.STREAM, 60 * MIB, 4),
    timing(Timed.RESTORE, 60 * MIB, 4),
    timing(Timed.INDEX, 10 * MIB),
    timing(Timed.COMPRESS, 30 * MIB, kind=SampleKind.COMPRESSED),
)


def probe(*timings: Timing, **more: Any) -> Probe:
    fields: dict[str, Any] = {"source_round_trip": 0.01, "target_round_trip": 0.01}
    return Probe(at=0.0, timings=timings, yardstick=0.06, **fields | more)


def chunks(count: int, size: int, *, compressed: bool = False) -> tuple[Chunk, ...]:
    one = replace(
        CHUNK,
        compressed=compressed,
        compressed_table="_timescaledb_internal.c" if compressed else None,
        bytes=size,
        uncompressed_bytes=size * 10 if compressed else 0,
    )
    return (one,) * count


def source(*some: Chunk) -> Inventory:
    size = sum(chunk.bytes for chunk in some)
    dimensions = (by_range("1 day"),)
    hypertable = replace(HYPERTABLE, dimensions=dimensions, chunks=some, bytes=size, index_bytes=0)
    return inventory(hypertables=(hypertable,), tables=(TABLE,))


def both(source: Inventory, timed: Probe | None, **answers: Any) -> dict[str, MethodEstimate]:
    made = advise(prepared(source, empty(), **answers), (), timed, cores=8)
    return {estimate.method: estimate for estimate in made.estimates}


def test_every_step_of_a_run_has_its_estimate() -> None:
    for method in METHODS:
        given = prepared(source(*chunks(3, MIB)), empty(), method=method.name)
        (estimate,) = (
            e for e in advise(given, (), probe(*BOTH)).estimates if e.method == method.name
        )
        plan = build_plan(given.task(Path("/nowhere")))
        assert [(p.name, p.title) for p in estimate.phases] == [(s.id, s.title) for s in plan.steps]
        assert all(0 <= p.seconds.low <= p.seconds.high and p.how for p in estimate.phases)


def test_the_disk_is_the_one_that_review_and_the_checks_name() -> None:
    for via in ("stream", "files"):
        given = prepared(source(*chunks(3, MIB)), empty(), via=via)
        for method in METHODS:
            (estimate,) = (e for e in advise(given, (), None).estimates if e.method == method.name)
            answers = replace(given.answers, method=method.name)
            plan = build_plan(replace(given, answers=answers).task(Path("/nowhere")))
            assert (estimate.disk_here, estimate.disk_there) == (plan.disk_here, plan.disk_there)


def test_full_moves_what_is_stored_split_what_is_in_it() -> None:
    packed = source(*chunks(10, 10 * MIB, compressed=True))
    timed = probe(
        *BOTH, timing(Timed.COPY, 30 * MIB, 4, kind=SampleKind.COMPRESSED, stored=4 * 75 * MIB)
    )
    found = both(packed, timed, compressed="recompress")
    assert found["full"].bytes == packed.dump_bytes
    assert found["split"].bytes == pytest.approx(1000 * MIB, rel=0.05)
    assert "compressed" in found["full"].bytes_how and "decompressed" in found["split"].bytes_how


def test_split_moves_compressed_chunks_as_they_are_stored() -> None:
    packed = source(*chunks(10, 10 * MIB, compressed=True))
    found = {
        way: both(packed, probe(*BOTH), compressed=way)["split"]
        for way in ("stored", "rebuild", "recompress")
    }
    assert found["stored"].bytes == pytest.approx(100 * MIB, rel=0.1)
    assert "travel as they are stored" in found["stored"].bytes_how
    assert "decompressed" not in found["stored"].bytes_how
    assert found["rebuild"].bytes == found["stored"].bytes
    copying = {way: _copying(estimate).high for way, estimate in found.items()}
    assert copying["stored"] < copying["rebuild"] < copying["recompress"]
    through_files = both(packed, probe(*BOTH), via="files")["split"]
    assert through_files.bytes == found["stored"].bytes


def constraint(kind: str) -> Constraint:
    return Constraint(
        oid=1,
        schema=HYPERTABLE.schema,
        table=HYPERTABLE.name,
        name="c",
        kind=kind,
        definition="",
        validated=True,
        storage=None,
        incoming=False,
    )


def test_chunks_that_are_created_with_their_primary_key_take_longer() -> None:
    found = source(*chunks(1000, 64 << 10))
    creating = [
        next(p for p in both(some, probe(*BOTH))["split"].phases if p.name == "chunks")
        for some in (found, replace(found, constraints=(constraint("p"),)))
    ]
    assert creating[1].seconds.low > 1.5 * creating[0].seconds.low
    assert "primary keys of 1,000 chunks" in creating[1].how


def test_each_further_key_on_the_same_table_takes_longer() -> None:
    key = replace(constraint("f"), references=("public", "device"))
    times = {
        method: [
            next(p for p in both(some, probe(*BOTH))[method].phases if p.name == name).seconds.low
            for count in (1000, 4000)
            for some in (replace(source(*chunks(count, 64 << 10)), constraints=(key,)),)
        ]
        for method, name in (("full", "restore-post-data"), ("split", "constraints-after"))
    }
    assert all(many > 5 * few for few, many in times.values()), times


def test_indexes_of_small_chunks_share_round_trips() -> None:
    def waits(size: int) -> float:
        found = source(*(replace(c, index_bytes=0) for c in chunks(1000, size)))
        hypertable = replace(found.hypertables[0], post_data=3)
        given = replace(found, hypertables=(hypertable,))
        near, far = (
            next(p for p in full.phases if p.name == "restore-post-data").seconds.low
            for trip in (0.001, 0.041)
            for full in (both(given, probe(*BOTH, target_round_trip=trip))["full"],)
        )
        return far - near

    assert waits(17 * MIB) > 5 * waits(MIB) > 0


def test_rows_that_a_foreign_key_checks_one_by_one_take_longer() -> None:
    """It precedes the rows of a hypertable that has compressed chunks."""
    plain = replace(chunks(1, MIB)[0], rows_estimate=1_000_000)
    found = source(plain, *chunks(1, MIB, compressed=True))
    without, checked = (
        _copying(both(some, probe(*BOTH))["split"])
        for some in (found, replace(found, constraints=(constraint("f"),)))
    )
    assert checked.high - without.high > 5


def _copying(estimate: MethodEstimate) -> SecondsRange:
    (found,) = (p for p in estimate.phases if p.name == "copy-hypertables")
    return found.seconds


@given(st.integers(1, 400), st.integers(1, 64), st.booleans())
def test_more_to_move_never_takes_less(count: int, size: int, compressed: bool) -> None:
    timed = probe(*BOTH)
    less = both(source(*chunks(count, size * MIB, compressed=compressed)), timed)
    more = both(source(*chunks(count * 2, size * MIB, compressed=compressed)), timed)
    for name in METHOD_NAMES:
        for a, b in zip(less[name].phases, more[name].phases, strict=True):
            assert a.seconds.low <= b.seconds.low and a.seconds.high <= b.seconds.high
        assert less[name].seconds.high <= more[name].seconds.high


@given(st.integers(1, 2000), st.integers(1, 200), st.floats(1e-4, 0.3), st.floats(0.03, 2.0))
def test_when_both_ends_were_timed_the_range_is_at_most_one_to_two(
    count: int, size: int, trip: float, yardstick: float
) -> None:
    timed = replace(
        probe(*BOTH, source_round_trip=trip, target_round_trip=trip), yardstick=yardstick
    )
    for estimate in both(source(*chunks(count, size * MIB)), timed).values():
        assert estimate.seconds.low < estimate.seconds.high
        assert estimate.seconds.high <= estimate.seconds.low * WIDEST * 1.0001
        assert estimate.unmeasured == ()


def test_what_was_not_timed_is_named_and_widens_the_range() -> None:
    given = source(*chunks(100, 64 * MIB))
    width = {}
    for name, timed in (("both", probe(*BOTH)), ("source", probe(*SOURCE_ONLY)), ("none", None)):
        for method, estimate in both(given, timed).items():
            width[name, method] = estimate.seconds.high / estimate.seconds.low
            assert bool(estimate.unmeasured) == (name != "both")
    for method in METHOD_NAMES:
        assert width["both", method] < width["source", method] < width["none", method]


def test_a_far_server_costs_round_trips_and_split_waits_for_fewer() -> None:
    given = source(*chunks(2000, 8192))
    near, far = (
        both(given, probe(*BOTH, source_round_trip=trip, target_round_trip=trip))
        for trip in (0.0005, 0.04)
    )
    assert far["full"].seconds.low > near["full"].seconds.high * 3
    assert far["split"].seconds.low > near["split"].seconds.high * 1.2
    assert far["split"].seconds.high < far["full"].seconds.low


def test_a_step_whose_only_part_is_nothing_says_so() -> None:
    assert phase("x", "X", (Part(0.0, 0.0),)).how == "next to nothing"
    made = phase("x", "X", (Part(1.0, 2.0, "a"), Part(2.0, 3.0, "b")))
    assert (made.seconds, made.how) == (SecondsRange(3.0, 5.0), "a + b")


def test_errors_of_steps_do_not_all_point_the_same_way() -> None:
    one = phase("x", "X", (Part(10.0, 40.0, "a"),))
    alone, four = whole((one,), probed=False), whole((one,) * 4, probed=False)
    assert alone.low <= 10.01 and alone.high >= 39.99
    assert four.high / four.low < alone.high / alone.low


def test_what_was_counted_of_compressed_rows_narrows_their_copy() -> None:
    given = source(*chunks(100, MIB, compressed=True))
    copying = []
    for counted in (None, 0.9):
        found = both(given, probe(*BOTH, stored_in_copy=counted))["split"]
        copying.append(next(p for p in found.phases if p.name == "copy-hypertables"))
        assert found.bytes == pytest.approx((counted or 1.0) * 100 * MIB, rel=0.1)
    assert "0.9 bytes of COPY for each" in copying[1].how
    wide, narrow = (p.seconds for p in copying)
    assert wide.low <= narrow.low < narrow.high < wide.high


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1h", 3600), ("90 min", 5400), ("1 h 30 min", 5400), ("45s", 45), ("1.5 hours", 5400)],
)
def test_times_as_people_write_them(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "1", "0h", "h", "-1h", "1h and more"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(BadTime, match="like"):
        seconds_of(text)


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (55, 110, "55 – 110 s"),
        (30.2, 30.4, "30 s"),
        (135, 413, "2.2 – 6.9 min"),
        (1200, 2500, "20 – 42 min"),
        (6720, 10140, "1 h 52 – 2 h 49"),
        (1800, 9000, "30 min – 2 h 30"),
    ],
)
def test_a_range_in_few_characters(low: float, high: float, text: str) -> None:
    assert SecondsRange(low, high).text == text
