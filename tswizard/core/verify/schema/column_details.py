"""What exactly differs in the columns of chunks: read only where their digests differ."""

from collections.abc import Container, Mapping
from dataclasses import replace

from tswizard.core.db.concurrency import both
from tswizard.core.db.connection import Connection, rows
from tswizard.core.model.finding import Level
from tswizard.core.model.object_kinds import OBJECT_KINDS
from tswizard.core.verify.database_reader import DatabaseReader
from tswizard.core.verify.schema.catalog_sql import Catalogs
from tswizard.core.verify.schema.compare import Difference
from tswizard.core.verify.schema.relations import columns_of
from tswizard.core.verify.schema.same_definition import restored_form, same_definition

_MANY = 50
"""Relations whose columns are told; of further ones the digest must do."""
_AT_ONCE = 500
"""Relations whose columns are read by one query."""

_Columns = Mapping[str, list[str]]


async def with_columns(
    source: tuple[DatabaseReader, Catalogs],
    target: tuple[DatabaseReader, Catalogs],
    differences: tuple[Difference, ...],
) -> tuple[Difference, ...]:
    """The differences, with columns instead of their digests; without those whose columns mean
    the same."""
    names = [d.key.name for d in differences if _by_digest(d)]
    same: set[str] = set()
    told: dict[str, tuple[list[str], list[str]]] = {}
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        ours, theirs = await both(_columns(*source, some), _columns(*target, some))
        for name in some:
            if name in ours and name in theirs:
                if same_definition(ours[name], theirs[name]):
                    same.add(name)
                elif len(told) < _MANY:
                    told[name] = ours[name], theirs[name]
    found = (_told(d, same, told) if _by_digest(d) else d for d in differences)
    return tuple(d for d in found if d is not None)


def _by_digest(difference: Difference) -> bool:
    return any(name == "columns" for name, _, _ in difference.changed)


async def _columns(reader: DatabaseReader, catalogs: Catalogs, names: list[str]) -> _Columns:
    async def read(connection: Connection) -> list[tuple[str, list[str]]]:
        found = await rows(connection, columns_of(catalogs), (names,))
        return [(name, columns) for name, columns in found]

    return dict(await reader.run(read))


def _told(
    difference: Difference, same: Container[str], told: Mapping[str, tuple[list[str], list[str]]]
) -> Difference | None:
    """With the columns that differ; None where nothing else does and they mean the same."""
    name = difference.key.name
    if name in same:
        changed = tuple(change for change in difference.changed if change[0] != "columns")
        soft = all(change[0] in OBJECT_KINDS[difference.key.kind].soft for change in changed)
        level = Level.LOOK if soft else difference.level
        return replace(difference, changed=changed, level=level) if changed else None
    if name not in told:
        return difference
    ours, theirs = told[name]
    alike = {restored_form(column) for column in ours} & {restored_form(c) for c in theirs}
    here = [column for column in ours if restored_form(column) not in alike] or ours
    there = [column for column in theirs if restored_form(column) not in alike] or theirs
    changed = tuple(
        (name, ", ".join(here), ", ".join(there)) if name == "columns" else (name, before, after)
        for name, before, after in difference.changed
    )
    return replace(difference, changed=changed)
