"""Whose materialized rows are recomputed instead of kept, and what that would lose."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from tswizard.core.catalog.cagg_model import Cagg
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.model.answers import Answers
from tswizard.core.model.kept_history import lost_history


@dataclass(frozen=True)
class History:
    """What the answers make of the history of an inventory's continuous aggregates."""

    inventory: Inventory
    answers: Answers

    def recomputed_by(self, cagg: Cagg) -> str:
        """Which one's answer makes it be recomputed: itself, or one that it is built on."""
        return next((c.label for c in self._line(cagg) if self.answers.recomputes(c.label)), "")

    def loss(self, recomputed: Collection[str], caggs: Iterable[Cagg]) -> tuple[str, ...]:
        """What of these continuous aggregates is lost by recomputing some, a line each: what
        is built on them is recomputed as well."""
        named = tuple(cagg.label for cagg in self.inventory.caggs if cagg.label in recomputed)
        lost = lost_history(self.inventory, Answers(history=named))
        return tuple(f"{c.label}: {lost[c.label]}" for c in caggs if c.label in lost)

    @cached_property
    def _by_label(self) -> dict[str, Cagg]:
        return {cagg.label: cagg for cagg in self.inventory.caggs}

    def _line(self, cagg: Cagg) -> Iterator[Cagg]:
        """It, and those that it is built on."""
        at: Cagg | None = cagg
        while at is not None:
            yield at
            at = self._by_label.get(at.parent or "")
