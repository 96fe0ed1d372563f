"""Which tables and chunks stand for the others."""

from dataclasses import replace

from tests.support.metrics_inventory import METRICS, MIB
from tests.support.sample_inventory import CHUNK, HYPERTABLE, TABLE, inventory
from tswizard.core.catalog.hypertable_model import Chunk, Hypertable
from tswizard.core.catalog.inventory import TableKind
from tswizard.core.model.probed import SampleKind
from tswizard.core.probe.sample import ENOUGH, MOST_RELATIONS, choose_samples, samples

EMPTY = inventory(hypertables=(), tables=())


def chunk(number: int, size: int, *, compressed: bool = False, **changes: object) -> Chunk:
    made = replace(
        CHUNK,
        name=f"_hyper_1_{number}_chunk",
        compressed=compressed,
        compressed_table=f"_timescaledb_internal.compress_{number}" if compressed else None,
        bytes=size,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # fields by name


def hypertable(*chunks: Chunk, **changes: object) -> Hypertable:
    size = sum(chunk.bytes for chunk in chunks)
    made = replace(HYPERTABLE, chunks=chunks, bytes=size, index_bytes=0)
    return replace(made, **changes)  # type: ignore[arg-type]  # fields by name


def test_nothing_to_time_in_an_empty_database() -> None:
    assert samples(EMPTY) == choose_samples(EMPTY) == ()
    bare = hypertable(chunk(1, 0))
    assert choose_samples(replace(EMPTY, hypertables=(bare,))) == ()


def test_each_kind_is_sampled_by_its_own() -> None:
    mixed = hypertable(
        *(chunk(n, MIB, compressed=True) for n in range(20)),
        *(chunk(n, MIB) for n in range(20, 30)),
    )
    plain, compressed = choose_samples(replace(EMPTY, hypertables=(mixed,), tables=(TABLE,)))
    assert (plain.kind, plain.table, plain.of) == (SampleKind.CHUNK, "public.readings", 10)
    assert (compressed.kind, compressed.of) == (SampleKind.COMPRESSED, 20)
    # pg_dump finds nothing in a compressed chunk itself.
    assert all(r.dumped == r.stored_in != (r.schema, r.name) for r in compressed.relations)
    assert all(r.dumped == (r.schema, r.name) for r in plain.relations)


def test_a_table_stands_for_the_others_where_most_bytes_are_in_it() -> None:
    big = replace(TABLE, name="big", bytes=50 * MIB, index_bytes=10 * MIB)
    (sample,) = choose_samples(replace(EMPTY, tables=(TABLE, big)))
    assert (sample.kind, sample.label, sample.bytes) == (SampleKind.TABLE, "public.big", 40 * MIB)
    others = [sample.table for sample in samples(replace(EMPTY, tables=(TABLE, big)))]
    assert others == ["public.big", "public.sites"]
    (asked,) = choose_samples(replace(EMPTY, tables=(TABLE, big)), "public.sites")
    assert asked.table == "public.sites"


def test_large_chunks_need_one_small_ones_several_tiny_ones_not_all() -> None:
    def chosen(size: int, count: int) -> tuple[int, int]:
        some = hypertable(*(chunk(number, size) for number in range(count)))
        (sample,) = choose_samples(replace(EMPTY, hypertables=(some,)))
        return len(sample.relations), sample.bytes

    assert chosen(ENOUGH, 9) == (1, ENOUGH)
    assert chosen(100 * MIB, 9) == (3, 300 * MIB)
    assert chosen(100 * MIB, 2) == (2, 200 * MIB)
    assert chosen(1000, 2000) == (MOST_RELATIONS, MOST_RELATIONS * 1000)


def test_samples_are_spread_over_all_chunks() -> None:
    some = hypertable(*(chunk(number, 64 * MIB) for number in range(400)))
    (sample,) = choose_samples(replace(EMPTY, hypertables=(some,)))
    assert [r.name for r in sample.relations] == [
        f"_hyper_1_{number}_chunk" for number in (50, 150, 250, 350)
    ]


def test_one_chunk_alone_is_one_of_the_usual_size() -> None:
    sizes = (ENOUGH // 8, ENOUGH * 9, ENOUGH * 4, ENOUGH * 4 + 1)
    some = hypertable(*(chunk(number, size) for number, size in enumerate(sizes)))
    (sample,) = choose_samples(replace(EMPTY, hypertables=(some,)))
    assert sample.relations[0].name in ("_hyper_1_2_chunk", "_hyper_1_3_chunk")


def test_what_cannot_be_dumped_or_read_is_no_sample() -> None:
    partial = chunk(1, MIB, compressed=True, partial=True)
    tiered = chunk(2, MIB, tiered=True)
    kinds = (TableKind.PARTITIONED, TableKind.FOREIGN, TableKind.MATVIEW)
    tables = tuple(replace(TABLE, kind=kind) for kind in kinds)
    given = replace(EMPTY, hypertables=(hypertable(partial, tiered),), tables=tables)
    assert choose_samples(given) == ()
    closed = inventory(hypertables=(), tables=(TABLE,), extras_unreadable=("public.sites",))
    assert choose_samples(closed) == ()


def test_a_sample_says_how_much_of_its_table_it_is() -> None:
    labels = [s.label for s in choose_samples(replace(EMPTY, hypertables=(METRICS,)))]
    assert labels == [
        "public.metrics, 3 of 14 chunks",
        "public.metrics, 3 of 398 compressed chunks",
    ]
