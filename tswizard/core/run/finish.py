"""The end of a run: its result, its report, and what is tidied up."""

from dataclasses import replace

from tswizard.core.model.finding import Level
from tswizard.core.model.object_selection import left_out
from tswizard.core.model.outcome import Outcome, StepOutcome
from tswizard.core.report.checklist import result_of
from tswizard.core.report.report import write_report
from tswizard.core.run.context import Context, MethodRun


async def finish(ctx: Context, method_run: MethodRun) -> Outcome:
    """Have the method tidy up, write the report and close the record."""
    record = ctx.run_folder.record
    result = result_of(record.findings, record.judged, record.tables)
    left = await method_run.tidy_up(ctx, result)
    outcome = Outcome(
        run=record.id,
        result=result,
        method=record.answers.method,
        source=record.source_label,
        target=record.target_label,
        started=record.started,
        seconds=record.seconds,
        steps=tuple(
            StepOutcome(step.name, step.state, step.seconds, step.title) for step in record.steps
        ),
        findings=record.findings,
        judged=record.judged,
        tables=record.tables,
        skipped=_skipped(ctx),
        todo=_todo(ctx, result, left.todo),
        dump=left.dump,
        checked=record.checked,
        advice=record.advice,
    )
    write_report(outcome, ctx.run_folder.path)
    ctx.run_folder.save(replace(record, result=result))
    return outcome


def _skipped(ctx: Context) -> tuple[str, ...]:
    """What was left out because the user said so, whatever the method."""
    answers = ctx.task.answers
    options = {
        "checksums: rows were only counted": answers.verify == "count",
        "no snapshot was held: the source may have changed during the run": not answers.snapshot,
    }
    return (
        *(text for text, chosen in options.items() if chosen),
        *(
            f"{what} left out: {', '.join(names)}"
            for what, names in left_out(ctx.task.inventory, answers).lines()
        ),
        *(() if answers.enable_jobs else ("jobs stay paused on the target",)),
    )


def _todo(
    ctx: Context, result: Level, of_method: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    """What only the user can do, first things first."""
    target, source = ctx.task.target, ctx.task.source
    if result is Level.FAIL:
        return (("Do not use the target yet: see what failed above", ""), *of_method)
    return (
        (f"Point applications at the new host {target.label}", target.conninfo),
        *of_method,
        *(
            (f"Remove what an earlier attempt left in {label}, which may be in restore mode", "")
            for label in ctx.run_folder.record.abandoned
        ),
        (f"Keep {source.label} until you are sure, then delete it", ""),
    )
