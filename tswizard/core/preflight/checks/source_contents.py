"""What the source holds, as far as it is worth a sentence and no worry."""

from collections.abc import Iterator

from tswizard.core.catalog.inventory import Inventory, TableKind
from tswizard.core.model.finding import Finding
from tswizard.core.model.wording import plural, size
from tswizard.core.preflight.check import AnyCheck, SourceCheck
from tswizard.core.preflight.wording import look, passed, some


def _large_objects(inventory: Inventory, where: str) -> Iterator[Finding]:
    if inventory.large_objects:
        what = f"{plural(inventory.large_objects, 'large object')} will be migrated."
        yield passed("large-objects", what, where=where)


def _unlogged(inventory: Inventory, where: str) -> Iterator[Finding]:
    unlogged = [table.label for table in inventory.tables if table.unlogged]
    if unlogged and inventory.server.in_recovery:
        yield look(
            "unlogged-left-out",
            f"Rows of {plural(len(unlogged), 'unlogged table')} are left out: {some(unlogged)}.",
            where=where,
            why="The source is a standby, and unlogged tables cannot be read there. They are "
            "created on the target without rows, and their sequences at their start.",
            todo="Use the primary as the source, or copy these rows from it yourself.",
            details=unlogged,
        )
    elif unlogged:
        what = f"{some(unlogged)}: unlogged, and stays so on the target; its rows are migrated too."
        yield passed("unlogged-tables", what, where=where)


def _foreign(inventory: Inventory, where: str) -> Iterator[Finding]:
    foreign = [table.label for table in inventory.tables if table.kind is TableKind.FOREIGN]
    if foreign:
        what = f"{some(foreign)}: foreign; the definition is migrated, the rows are not moved."
        yield passed("foreign-tables", what, where=where)


def _size(inventory: Inventory, where: str) -> Iterator[Finding]:
    hypertables = sum(h.cagg is None for h in inventory.hypertables)
    yield passed(
        "source-size",
        f"{plural(hypertables, 'hypertable')}, "
        f"{plural(len(inventory.caggs), 'continuous aggregate')}, "
        f"{plural(len(inventory.tables), 'table')}, {plural(len(inventory.jobs), 'job')}: "
        f"{size(inventory.stored_bytes)} as stored.",
        where=where,
    )


SOURCE_CONTENT_CHECKS: tuple[AnyCheck, ...] = (
    SourceCheck(gives=("large-objects",), run=_large_objects),
    SourceCheck(gives=("unlogged-tables", "unlogged-left-out"), run=_unlogged),
    SourceCheck(gives=("foreign-tables",), run=_foreign),
    SourceCheck(gives=("source-size",), run=_size),
)
