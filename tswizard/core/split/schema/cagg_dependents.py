"""What reads continuous aggregates: restored when they are there, named while they are not."""

from pathlib import Path

from tswizard.core.catalog.catalog_shape import CAGG
from tswizard.core.db.connection import connected, rows
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.plan import Task
from tswizard.core.run.context import Context, StepSkipped
from tswizard.core.split.schema.restore import entry_labels, restore_entries, use_list_path
from tswizard.core.split.schema.restore_state import read_restore_state, write_restore_state
from tswizard.core.split.schema.toc import PRE, write_use_list
from tswizard.core.split.schema.toc_selection import Selection, read_selection

_PART = "after-aggregates"
_CAGGS = f"SELECT user_view_schema || '.' || user_view_name FROM {CAGG}"


def write_dependents_list(task: Task, chosen: Selection) -> Path:
    """The entries that wait, as a list for `pg_restore -L`, each with what it waits for."""
    path = use_list_path(task, "later")
    reasons = {id: f"waits for {', '.join(sorted(names))}" for id, names in chosen.waits.items()}
    write_use_list(path, chosen.later, reasons)
    return path


async def restore_cagg_dependents(ctx: Context) -> None:
    """Restore what waited for aggregates that are there now; name the rest, and why.

    Raises StepFailed.
    """
    inventory = ctx.task.inventory
    if not inventory.caggs:
        raise StepSkipped("the source has no continuous aggregate")
    chosen = await read_selection(ctx)
    write_dependents_list(
        ctx.task, chosen
    )  # of the dump that is here: another machine made its own
    async with connected(ctx.task.target) as target:
        there = {name for (name,) in await rows(target, _CAGGS)}
        state = await read_restore_state(target, ctx.run_folder.record.id, _PART)
    for finding in missing_cagg_findings(ctx.task, chosen, there):
        ctx.found(finding)
    ready = [entry for entry in chosen.later if chosen.waits[entry.id] <= there]
    if not ready or state == "done":
        return
    async with connected(ctx.task.target) as target:
        await write_restore_state(target, ctx.run_folder.record.id, _PART, "begun")
    await restore_entries(ctx, ready, _PART, PRE, again=state == "begun")
    async with connected(ctx.task.target) as target:
        await write_restore_state(target, ctx.run_folder.record.id, _PART, "done")


def missing_cagg_findings(task: Task, chosen: Selection, there: set[str]) -> tuple[Finding, ...]:
    """Aggregates that the target lacks, and what cannot be made without them."""
    absent = [cagg.label for cagg in task.inventory.caggs if cagg.label not in there]
    if not absent:
        return ()
    found = [
        Finding(
            Level.LOOK,
            "aggregates-left-out",
            f"{len(absent)} of {len(task.inventory.caggs)} continuous aggregates are not on the "
            "target.",
            where=task.target.label,
            why="This run carries tables and hypertables with their rows; an aggregate has to be "
            "created from its definition.",
            todo="On the source: SELECT view_schema, view_name, view_definition FROM "
            "timescaledb_information.continuous_aggregates; then create them on the target.",
            details=tuple(absent),
        )
    ]
    waiting = [entry for entry in chosen.later if not chosen.waits[entry.id] <= there]
    if waiting:
        names = entry_labels(waiting, task.inventory.schemas)
        reasons = [", ".join(sorted(chosen.waits[e.id] - there)) for e in waiting]
        found.append(
            Finding(
                Level.LOOK,
                "waiting-for-aggregates",
                f"{len(waiting)} objects wait for those aggregates and are not on the target.",
                where=task.target.label,
                why="They read an aggregate, or are grants and comments on one.",
                todo="When the aggregates are there: "
                f"pg_restore --no-owner --use-list={use_list_path(task, 'later')} -d … "
                f"{task.dump / 'schema.dump'}",
                details=tuple(f"{n} (waits for {r})" for n, r in zip(names, reasons, strict=True)),
            )
        )
    return tuple(found)
