"""Continuous aggregates that hinder what comes after the migration."""

import json
from collections.abc import Iterator

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.model.finding import Finding
from tswizard.core.model.kept_history import lost_history
from tswizard.core.model.prepared import Prepared
from tswizard.core.model.wording import plural
from tswizard.core.preflight.check import FULL_ONLY, SPLIT_ONLY, AnyCheck, Check, SourceCheck
from tswizard.core.preflight.wording import fail, look, some


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


def _history(prepared: Prepared) -> Iterator[Finding]:
    answers = prepared.answers
    lost = lost_history(prepared.inventory, answers)
    refused = [label for label in lost if not answers.may_lose_history(label)]
    accepted = [label for label in lost if label not in refused]
    if refused:
        yield fail(
            "history-would-be-lost",
            f"Recomputing would lose history of {plural(len(refused), 'continuous aggregate')}.",
            where=prepared.target.label,
            why="They have buckets that the raw rows cannot give any more.",
            todo="Keep them (history), or accept the loss of each by its name: lose_history = "
            f"{json.dumps(refused, ensure_ascii=False)}",
            details=[f"{label}: {lost[label]}" for label in refused],
        )
    if accepted:
        yield look(
            "history-will-be-lost",
            f"History of {plural(len(accepted), 'continuous aggregate')} will be lost on the "
            "target, as you accepted.",
            where=prepared.target.label,
            why="They are recomputed, and have buckets that the raw rows cannot give any more.",
            todo="Nothing, if that is meant; the source keeps them.",
            details=[f"{label}: {lost[label]}" for label in accepted],
        )


CONTINUOUS_AGGREGATE_CHECKS: tuple[AnyCheck, ...] = (
    Check(
        gives=("history-would-be-lost", "history-will-be-lost"),
        run=_history,
        methods=SPLIT_ONLY,
        answered_by=("history", "lose_history"),
        settled_by_check=True,
    ),
    SourceCheck(gives=("old-continuous-aggregates",), run=_old_format, methods=FULL_ONLY),
)
