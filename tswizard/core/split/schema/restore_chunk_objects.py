"""What belongs to one chunk alone is made on the target's chunk, and compared there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tswizard.core.db.connection import connected
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.wording import plural
from tswizard.core.run.context import Context
from tswizard.core.split.schema.chunk_objects import (
    ChunkChange,
    ChunkChanges,
    ChunkKey,
    read_chunk_changes,
    read_chunk_names,
)
from tswizard.core.split.schema.execute import run_batches
from tswizard.core.split.schema.target_session import schema_session


@dataclass(frozen=True, slots=True)
class ChunkObjects:
    """What chunks of both databases have by themselves, and the target's chunks."""

    source: ChunkChanges
    target: ChunkChanges
    names: Mapping[ChunkKey, str]
    """The target's chunks."""

    @property
    def missing(self) -> Iterator[ChunkChange]:
        """What the target's chunks lack."""
        existing = set(self.target.changes)
        return (change for change in self.source.changes if change not in existing)


async def restore_chunk_objects(ctx: Context) -> None:
    """Make what the target lacks. Raises CannotConnect, StepFailed, psycopg.Error."""
    async with connected(ctx.task.source) as source:
        ours = await read_chunk_changes(source)
    if not ours.changes:
        return
    async with schema_session(ctx) as target:
        objects = ChunkObjects(
            ours, await read_chunk_changes(target), await read_chunk_names(target)
        )
        lacking = [change for change in objects.missing if change.chunk in objects.names]
        statements = [change.sql(objects.names[change.chunk]) for change in lacking]
        for statement in statements:
            ctx.say(f"{statement};", "sql")
        refused = await run_batches(ctx, target, statements)
    if refused:
        ctx.found(
            Finding(
                Level.LOOK,
                "chunk-objects-refused",
                f"The target refuses {plural(len(refused), 'statement')} for what the source has "
                "on one chunk alone.",
                where=ctx.task.target.label,
                why="Indexes, options, comments or grants that a chunk has and its hypertable has "
                "not; the server's message follows each statement.",
                todo="Fix the cause, then run the statements on the target.",
                details=tuple(refusal.as_sql for refusal in refused),
            )
        )


def chunk_object_findings(objects: ChunkObjects, where: str) -> tuple[Finding, ...]:
    """What the check says of them; nothing where the target lacks none."""
    missing = tuple(objects.missing)
    if not missing:
        return ()
    return (
        Finding(
            Level.LOOK,
            "chunk-objects",
            f"{plural(len(missing), 'property', 'properties')} that a chunk has on the source and "
            "its hypertable has not are missing on the target's chunk.",
            where=where,
            why="Indexes, options, statistics targets, comments or grants of one chunk alone.",
            todo="Run the statements on the target.",
            details=tuple(_lines(missing, objects)),
        ),
    )


def _lines(missing: Sequence[ChunkChange], objects: ChunkObjects) -> Iterator[str]:
    for change in missing:
        relation = objects.names.get(change.chunk)
        if relation:
            yield f"{change.sql(relation)};"
        else:
            table, slices = change.chunk
            source = change.sql(objects.source.relations[change.chunk])
            yield f"{source};  -- the target has no chunk {slices} of {table}"
