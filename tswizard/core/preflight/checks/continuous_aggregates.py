"""Continuous aggregates that hinder what comes after the migration."""

from collections.abc import Iterator

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.model.finding import Finding
from tswizard.core.preflight.check import FULL_ONLY, AnyCheck, SourceCheck
from tswizard.core.preflight.wording import look, some


def _old_format(inventory: Inventory, where: str) -> Iterator[Finding]:
    old = [cagg.label for cagg in inventory.caggs if not cagg.finalized]
    if old:
        yield look(
            "old-continuous-aggregates",
            f"{some(old)}: continuous aggregate of the old format (finalized = false).",
            where=where,
            why="A full migration carries it as it is, but later versions of TimescaleDB refuse "
            "it, so the target could not be updated.",
            todo="Better convert it to the new format on the source first: CALL cagg_migrate('…');",
            details=old,
        )


CONTINUOUS_AGGREGATE_CHECKS: tuple[AnyCheck, ...] = (
    SourceCheck(gives=("old-continuous-aggregates",), run=_old_format, methods=FULL_ONLY),
)
