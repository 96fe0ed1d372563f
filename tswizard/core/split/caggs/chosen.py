"""Which of the chosen continuous aggregates keep their rows as stored."""

from tswizard.core.catalog.cagg_model import Cagg
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.model.answers import Answers
from tswizard.core.model.object_selection import chosen_caggs


def kept_caggs(inventory: Inventory, answers: Answers) -> tuple[Cagg, ...]:
    """Those of the chosen ones whose materialized rows are copied: not what stands on one that is
    recomputed, since new rows of that are changes to it."""
    kept: dict[str, Cagg] = {}
    for cagg in chosen_caggs(inventory, answers):
        if not answers.recomputes(cagg.label) and (cagg.parent is None or cagg.parent in kept):
            kept[cagg.label] = cagg
    return tuple(kept.values())


def recomputed_caggs(inventory: Inventory, answers: Answers) -> tuple[Cagg, ...]:
    """The other chosen ones, parents first."""
    kept = kept_caggs(inventory, answers)
    return tuple(c for c in chosen_caggs(inventory, answers) if c not in kept)
