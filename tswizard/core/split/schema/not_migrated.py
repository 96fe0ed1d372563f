"""What the split method does not migrate, by name."""

from collections.abc import Iterator

from tswizard.core.catalog.inventory import Job
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.plan import Task


def not_migrated_findings(task: Task) -> Iterator[Finding]:
    """Publications and subscriptions, which tie the source to other servers; policies and jobs."""
    extras = task.inventory.extras
    if extras.publications or extras.subscriptions:
        yield Finding(
            Level.LOOK,
            "replication-not-migrated",
            f"{len(extras.publications)} publications and {len(extras.subscriptions)} "
            "subscriptions were not migrated.",
            where=task.target.label,
            why="Subscribers connect to the source, and a subscription holds a password.",
            todo="Create them on the target when you redirect the subscribers to it.",
            details=(
                *(f"publication {name}" for name in extras.publications),
                *(f"subscription {name}" for name in extras.subscriptions),
            ),
        )
    if task.inventory.jobs:
        yield Finding(
            Level.LOOK,
            "jobs-not-migrated",
            f"{len(task.inventory.jobs)} policies and jobs were not migrated.",
            where=task.target.label,
            why="The split method migrates tables and hypertables with their rows. Without its "
            "policies the target refreshes, compresses and drops nothing by itself.",
            todo="On the source: SELECT * FROM timescaledb_information.jobs WHERE job_id >= 1000; "
            "then add them on the target.",
            details=tuple(map(_job_label, task.inventory.jobs)),
        )


def _job_label(job: Job) -> str:
    on = f" on {job.target}" if job.target else ""
    return f"{job.id} {job.what}{on}, every {job.schedule_interval}"
