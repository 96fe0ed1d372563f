"""How many compressed chunks went which way, and why."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tswizard.core.db.identifiers import literal
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.wording import plural
from tswizard.core.split.plan.packed import Way
from tswizard.core.split.plan.piece import (
    Piece,
    PieceKind,
    PieceState,
    SourceTable,
    StoredPiece,
    relation_key,
)


@dataclass(frozen=True, slots=True)
class WayCount:
    """Chunks that went one way for one reason."""

    way: Way
    reason: str
    chunks: int

    @property
    def words(self) -> str:
        why = f" ({self.reason})" if self.reason else ""
        return f"{self.chunks} {self.way.words}{why}"


def count_ways(stored: Iterable[StoredPiece]) -> tuple[WayCount, ...]:
    """The compressed chunks of a plan by way and reason, the best way first.

    A chunk is compressed if a piece of it compresses it, though that has nothing to do where it
    arrives compressed.
    """
    known = [s for s in stored if s.state is not PieceState.GONE]
    compressed = {relation_key(s.piece) for s in known if s.piece.kind is PieceKind.COMPRESS}
    ways = {
        relation_key(s.piece): _way(s.piece)
        for s in known
        if s.piece.kind is PieceKind.CHUNK and relation_key(s.piece) in compressed
    }
    order = list(Way)
    return tuple(
        WayCount(way, reason, number)
        for (way, reason), number in sorted(
            Counter(ways.values()).items(), key=lambda item: (order.index(item[0][0]), item[0][1])
        )
    )


def _way(piece: Piece) -> tuple[Way, str]:
    return (piece.shell.way if piece.shell else Way.DECOMPRESSED), piece.reason


def ways_in_words(counts: Iterable[WayCount]) -> str:
    """`12 as stored, 3 decompressed (it is frozen)`."""
    return ", ".join(count.words for count in counts)


def ways_finding(
    counts: tuple[WayCount, ...],
    hypertables: Iterable[SourceTable],
    skipping: Mapping[tuple[str, str], tuple[str, ...]],
    *,
    where: str,
    functions: str,
) -> Finding:
    """What went which way; of what arrived as stored, what differs from chunks that the target has
    compressed itself. `hypertables` are those that have such chunks; `skipping` has the columns by
    which chunks are skipped, by schema and name of the hypertable."""
    total = sum(count.chunks for count in counts)
    return Finding(
        Level.PASS,
        "compressed-chunks",
        f"{plural(total, 'compressed chunk')} copied: {ways_in_words(counts)}.",
        where=where,
        details=tuple(_differences(hypertables, skipping, functions)),
    )


def _differences(
    hypertables: Iterable[SourceTable],
    skipping: Mapping[tuple[str, str], tuple[str, ...]],
    functions: str,
) -> Iterator[str]:
    """TimescaleDB notes sizes and ranges when it compresses rows; a shell had none."""
    for table in hypertables:
        assert table.on_target is not None
        columns = skipping.get(table.on_target, ())
        also = f", and they are not skipped by {', '.join(columns)}" if columns else ""
        schema, name = map(literal, table.on_target)
        yield (
            f"{table.label}: hypertable_compression_stats() shows chunks that arrived as stored as "
            f"empty{also}, until they are compressed again. If that matters: "
            f"SELECT {functions}.compress_chunk({functions}.decompress_chunk(pg_catalog.format("
            "'%I.%I', chunk_schema, chunk_name)::pg_catalog.regclass)) FROM "
            f"timescaledb_information.chunks WHERE hypertable_schema = {schema} AND "
            f"hypertable_name = {name} AND is_compressed;"
        )
