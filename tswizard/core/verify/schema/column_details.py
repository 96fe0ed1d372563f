"""What exactly differs in the columns of chunks: read only where their digests differ."""

from collections.abc import Mapping
from dataclasses import replace

from tswizard.core.db.concurrency import both
from tswizard.core.db.connection import Connection, rows
from tswizard.core.verify.database_reader import DatabaseReader
from tswizard.core.verify.schema.catalog_sql import Catalogs
from tswizard.core.verify.schema.compare import Difference
from tswizard.core.verify.schema.relations import columns_of

_MANY = 50
"""Relations whose columns are read; for further ones the digest must do."""


async def with_columns(
    source: tuple[DatabaseReader, Catalogs],
    target: tuple[DatabaseReader, Catalogs],
    differences: tuple[Difference, ...],
) -> tuple[Difference, ...]:
    """The differences, with columns instead of their digests."""
    names = [d.key.name for d in differences if _by_digest(d)][:_MANY]
    if not names:
        return differences
    ours, theirs = await both(_columns(*source, names), _columns(*target, names))
    return tuple(
        _told(d, ours[d.key.name], theirs[d.key.name])
        if d.key.name in ours and d.key.name in theirs and _by_digest(d)
        else d
        for d in differences
    )


def _by_digest(difference: Difference) -> bool:
    return any(name == "columns" for name, _, _ in difference.changed)


async def _columns(
    reader: DatabaseReader, catalogs: Catalogs, names: list[str]
) -> Mapping[str, list[str]]:
    async def read(connection: Connection) -> list[tuple[str, list[str]]]:
        found = await rows(connection, columns_of(catalogs), (names,))
        return [(name, columns) for name, columns in found]

    return dict(await reader.run(read))


def _told(difference: Difference, ours: list[str], theirs: list[str]) -> Difference:
    here = [column for column in ours if column not in theirs] or ours
    there = [column for column in theirs if column not in ours] or theirs
    changed = tuple(
        (name, ", ".join(here), ", ".join(there)) if name == "columns" else (name, before, after)
        for name, before, after in difference.changed
    )
    return replace(difference, changed=changed)
