"""Expressions that do not work in a session without its application's settings, or that may refuse
valid rows while they are loaded. They were tried when the source was read."""

from collections.abc import Iterator

from tswizard.core.catalog.hazard_model import ExpressionKind, TriedExpression
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.model.finding import Finding
from tswizard.core.model.prepared import Prepared
from tswizard.core.preflight.check import FULL_ONLY, SPLIT_ONLY, AnyCheck, Check, SourceCheck
from tswizard.core.preflight.wording import fail, look, passed, some

_RESTRICTED = 17
"""PostgreSQL from which CREATE INDEX has a search_path of its own (release notes of 17)."""

_WHY = (
    "A function that they call finds others only with the application's search_path, and a restore "
    "has none (timescale/timescaledb#7168)."
)
_REPAIR = (
    "ALTER FUNCTION … SET search_path = …; on the source, for the functions that the expressions "
    "call"
)


def _detail(tried: TriedExpression) -> str:
    works = f"; works with search_path = {tried.path}" if tried.path else ""
    return f"{tried.label}: {tried.error}{works}"


def _failing(inventory: Inventory) -> list[TriedExpression]:
    return [tried for tried in inventory.hazards.expressions if tried.error and tried.rows]


def _restore(inventory: Inventory, where: str) -> Iterator[Finding]:
    if failing := _failing(inventory):
        yield fail(
            "search-path-needed",
            f"Rows or indexes would be refused by the restore: {some([t.label for t in failing])}.",
            where=where,
            why=_WHY,
            todo=f"Use the split method, which loads with that search_path; or {_REPAIR}.",
            details=map(_detail, failing),
        )
    violated = [t for t in inventory.hazards.late_checks if t.violated and not t.inherited]
    if violated:
        yield fail(
            "check-violated",
            f"Rows would be refused by the restore: {some([t.label for t in violated])}.",
            where=where,
            why="Some rows violate it now, though they did not when they were written or it is "
            "NOT VALID; a restore checks every row.",
            todo="Use the split method, which adds it after the rows; or drop it on the source for "
            "the migration.",
            details=[t.label for t in violated],
        )
    late = [t for t in inventory.hazards.late_checks if not (t.violated or t.error or t.inherited)]
    if late:
        yield look(
            "check-depends",
            f"Valid rows may be refused by the restore: {some([t.label for t in late])}.",
            where=where,
            why="These constraints may depend on more than their row: on another table, the clock, "
            "a setting. A restore loads tables side by side, in any order, with its own settings.",
            todo="Use the split method: it adds these checks after the rows. With full, rows that "
            "are refused are missing on the target, and the check says so; or drop these "
            "constraints on the source for the migration.",
            details=[t.label for t in late],
        )


def _copy(inventory: Inventory, where: str) -> Iterator[Finding]:
    failing = [t for t in _failing(inventory) if t.kind.of_rows]
    if hopeless := [t for t in failing if not t.path]:
        yield fail(
            "search-path-unknown",
            f"Rows would be refused: {some([t.label for t in hopeless])}.",
            where=where,
            why=f"{_WHY} None that is set for the owner or the database helps, nor do the schemas "
            "of the user.",
            todo=f"{_REPAIR}.",
            details=map(_detail, hopeless),
        )
    if helped := [t for t in failing if t.path]:
        yield passed(
            "search-path-used",
            f"{some(sorted({f'{t.schema}.{t.table}' for t in helped}))}: loaded with search_path = "
            f"{', '.join(sorted({t.path for t in helped}))}.",
            where=where,
            why="Functions of its expressions need it; found by trying.",
        )
    late = [t for t in inventory.hazards.late_checks if not t.inherited]
    if violated := [t for t in late if t.violated]:
        yield look(
            "check-stays-not-valid",
            f"Will be NOT VALID on the target: {some([t.label for t in violated])}.",
            where=where,
            why="Some rows violate it now. They are migrated all the same, and new rows are "
            "checked.",
            todo="Fix these rows, or validate it later: ALTER TABLE … VALIDATE CONSTRAINT …;",
            details=[t.label for t in violated],
        )
    if fulfilled := [t for t in late if not t.violated]:
        yield passed(
            "check-after-rows",
            f"Added after the rows, then validated: {some([t.label for t in fulfilled])}.",
            where=where,
            why="It may depend on more than its row.",
        )


def _indexes(prepared: Prepared) -> Iterator[Finding]:
    restricted = prepared.target_inventory.server.major >= _RESTRICTED
    indexes = [
        tried
        for tried in _failing(prepared.inventory)
        if tried.kind is ExpressionKind.INDEX and (restricted or not tried.path)
    ]
    if indexes:
        yield look(
            "index-search-path",
            f"Will be missing on the target: {some([t.label for t in indexes])}.",
            where=prepared.target.label,
            why=f"{_WHY} PostgreSQL {_RESTRICTED} and later build indexes with a search_path of "
            "their own."
            if restricted
            else _WHY,
            todo=f"{_REPAIR}; then they can be built.",
            details=map(_detail, indexes),
        )


EXPRESSION_CHECKS: tuple[AnyCheck, ...] = (
    SourceCheck(
        gives=("search-path-needed", "check-violated", "check-depends"),
        run=_restore,
        methods=FULL_ONLY,
    ),
    SourceCheck(
        gives=(
            "search-path-unknown",
            "search-path-used",
            "check-stays-not-valid",
            "check-after-rows",
        ),
        run=_copy,
        methods=SPLIT_ONLY,
    ),
    Check(gives=("index-search-path",), run=_indexes, methods=SPLIT_ONLY),
)
