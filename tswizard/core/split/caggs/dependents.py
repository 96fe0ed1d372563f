"""What depends on continuous aggregates: restored once they have their rows, reported without."""

from collections.abc import Collection

from tswizard.core.catalog.catalog_shape import CAGG
from tswizard.core.db.connection import connected, rows
from tswizard.core.db.toc import parse_toc_line
from tswizard.core.dump.toc import PRE, DumpEntry, write_use_list
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.object_selection import chosen_caggs
from tswizard.core.model.plan import Task
from tswizard.core.model.wording import plural
from tswizard.core.run.context import Context, StepSkipped
from tswizard.core.split.caggs.own_settings import lost_settings
from tswizard.core.split.schema.cagg_dependents import DEPENDENTS_LIST, write_dependents_list
from tswizard.core.split.schema.dump import schema_dump_path
from tswizard.core.split.schema.restore import entry_labels, restore_entries, use_list_path
from tswizard.core.split.schema.restore_state import read_restore_state, write_restore_state
from tswizard.core.split.schema.toc_selection import Selection, read_selection

_PART = "after-caggs"
ON_CAGGS = "on-caggs"
"""The part of grants and comments on them, which are restored as soon as they exist."""

_CAGGS = f"SELECT user_view_schema || '.' || user_view_name FROM {CAGG}"


async def restore_cagg_dependents(ctx: Context) -> None:
    """Restore those whose continuous aggregates exist on the target; report the others.

    Grants and comments were restored with them. Raises StepFailed, StepSkipped, CannotConnect,
    psycopg.Error.
    """
    if not ctx.task.inventory.caggs:
        raise StepSkipped("the source has no continuous aggregates")
    chosen = await read_selection(ctx)
    write_dependents_list(ctx.task, chosen)  # on another machine the dump is a new one
    run = ctx.run_folder.record.id
    async with connected(ctx.task.target) as target:
        existing = {name for (name,) in await rows(target, _CAGGS)}
        state = await read_restore_state(target, run, _PART)
        marks = await read_restore_state(target, run, ON_CAGGS) == "done"
    for finding in missing_cagg_findings(ctx.task, chosen, existing):
        ctx.found(finding)
    for finding in await lost_settings(ctx.task):
        ctx.found(finding)
    ready = [
        entry
        for entry in chosen.cagg_dependents
        if not chosen.missing_caggs(entry, existing) and not (marks and entry.id in chosen.on_caggs)
    ]
    if state == "done":
        await _restore_later(ctx, ready)
        return
    if not ready:
        return
    async with connected(ctx.task.target) as target:
        await write_restore_state(target, run, _PART, "begun")
    await restore_entries(ctx, ready, _PART, PRE, drop_first=state == "begun")
    async with connected(ctx.task.target) as target:
        await write_restore_state(target, run, _PART, "done")


async def _restore_later(ctx: Context, ready: list[DumpEntry]) -> None:
    """Those whose continuous aggregate the user has created since the others were restored. Which
    those were is only known where their list is."""
    path = use_list_path(ctx.task, _PART)
    if not path.exists():
        return
    lines = map(parse_toc_line, path.read_text(encoding="utf-8").splitlines())
    earlier = {line.id for line in lines if line}
    later = [entry for entry in ready if entry.id not in earlier]
    if later:
        await restore_entries(ctx, later, f"{_PART}-later", PRE)
        write_use_list(path, ready)


def missing_cagg_findings(
    task: Task, chosen: Selection, existing: Collection[str]
) -> tuple[Finding, ...]:
    """Continuous aggregates that the target lacks, and what cannot be restored without them."""
    wanted = {cagg.label for cagg in chosen_caggs(task.inventory, task.answers)}
    absent = {cagg.label for cagg in task.inventory.caggs}.difference(existing)
    found = []
    if by_choice := sorted(absent - wanted):
        found.append(
            Finding(
                Level.PASS,
                "caggs-left-out",
                f"{len(by_choice)} of {plural(len(task.inventory.caggs), 'continuous aggregate')} "
                "left out, as you chose.",
                where=task.target.label,
                details=tuple(by_choice),
            )
        )
    if lost := sorted(absent & wanted):
        found.append(
            Finding(
                Level.LOOK,
                "caggs-not-migrated",
                f"{len(lost)} of {plural(len(task.inventory.caggs), 'continuous aggregate')} not "
                "migrated.",
                where=task.target.label,
                why="They could not be created on the target.",
                todo="On the source: SELECT view_schema, view_name, view_definition FROM "
                "timescaledb_information.continuous_aggregates; then create them on the target.",
                details=tuple(lost),
            )
        )
    blocked = [e for e in chosen.cagg_dependents if chosen.missing_caggs(e, existing)]
    if blocked:
        labels = entry_labels(blocked, task.inventory.schemas)
        needed = [", ".join(sorted(chosen.missing_caggs(e, existing))) for e in blocked]
        # One that the source has created since it was inspected was left out by nobody.
        chose_so = all(chosen.missing_caggs(e, existing) <= absent - wanted for e in blocked)
        found.append(
            Finding(
                Level.PASS if chose_so and not lost else Level.LOOK,
                "cagg-dependents-not-migrated",
                "Not migrated, since they depend on those continuous aggregates: "
                f"{plural(len(blocked), 'object')}.",
                where=task.target.label,
                why="They read a continuous aggregate, or are grants or comments on one.",
                todo="Once the continuous aggregates exist: pg_restore --no-owner "
                f"--use-list={use_list_path(task, DEPENDENTS_LIST)} -d … {schema_dump_path(task)}",
                details=tuple(
                    f"{label} (depends on {caggs})"
                    for label, caggs in zip(labels, needed, strict=True)
                ),
            )
        )
    return tuple(found)
