"""Compressed rows that a restore cannot read."""

from collections.abc import Iterator

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.catalog.nulls import FIXED, SECONDS
from tswizard.core.model.finding import Finding
from tswizard.core.preflight.check import FULL_ONLY, AnyCheck, SourceCheck
from tswizard.core.preflight.wording import look, some

_TODO = (
    f"Update TimescaleDB on the source to {FIXED} or later first, and use the same version on the "
    "target; or decompress their chunks before the dump (decompress_chunk)."
)


def _all_null(inventory: Inventory, where: str) -> Iterator[Finding]:
    if inventory.null_compressed:
        yield look(
            "null-compressed",
            f"Compressed rows of {some(inventory.null_compressed)} will be lost by the restore.",
            where=where,
            why=_why(inventory),
            todo=_TODO,
            details=inventory.null_compressed,
        )
    if inventory.null_unchecked:
        yield look(
            "null-compressed-unknown",
            f"Compressed rows of {some(inventory.null_unchecked)} may be lost by the restore.",
            where=where,
            why=f"{_why(inventory)} Looking through them took more than {SECONDS} s, so it is not "
            "known whether they hold such columns.",
            todo=_TODO,
            details=inventory.null_unchecked,
        )


def _why(inventory: Inventory) -> str:
    return (
        f"TimescaleDB {inventory.server.timescaledb} stores a compressed column that is all NULL "
        "in a form that it cannot restore: COPY fails and the chunk arrives empty "
        f"(timescale/timescaledb#8893, fixed by #8153 in {FIXED})."
    )


COMPRESSION_CHECKS: tuple[AnyCheck, ...] = (
    SourceCheck(
        gives=("null-compressed", "null-compressed-unknown"),
        run=_all_null,
        methods=FULL_ONLY,
        settled_by_check=True,
    ),
)
