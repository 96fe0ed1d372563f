"""Continuous aggregates and jobs that the source has and that it did not have, or had otherwise,
when it was inspected: only the check sees them."""

from collections.abc import Collection, Iterable

from tswizard.core.catalog.inventory import Job
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.object_selection import left_out
from tswizard.core.model.plan import Task
from tswizard.core.model.wording import plural
from tswizard.core.split.schema.restore import entry_labels
from tswizard.core.split.schema.toc_selection import Selection


def new_caggs_finding(
    task: Task, chosen: Selection, source: Collection[str], target: Collection[str]
) -> Finding | None:
    """Continuous aggregates (`schema.name`) of the source that nobody was asked about and that the
    target lacks, with what was not restored for want of them."""
    known = {cagg.label for cagg in task.inventory.caggs}
    new = frozenset(source) - known - frozenset(target)
    if not new:
        return None
    blocked = [e for e in chosen.cagg_dependents if chosen.missing_caggs(e, target) & new]
    return Finding(
        Level.FAIL,
        "caggs-new",
        f"{plural(len(new), 'continuous aggregate')} created on the source after it was inspected, "
        "not on the target",
        where=task.source.label,
        why="What is migrated was chosen from what the source had then.",
        todo="Create them on the target with their policies, refresh them, then check again; or "
        "drop them on the source.",
        details=(
            *sorted(new),
            *(f"{label}: not restored" for label in entry_labels(blocked, task.inventory.schemas)),
        ),
    )


def expected_jobs(task: Task, jobs: Iterable[Job], absent: Collection[str]) -> tuple[Job, ...]:
    """Of the source's jobs as they are now, those that are to be on the target: not what the user
    left out, nor policies of the continuous aggregates that are `absent` there."""
    if task.answers.policies == "none":
        return ()
    out = {job.id for job in left_out(task.inventory, task.answers).jobs}
    return tuple(job for job in jobs if job.id not in out and job.target not in absent)
