"""Which tables and chunks stand for all the others.

A hypertable itself is no sample, since pg_dump finds no row in it; nor is a compressed chunk by
itself, whose rows lie in a relation of TimescaleDB's own.
"""

from collections.abc import Iterator, Sequence

from tswizard.core.catalog.hypertable_model import Chunk, Hypertable
from tswizard.core.catalog.inventory import Inventory, Table, TableKind
from tswizard.core.model.probed import Sample, SampleKind, SampleRelation

ENOUGH = 256 << 20
"""Bytes as stored that are enough to time."""
MOST_RELATIONS = 48
"""Chunks in one sample, at most: each is an argument of pg_dump."""


def samples(inventory: Inventory) -> tuple[Sample, ...]:
    """Everything that can be timed, the largest first: one sample for each table and kind."""
    found = sorted(_groups(inventory), key=lambda group: -group[0])
    return tuple(sample for _, sample in found)


def choose_samples(inventory: Inventory, table: str = "") -> tuple[Sample, ...]:
    """What a probe times by itself: where most bytes lie, compressed or not, each by its own kind.

    With `table` (a label of `samples`) only that one is considered. Nothing if the source is empty.
    """
    some = [s for s in samples(inventory) if not table or s.table == table]
    plain = next((s for s in some if s.kind is not SampleKind.COMPRESSED), None)
    compressed = next((s for s in some if s.kind is SampleKind.COMPRESSED), None)
    return tuple(sample for sample in (plain, compressed) if sample is not None)


def _groups(inventory: Inventory) -> Iterator[tuple[int, Sample]]:
    """Each with the bytes that it stands for."""
    closed = {*inventory.extras.unreadable, *inventory.extras.filtered}
    for table in inventory.tables:
        if _can_be_timed(table) and table.label not in closed:
            data = table.bytes - table.index_bytes
            relation = SampleRelation(
                schema=table.schema, name=table.name, bytes=data, rows=table.rows_estimate
            )
            yield (
                data,
                Sample(kind=SampleKind.TABLE, table=table.label, relations=(relation,), of=1),
            )
    for hypertable in inventory.hypertables:
        if hypertable.label not in closed and not hypertable.distributed:
            yield from _of_hypertable(hypertable)


def _can_be_timed(table: Table) -> bool:
    return table.kind in (TableKind.PLAIN, TableKind.PARTITION) and table.bytes > table.index_bytes


def _of_hypertable(hypertable: Hypertable) -> Iterator[tuple[int, Sample]]:
    here = [chunk for chunk in hypertable.chunks if not chunk.tiered and chunk.data_bytes > 0]
    for kind, chunks in (
        (SampleKind.CHUNK, [c for c in here if not c.compressed]),
        # Rows of a partly compressed chunk lie in both relations: no size fits either way.
        (
            SampleKind.COMPRESSED,
            [c for c in here if c.compressed and c.compressed_table and not c.partial],
        ),
    ):
        if chunks:
            sample = Sample(
                kind=kind,
                table=hypertable.label,
                relations=tuple(map(_relation, _spread(chunks))),
                of=len(chunks),
            )
            yield sum(chunk.data_bytes for chunk in chunks), sample


def _spread(chunks: Sequence[Chunk]) -> list[Chunk]:
    """As many as are enough to time, evenly over all of them, which are in order of time."""
    average = sum(chunk.data_bytes for chunk in chunks) / len(chunks)
    count = min(len(chunks), MOST_RELATIONS, max(1, -(-ENOUGH // max(1, int(average)))))
    if count == 1:
        return [min(chunks, key=lambda chunk: abs(chunk.data_bytes - average))]
    step = len(chunks) / count
    return [chunks[int((number + 0.5) * step)] for number in range(count)]


def _relation(chunk: Chunk) -> SampleRelation:
    stored_in = None
    if chunk.compressed and chunk.compressed_table:
        schema, _, name = chunk.compressed_table.partition(".")
        stored_in = (schema, name)
    return SampleRelation(
        schema=chunk.schema,
        name=chunk.name,
        bytes=chunk.data_bytes,
        rows=chunk.rows_estimate,
        uncompressed=chunk.uncompressed_bytes,
        stored_in=stored_in,
    )
