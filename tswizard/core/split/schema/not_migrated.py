"""What the split method does not migrate, by name."""

from collections.abc import Iterator

from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.plan import Task
from tswizard.core.model.wording import plural
from tswizard.core.split.schema.restore import entry_labels
from tswizard.core.split.schema.toc_selection import Selection


def not_migrated_findings(task: Task, chosen: Selection) -> Iterator[Finding]:
    """What names a chunk; publications and subscriptions, which tie the source to other servers."""
    if chosen.chunk_users:
        yield Finding(
            Level.LOOK,
            "chunk-users-not-migrated",
            "Not migrated, since they depend on a chunk of the source: "
            f"{plural(len(chosen.chunk_users), 'object')}.",
            where=task.target.label,
            why="Chunks have other names on the target: there the name belongs to none, or to "
            "another chunk.",
            todo="Create them on the target so that they read the hypertable, with a condition on "
            "time; or name the target's chunk, as timescaledb_information.chunks has it.",
            details=entry_labels(chosen.chunk_users, task.inventory.schemas),
        )
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
