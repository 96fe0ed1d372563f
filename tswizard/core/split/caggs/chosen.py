"""Which continuous aggregates a run migrates, and which of them keep their rows as stored."""

from tswizard.core.catalog.cagg_model import Cagg
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.model.answers import Answers


def chosen_caggs(inventory: Inventory, answers: Answers) -> tuple[Cagg, ...]:
    """Those that the user chose and whose parents were chosen too; parents first."""
    chosen: dict[str, Cagg] = {}
    for cagg in inventory.caggs:
        wanted = answers.caggs == "all" or cagg.label in answers.caggs
        if wanted and (cagg.parent is None or cagg.parent in chosen):
            chosen[cagg.label] = cagg
    return tuple(chosen.values())


def kept_caggs(inventory: Inventory, answers: Answers) -> tuple[Cagg, ...]:
    """Those of them whose materialized rows are copied: not what stands on one that is recomputed,
    since new rows of that are changes to it."""
    kept: dict[str, Cagg] = {}
    for cagg in chosen_caggs(inventory, answers):
        if not answers.recomputes(cagg.label) and (cagg.parent is None or cagg.parent in kept):
            kept[cagg.label] = cagg
    return tuple(kept.values())


def recomputed_caggs(inventory: Inventory, answers: Answers) -> tuple[Cagg, ...]:
    """The others of them, parents first."""
    kept = kept_caggs(inventory, answers)
    return tuple(c for c in chosen_caggs(inventory, answers) if c not in kept)
