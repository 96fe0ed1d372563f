"""Which way a compressed chunk's rows go: a comparison of the source's relation of compressed rows
with the one that the target has made for the same chunk.

What is known of the columns beside the rows (tsl/src/compression/create.c, batch_metadata_builder
of timescaledb):

- a minimum, maximum, first or last value that is NULL hides the rows of its batch from a filter;
- a NULL bloom filter hides nothing;
- `_ts_meta_sequence_num` is in relations made before 2.17; newer ones order batches by first and
  last values of the orderby columns, which 2.28 added.

Whatever is not known to be right is decompressed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tswizard.core.db.identifiers import identifier
from tswizard.core.split.plan.packed import StoredColumn, StoredLayout, Way
from tswizard.core.split.stored.layout import (
    METADATA,
    CompressedColumn,
    CompressedLayout,
    Version,
)

COUNT, SEQUENCE = f"{METADATA}count", f"{METADATA}sequence_num"
_MINMAX = (f"{METADATA}min_", f"{METADATA}max_", f"{METADATA}v2_min_", f"{METADATA}v2_max_")
_FIRST, _LAST = f"{METADATA}v2_first_", f"{METADATA}v2_last_"
_KNOWN = (COUNT, SEQUENCE, *_MINMAX, _FIRST, _LAST, f"{METADATA}v2_bloom")

_KNOWN_UNTIL = (2, 29)
"""The last version whose compressed chunks were looked into."""
_HAS_EMPTY_BLOCKS = (2, 19)
"""Since then a block of nothing but NULL may be stored as one, which 2.19.0 to 2.20.0 cannot
receive (timescale/timescaledb#8153). It takes 2 bytes, the smallest other one 28."""
_TYPED_METADATA = (2, 13)
"""Before, minimum and maximum have neither type modifier nor collation."""
_BY_CODE_POINT = (["C"], ["POSIX"])


@dataclass(frozen=True, slots=True, kw_only=True)
class CompressedEnd:
    """One database's relation of compressed rows."""

    layout: CompressedLayout
    version: Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The way that rows of one layout go into another."""

    way: Way
    reason: str = ""
    """Why they do not go as stored."""
    copied: StoredLayout | None = None
    """None where they are decompressed."""
    left_out: int = 0
    """Metadata that only one of both has, without harm."""

    @property
    def rank(self) -> tuple[int, int]:
        """The lower, the better."""
        return list(Way).index(self.way), self.left_out


def choose_way(
    source: CompressedEnd,
    target: CompressedEnd,
    *,
    unordered: bool = False,
    text: bool = False,
    rebuild: bool = False,
) -> Choice:
    """The way from one to the other. `text` if a type of the table needs COPY's text format,
    `rebuild` if the user has asked for it."""
    ours, theirs = source.layout, target.layout
    if target.version < source.version:
        return _decompressed("the target's TimescaleDB is older")
    if target.version[:2] > _KNOWN_UNTIL:
        return _decompressed("the target's TimescaleDB is newer than any that is known to keep it")
    if ours.settings != theirs.settings:
        return _decompressed("the target compresses the chunk by other settings")
    try:
        columns, why, empty = _columns(source, target)
    except _Unfit as unfit:
        return _decompressed(str(unfit))
    extra = [c for c in ours.columns if theirs.find(c.name) is None]
    for column in extra:
        if not column.metadata:
            return _decompressed(f"the target lacks column {column.name}")
    if unordered:
        why.append("its batches overlap")
    if _other_order(source, target):
        why.append("a collation orders text differently on the target")
    if rebuild:
        why.append("asked for")
    copied = StoredLayout(
        columns=tuple(columns),
        format="text" if text or any(c.bloom for c in theirs.columns) else "binary",
        in_file=tuple((c.name, c.type) for c in ours.columns if not c.bloom),
    )
    return Choice(
        way=Way.REBUILT if why else Way.STORED,
        reason=why[0] if why else "",
        copied=copied,
        left_out=empty + sum(c.name != SEQUENCE for c in extra),
    )


def _decompressed(reason: str) -> Choice:
    return Choice(way=Way.DECOMPRESSED, reason=reason)


class _Unfit(Exception):
    """A column that cannot be filled, not even for the time until the chunk is rebuilt."""


def _columns(
    source: CompressedEnd, target: CompressedEnd
) -> tuple[list[StoredColumn], list[str], int]:
    """Columns that are copied, why the chunk has to be rebuilt, and how many stay empty."""
    columns, why, empty = list[StoredColumn](), list[str](), 0
    names = {c.name for c in target.layout.columns}
    if COUNT not in names:
        raise _Unfit("the target's relation has no count of rows")
    for column in target.layout.columns:
        if column.metadata and not column.name.startswith(_KNOWN):
            raise _Unfit(f"{column.name} is not known")
        ours = source.layout.find(column.name)
        if column.bloom:
            if ours is not None and source.version == target.version and ours.bloom:
                columns.append(_same(ours, source))
            else:
                empty += 1
        elif ours is not None:
            if not _same_type(ours, column, source.version):
                raise _Unfit(f"column {column.name} is {ours.type}, on the target {column.type}")
            columns.append(_same(ours, source))
        elif column.name.startswith((_FIRST, _LAST)):
            if derived := _derived(column, source):
                columns.append(derived)
            else:
                why.append("the source does not keep first and last values of its orderby columns")
        elif column.name.startswith(_MINMAX):
            why.append("the source does not keep minimum and maximum of a column")
        else:
            raise _Unfit(f"the source lacks column {column.name}")
    return columns, why, empty


def _same(column: CompressedColumn, source: CompressedEnd) -> StoredColumn:
    name = identifier(column.name)
    if column.compressed and source.version >= _HAS_EMPTY_BLOCKS:
        name = f"CASE WHEN pg_catalog.pg_column_size({name}) > 5 THEN {name} END"
    return StoredColumn(column.name, name, column.compressed)


def _same_type(ours: CompressedColumn, theirs: CompressedColumn, version: Version) -> bool:
    if version < _TYPED_METADATA and theirs.name.startswith(_MINMAX):
        return ours.base_type == theirs.base_type
    return ours.type == theirs.type


def _derived(column: CompressedColumn, source: CompressedEnd) -> StoredColumn | None:
    """First or last value of a batch: of the first orderby column, if it is never NULL, these are
    its minimum and maximum."""
    layout, order = source.layout, source.layout.settings
    if not order.orderby or order.orderby[0] not in layout.not_null:
        return None
    leading, descending = order.orderby[0], order.descending[0]
    extremes = {
        f"{_FIRST}{leading}": "max" if descending else "min",
        f"{_LAST}{leading}": "min" if descending else "max",
    }
    found = layout.find(f"{METADATA}{extremes.get(column.name)}_1")
    if found is None or found.base_type != column.base_type:
        return None
    return StoredColumn(column.name, identifier(found.name), derived=True)


def _other_order(source: CompressedEnd, target: CompressedEnd) -> bool:
    """Is a column by whose order batches are sorted or found ordered differently?"""
    here, there = dict(source.layout.collations), dict(target.layout.collations)
    return any(
        here.get(name) != there[name] or name not in here
        for name in _ordered(source.layout, target.layout)
        if name in there and not _by_code_point(here.get(name), there[name])
    )


def _by_code_point(*identities: str | None) -> bool:
    return all(i is not None and i.split(" ")[1:2] in _BY_CODE_POINT for i in identities)


def _ordered(source: CompressedLayout, target: CompressedLayout) -> Iterator[str]:
    """Columns that batches are sorted by, and all others if there is a minimum of any."""
    yield from source.settings.orderby
    if any(c.name.startswith(f"{METADATA}v2_m") for c in target.columns):
        for name, _ in source.collations:
            if name not in source.settings.segmentby:
                yield name
