"""The end of a run: its result, its report, and what is tidied up."""

from dataclasses import replace

from psycopg import Error

from tswizard.core.db.connection import connected
from tswizard.core.db.errors import CannotConnect
from tswizard.core.full.dump import remove
from tswizard.core.model.events import StepState
from tswizard.core.model.finding import Level
from tswizard.core.model.outcome import Outcome, StepOutcome
from tswizard.core.report.checklist import result_of
from tswizard.core.report.report import write_report
from tswizard.core.run.context import Context
from tswizard.core.steps import target_marker


async def close(ctx: Context) -> Outcome:
    """Take the mark off the target, remove the dump when nothing speaks for keeping it, report."""
    record = ctx.run_folder.record
    result = result_of(record.findings, record.judged, record.tables)
    keep = ctx.task.answers.keep_dumps or result is Level.FAIL
    if not keep:
        remove(ctx.task.dump)
    record_is = await _remove_record(ctx)
    outcome = Outcome(
        run=record.id,
        result=result,
        method=record.answers.method,
        source=record.source_label,
        target=record.target_label,
        started=record.started,
        seconds=record.seconds,
        steps=tuple(StepOutcome(step.name, step.state, step.seconds) for step in record.steps),
        findings=record.findings,
        judged=record.judged,
        tables=record.tables,
        skipped=_skipped(ctx),
        todo=_todo(ctx, result, record_is),
        dump=str(ctx.task.dump) if keep else "",
    )
    write_report(outcome, ctx.run_folder.path)
    ctx.run_folder.save(replace(record, result=result))
    return outcome


async def _remove_record(ctx: Context) -> str:
    """Why the schema _tswizard is still on the target; empty when it is not."""
    answers = ctx.task.answers
    if answers.method == "split" and answers.keep_record:
        return "is kept, as you chose"
    try:
        async with connected(ctx.task.target) as target:
            await target_marker.erase(target)
    except (CannotConnect, Error) as error:
        ctx.say(f"the schema _tswizard is still on the target: {error}")
        return "could not be removed"
    return ""


def _skipped(ctx: Context) -> tuple[str, ...]:
    """What was left out because the user said so."""
    answers = ctx.task.answers
    left_out = {
        "jobs stay paused on the target": not answers.enable_jobs,
        "checksums: rows were only counted": answers.verify == "count",
        "one moment: no snapshot was held": not answers.snapshot,
    }
    return tuple(text for text, chosen in left_out.items() if chosen)


def _todo(ctx: Context, result: Level, record_is: str) -> tuple[tuple[str, str], ...]:
    """What only the user can do."""
    target, source = ctx.task.target, ctx.task.source
    todo = []
    if result is Level.FAIL:
        todo.append(("Do not use the target yet: see what failed above", ""))
    todo.append((f"Point applications at the new host {target.label}", target.conninfo))
    enabled = ctx.run_folder.record.step("enable-jobs").state is StepState.DONE
    if ctx.task.inventory.jobs and not enabled:
        todo.append(
            (
                "Enable the jobs on the target when you are content, retention last",
                "SELECT alter_job(job_id, scheduled => true) FROM timescaledb_information.jobs"
                " WHERE job_id >= 1000;",
            )
        )
    if record_is:
        todo.append(
            (
                f"The record of this run on the target (schema {target_marker.SCHEMA}) "
                f"{record_is}; remove it when nobody needs it",
                f"DROP SCHEMA {target_marker.SCHEMA} CASCADE;",
            )
        )
    todo.append((f"Keep {source.label} until you are sure, then delete it", ""))
    return tuple(todo)
