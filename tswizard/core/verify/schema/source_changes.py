"""Differences that writes on a living source explain, when no snapshot fixed its moment.

Nothing is called fine here: what is explained is for the user to look at instead of a failure.
"""

from collections.abc import Iterable
from dataclasses import replace

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.db.identifiers import qualified
from tswizard.core.model.finding import Level
from tswizard.core.verify.schema.compare import Difference
from tswizard.core.verify.schema.read import Schema


def explained(
    differences: Iterable[Difference], inventory: Inventory, source: Schema
) -> tuple[Difference, ...]:
    """Chunks that the source has made or dropped since it was inspected."""
    known = set(_internal_names(inventory))
    return tuple(_explain(difference, known, source) for difference in differences)


def _explain(difference: Difference, known: set[str], source: Schema) -> Difference:
    part = difference.part
    if part is None or (difference.level is not Level.FAIL and difference.state != "extra"):
        return difference
    if difference.state == "missing" and part not in known:
        return replace(
            difference, level=Level.LOOK, why="the source made it after it was inspected"
        )
    if difference.state == "extra" and part in known and part not in source.labels:
        return replace(
            difference, level=Level.LOOK, why="the source dropped it after it was inspected"
        )
    return difference


def _internal_names(inventory: Inventory) -> Iterable[str]:
    """As the comparison names them: quoted where they need quotes."""
    for hypertable in inventory.hypertables:
        if hypertable.schema == "_timescaledb_internal":
            yield plain(hypertable.schema, hypertable.name)
        for chunk in hypertable.chunks:
            yield plain(chunk.schema, chunk.name)
            if chunk.compressed_table is not None:
                yield plain(*chunk.compressed_table.split(".", 1))


def plain(schema: str, name: str) -> str:
    """Like the server's quote_ident: only what needs quotes gets them."""
    return ".".join(
        part
        if part.replace("_", "a").isalnum() and part == part.lower() and part.isascii()
        else qualified(part, "")[: -len('.""')]
        for part in (schema, name)
    )
