"""The lines of Objects: continuous aggregates as trees, jobs by what they serve."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tswizard.core.catalog.cagg_model import Cagg
from tswizard.core.catalog.inventory import Job
from tswizard.core.model.object_selection import ObjectSelection
from tswizard.core.model.wording import interval_words


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRow:
    """One line. A heading has no id and cannot be reached."""

    id: str = ""
    text: str
    right: str = ""
    ticked: bool = False
    depth: int = 0


def object_rows(
    selection: ObjectSelection, wanted: str, state: Callable[[Cagg], str]
) -> Iterator[ObjectRow]:
    """Those with `wanted` in their names, under headings. `state` is a word about a continuous
    aggregate, or empty."""

    def shown(text: str) -> bool:
        return wanted.lower() in text.lower()

    for hypertable, under in cagg_trees(selection.inventory.caggs).items():
        found = [(cagg, depth) for cagg, depth in under if shown(cagg.label)]
        if found:
            yield ObjectRow(text=f"Continuous aggregates on {hypertable}")
        for cagg, depth in found:
            kind = "materialized only" if cagg.materialized_only else "real-time"
            yield ObjectRow(
                id=cagg.label,
                text=cagg.label,
                right=", ".join(filter(None, (kind, state(cagg)))),
                ticked=cagg.label in selection.caggs,
                depth=depth,
            )
    groups: dict[str, list[Job]] = {}
    for job in selection.inventory.jobs:
        if shown(f"{job.id} {job.what} {job.target or ''}"):
            groups.setdefault(job.target or "", []).append(job)
    for target, jobs in groups.items():
        yield ObjectRow(text=f"Policies and jobs of {target}" if target else "Jobs without a table")
        for job in jobs:
            paused = "" if job.scheduled else ", paused"
            yield ObjectRow(
                id=str(job.id),
                text=f"{job.id} {job.what}",
                right=f"every {interval_words(job.schedule_interval)}{paused}",
                ticked=job.id in selection.jobs,
            )


def cagg_trees(caggs: Iterable[Cagg]) -> dict[str, list[tuple[Cagg, int]]]:
    """Hypertable -> the continuous aggregates over it, each under its parent, with its depth."""
    own = list(caggs)
    labels = {cagg.label for cagg in own}
    children: dict[str, list[Cagg]] = {}
    for cagg in own:
        children.setdefault(cagg.parent or "", []).append(cagg)

    def below(cagg: Cagg, depth: int) -> Iterator[tuple[Cagg, int]]:
        yield cagg, depth
        for child in children.get(cagg.label, ()):
            yield from below(child, depth + 1)

    found: dict[str, list[tuple[Cagg, int]]] = {}
    for root in own:
        if root.parent not in labels:
            found.setdefault(root.hypertable, []).extend(below(root, 0))
    return found
