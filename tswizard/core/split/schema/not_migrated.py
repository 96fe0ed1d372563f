"""What the split method does not migrate, by name."""

from collections.abc import Iterator

from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.plan import Task
from tswizard.core.model.wording import plural


def not_migrated_findings(task: Task) -> Iterator[Finding]:
    """Publications and subscriptions, which tie the source to other servers."""
    extras = task.inventory.extras
    if extras.publications or extras.subscriptions:
        yield Finding(
            Level.LOOK,
            "replication-not-migrated",
            f"{plural(len(extras.publications), 'publication')} and "
            f"{plural(len(extras.subscriptions), 'subscription')} were not migrated.",
            where=task.target.label,
            why="Subscribers connect to the source, and a subscription holds a password.",
            todo="Create them on the target when you redirect the subscribers to it.",
            details=(
                *(f"publication {name}" for name in extras.publications),
                *(f"subscription {name}" for name in extras.subscriptions),
            ),
        )
