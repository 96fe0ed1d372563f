"""Bytes of chunks over time."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.sample_inventory import CHUNK, HYPERTABLE
from tswizard.core.catalog.chunk_buckets import chunk_buckets, chunk_widths, position
from tswizard.core.catalog.hypertable_model import Chunk, Hypertable

START = datetime(2020, 1, 1, tzinfo=UTC)


def chunk(day: int, size: int, *, compressed: bool = False) -> Chunk:
    start, end = START + timedelta(days=day), START + timedelta(days=day + 1)
    return replace(
        CHUNK,
        range_start=f"{start:%Y-%m-%d %H:%M:%S}+00",
        range_end=f"{end:%Y-%m-%d %H:%M:%S}+00",
        bytes=size,
        compressed=compressed,
    )


def table(*chunks: Chunk) -> Hypertable:
    return replace(HYPERTABLE, chunks=chunks)


def test_every_chunk_is_in_one_bucket_and_in_order() -> None:
    held = table(*(chunk(day, day, compressed=day < 60) for day in range(100)))
    buckets = chunk_buckets(held, 10)
    assert [b.chunks for b in buckets] == [10] * 10
    assert sum(b.bytes for b in buckets) == sum(range(100))
    assert [b.compressed_chunks for b in buckets] == [10] * 6 + [0] * 4
    assert buckets[0].start == "2020-01-01 00:00:00+00"
    assert buckets[0].bytes < buckets[9].bytes


def test_a_gap_is_an_empty_bucket() -> None:
    buckets = chunk_buckets(table(chunk(0, 1), chunk(1, 1), chunk(9, 5)), 3)
    assert [(b.chunks, b.bytes) for b in buckets] == [(2, 2), (0, 0), (1, 5)]
    assert buckets[1].start == ""


def test_few_chunks_make_few_buckets() -> None:
    assert chunk_buckets(table()) == ()
    (only,) = chunk_buckets(table(chunk(3, 7)))
    assert (only.chunks, only.bytes) == (1, 7)


def test_chunks_at_the_ends_of_time_are_counted_too() -> None:
    ends = (
        replace(CHUNK, range_start="-infinity", bytes=1),
        chunk(0, 10),
        chunk(9, 20),
        replace(CHUNK, range_start="294247-01-10 04:00:54.775807+00", bytes=2),
    )
    buckets = chunk_buckets(table(*ends), 2)
    assert [b.bytes for b in buckets] == [11, 22]


def test_positions_of_numbers_dates_and_timestamps() -> None:
    assert position("-42") == -42
    assert position("1970-01-02") == 86_400
    assert position("1970-01-01 00:00:01.5") == 1.5
    assert position("1970-01-01 01:00:00+01") == 0
    assert position("0044-03-15 BC") is position(None) is position("infinity") is None


def test_widths() -> None:
    wide = replace(chunk(5, 1), range_end="2020-01-13 00:00:00+00")
    assert chunk_widths(table(chunk(0, 1), chunk(1, 1))) == 1
    assert chunk_widths(table(chunk(0, 1), wide)) == 2


@pytest.mark.timing
def test_twenty_thousand_chunks_take_no_time() -> None:
    held = table(*(chunk(day, day) for day in range(20_000)))
    took = []
    for _ in range(3):
        began = time.process_time()
        assert len(chunk_buckets(held)) == 40
        took.append(time.process_time() - began)
    assert min(took) < 2, took
