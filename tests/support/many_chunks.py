"""A source with so much in it that whatever is not quick per chunk or per table shows."""

from dataclasses import replace

from tests.support.many_objects import many
from tests.support.wizard_world import INVENTORY
from tswizard.core.catalog.inventory import Inventory, TableKind

CHUNKS = 20_000
HYPERTABLES = 40
TABLES = 2_000


def crowded() -> Inventory:
    """20,000 chunks of 40 hypertables, 2,000 tables, 80 continuous aggregates, 300 policies."""
    base = max((h for h in INVENTORY.hypertables if h.cagg is None), key=lambda h: h.bytes)
    plain = next(table for table in INVENTORY.tables if table.kind is TableKind.PLAIN)
    each = CHUNKS // HYPERTABLES
    hypertables = tuple(
        replace(
            base,
            name=f"raw_{number:02}",
            bytes=base.bytes + number,
            chunks=tuple(
                replace(
                    base.chunks[0],
                    name=f"_hyper_{number}_{n}_chunk",
                    range_start=str(n),
                    range_end=str(n + 1),
                    bytes=100_000,
                )
                for n in range(each)
            ),
        )
        for number in range(HYPERTABLES)
    )
    tables = tuple(replace(plain, name=f"table_{n:04}", bytes=n) for n in range(TABLES))
    objects = many(80, 300)
    return replace(
        INVENTORY,
        hypertables=hypertables,
        tables=tables,
        caggs=objects.caggs,
        jobs=objects.jobs,
        cagg_dependents=(),
    )
