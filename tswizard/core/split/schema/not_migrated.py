"""What the steps of the schema do not carry, by name."""

from collections.abc import Iterator

from tswizard.core.catalog.inventory import Job
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.plan import Task


def not_migrated_findings(task: Task) -> Iterator[Finding]:
    """Publications and subscriptions, which tie the source to others; policies and jobs."""
    extras = task.inventory.extras
    if extras.publications or extras.subscriptions:
        yield Finding(
            Level.LOOK,
            "replication-left-out",
            f"{len(extras.publications)} publications and {len(extras.subscriptions)} "
            "subscriptions are not on the target.",
            where=task.target.label,
            why="Whoever subscribes is connected to the source, and a subscription holds a "
            "password.",
            todo="Create them on the target when you point the others to it.",
            details=(
                *(f"publication {name}" for name in extras.publications),
                *(f"subscription {name}" for name in extras.subscriptions),
            ),
        )
    if task.inventory.jobs:
        yield Finding(
            Level.LOOK,
            "jobs-left-out",
            f"{len(task.inventory.jobs)} policies and jobs are not on the target.",
            where=task.target.label,
            why="This run carries tables and hypertables with their rows; until a policy is "
            "there, nothing is refreshed, compressed or deleted.",
            todo="On the source: SELECT * FROM timescaledb_information.jobs WHERE job_id >= 1000; "
            "then add them on the target.",
            details=tuple(map(_job, task.inventory.jobs)),
        )


def _job(job: Job) -> str:
    on = f" on {job.target}" if job.target else ""
    return f"{job.id} {job.what}{on}, every {job.schedule_interval}"
