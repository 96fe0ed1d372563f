"""Differences that changes on a live source explain, where no snapshot was shared.

Nothing becomes a pass here: what is explained is a `look` instead of a `fail`.
"""

from collections.abc import Iterable
from dataclasses import replace

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.db.identifiers import qualified
from tswizard.core.model.finding import Level
from tswizard.core.verify.schema.compare import Difference
from tswizard.core.verify.schema.read import Schema

NEW_ON_SOURCE = "created on the source after it was inspected"
"""Why a chunk and all that belongs to it is missing."""


def explained(
    differences: Iterable[Difference], inventory: Inventory, source: Schema
) -> tuple[Difference, ...]:
    """Explain chunks that the source has created or dropped since it was inspected."""
    known = set(internal_names(inventory))
    return tuple(_explain(difference, known, source) for difference in differences)


def _explain(difference: Difference, known: set[str], source: Schema) -> Difference:
    part = difference.part
    if part is None or (difference.level is not Level.FAIL and difference.state != "extra"):
        return difference
    if difference.state == "missing" and part not in known:
        return replace(difference, level=Level.LOOK, why=NEW_ON_SOURCE)
    if difference.state == "extra" and part in known and part not in source.labels:
        return replace(
            difference, level=Level.LOOK, why="dropped on the source after it was inspected"
        )
    return difference


def internal_names(inventory: Inventory) -> Iterable[str]:
    """Chunks and their like, quoted where necessary, as in the comparison."""
    for hypertable in inventory.hypertables:
        if hypertable.schema == "_timescaledb_internal":
            yield plain(hypertable.schema, hypertable.name)
        for chunk in hypertable.chunks:
            yield plain(chunk.schema, chunk.name)
            if chunk.compressed_table is not None:
                yield plain(*chunk.compressed_table.split(".", 1))


def plain(schema: str, name: str) -> str:
    """Like the server's quote_ident: quoted only where necessary."""
    return ".".join(
        part
        if part.replace("_", "a").isalnum() and part == part.lower() and part.isascii()
        else qualified(part, "")[: -len('.""')]
        for part in (schema, name)
    )
