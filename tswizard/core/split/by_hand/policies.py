"""Policies and jobs by hand: recreated paused, enabled at the end."""

from tswizard.core.catalog.policy_kinds import USER_DEFINED
from tswizard.core.db.identifiers import identifier
from tswizard.core.model.plan import Task
from tswizard.core.model.runbook import HandStep, shell_code
from tswizard.core.split.by_hand.facts import SplitFacts
from tswizard.core.split.policies.recreate import ordered_jobs
from tswizard.core.split.policies.statements import JobStatement, job_statement
from tswizard.core.steps.by_hand import enabling_order, switch_or_row

_DOLLARS = "\\$\\$"
"""Dollar quotes where bash expands variables."""
_MAP = '"$WORK/jobs.txt"'


def policies_by_hand(task: Task, facts: SplitFacts) -> HandStep:
    """Each in one transaction; the file jobs.txt says which job of the target is which."""
    lines = [
        f": > {_MAP}",
        "# Each prints the source's id and the new one.",
        f"on_target -At << 'SQL' > {_MAP}",
    ]
    for job in ordered_jobs(task):
        lines += _transaction(job_statement(job, task.inventory, facts.jobs))
    return HandStep(
        id="recreate-policies",
        title="Recreate policies and jobs",
        why="Refresh before compression, retention last, all paused: the time zone is told in "
        "every call, or alter_job() would forget it. Ids are the target's own.",
        code=(shell_code("\n".join((*lines, "SQL"))),),
        expect="Nothing is printed; $WORK/jobs.txt holds two ids for each job.",
    )


def _transaction(statement: JobStatement) -> list[str]:
    job = statement.job
    title = f"-- {job.id}: {job.what} on {job.target or 'nothing'}"
    if not statement.create:
        return [f"{title} is not recreated: {statement.why}"]
    lines = [title]
    if statement.dropped:
        lines.append(f"-- without {', '.join(statement.dropped)}, which the target does not have")
    lines += ["\\o /dev/null", "BEGIN;"]
    if job.kind is USER_DEFINED:
        lines.append(f"SET LOCAL ROLE {identifier(job.owner)};")
    lines += [f"{needed};" for needed in statement.before]
    lines.append(f"{statement.create} AS job \\gset")
    lines += [f"{following};" for following in statement.after(":job")]
    return [*lines, "COMMIT;", "\\o", f"\\echo {job.id} :job"]


def enabling_by_hand(task: Task, facts: SplitFacts) -> HandStep:
    """Those that are on at the source, retention last."""
    lines = [f"job() {{ awk -v id=\"$1\" '$1 == id {{ print $2 }}' {_MAP}; }}"]
    for job in enabling_order(task):
        text = switch_or_row(
            facts.schema, job, "$id", on=True, keep_zone=facts.ends.target_keeps_zone
        )
        lines += [
            f"# {job.what} on {job.target or 'nothing'}",
            f"id=$(job {job.id})",
            'if [ -n "$id" ]; then on_target << SQL; fi',
            f"{text.replace('$$', _DOLLARS)};",
            "SQL",
        ]
    return HandStep(
        id="enable-jobs",
        title="Enable the target's jobs",
        why="As they were on the source, retention last.",
        code=(shell_code("\n".join(lines)),),
        expect="A row for each job. Do this only when the comparison passed.",
    )
