"""What could not be applied because it names a role that the target lacked: applied as soon as the
user has created that role.

Grants and owners are what the last check missed; policies, default privileges and grants that no
check could list are the statements that the restore was refused or did not even try.
"""

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from psycopg import Error
from psycopg.errors import DuplicateObject

from tswizard.core.catalog.roles import read_roles
from tswizard.core.db.connection import Connection, connected
from tswizard.core.db.errors import is_refusal, message_of
from tswizard.core.db.identifiers import identifier
from tswizard.core.model.events import Unit
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.judged import JudgedMessage
from tswizard.core.model.verdict import Verdict
from tswizard.core.model.wording import plural
from tswizard.core.run.context import Context, StepSkipped
from tswizard.core.run.method import MethodStep
from tswizard.core.run.record import RunRecord, StepRecord

_GRANTS = "schema-grant"
_OWNERS = "schema-owner"
WITHHELD = "grants-without-role"
"""Id of a finding whose details are the statements that name a missing role."""
_STATEMENT = re.compile(r"(?P<sql>(?:GRANT|ALTER) .*?;)(?:  -- .*)?$", re.DOTALL)
_OWNER = re.compile(r" OWNER TO (?P<role>.+);$")
_ROLE_MISSING = re.compile(r'^role ".+" does not exist$')
_COMMAND = re.compile(r"^Command was: (?P<sql>.*)", re.DOTALL | re.MULTILINE)


async def apply_waiting(ctx: Context) -> None:
    """Apply all of it; what is refused waits on.

    Raises StepSkipped, CannotConnect, psycopg.Error.
    """
    record = ctx.run_folder.record
    statements = [*_checked(record), *_of_findings(record)]
    # A grant to the role that owns an object until then would go to the next owner.
    statements.sort(key=lambda text: _OWNER.search(text) is None)
    messages = [j for j in record.judged if _waits_for_role(j)]
    total = len(statements) + len(messages)
    if not total:
        raise StepSkipped("nothing waited for a role")
    async with connected(ctx.task.target) as target:
        missing = _lacked(record) - set((await read_roles(target)).all)
        applied: set[str] = set()
        for done, statement in enumerate(statements):
            await ctx.unpaused()
            ctx.progress(done, total, Unit.ITEMS, statement)
            if not _names(statement, missing) and await _apply(ctx, target, statement):
                applied.add(statement)
        solved = []
        for done, judged in enumerate(messages, len(statements)):
            ctx.progress(done, total, Unit.ITEMS, judged.object)
            sql = _command(judged)
            if not _names(sql, missing) and await _apply(ctx, target, sql):
                solved.append(judged)
    ctx.progress(total, total, Unit.ITEMS)
    settled = _settled(ctx.run_folder.record, applied, solved)
    ctx.run_folder.save(settled)
    number = len(applied) + len(solved)
    if number:
        ctx.found(
            Finding(
                Level.PASS,
                "applied-later",
                f"Applied: {number} of {plural(total, 'statement')} that waited for a role",
                where=ctx.task.target.label,
            )
        )


def _lacked(record: RunRecord) -> set[str]:
    """Roles that the target lacked before the run, and those that the restore asked for."""
    asked = {
        judged.message.removeprefix('role "').removesuffix('" does not exist')
        for judged in record.judged
        if _waits_for_role(judged)
    }
    return asked.union(record.missing_roles)


def _names(sql: str, roles: Iterable[str]) -> bool:
    """May it name one of these roles? Then it is not tried: another role's part of the same
    statement must not be repeated for nothing."""
    return any(re.search(rf"(?<![\w$]){re.escape(role)}(?![\w$])", sql) for role in roles)


def _checked(record: RunRecord) -> Iterator[str]:
    """Grants that the last check missed; owners where the role was missing before the run."""
    lacked = _lacked(record)
    owners = lacked | {identifier(role) for role in lacked}
    for finding in record.findings:
        if finding.id not in (_GRANTS, _OWNERS) or finding.level is Level.PASS:
            continue
        for line in finding.details:
            found = _STATEMENT.match(line)
            if found is None:
                continue
            owner = _OWNER.search(found["sql"])
            if owner is None or owner["role"] in owners:
                yield found["sql"]


def _of_findings(record: RunRecord) -> Iterator[str]:
    for finding in record.findings:
        if finding.id == WITHHELD and finding.level is Level.LOOK:
            yield from finding.details


def _waits_for_role(judged: JudgedMessage) -> bool:
    return (
        judged.verdict is Verdict.LOOK
        and bool(_ROLE_MISSING.match(judged.message))
        and bool(_command(judged))
    )


def _command(judged: JudgedMessage) -> str:
    """The statements that pg_restore printed; empty where it printed none."""
    found = _COMMAND.search("\n".join(judged.detail))
    return found["sql"].strip() if found else ""


async def _apply(ctx: Context, target: Connection, statement: str) -> bool:
    ctx.say(statement, "sql")
    try:
        async with target.transaction():
            await target.execute(statement.encode())
    except DuplicateObject:
        return True
    except Error as error:
        if not is_refusal(error):
            raise
        ctx.say(f"refused: {message_of(error)}")
        return False
    return True


def _settled(record: RunRecord, applied: set[str], solved: list[JudgedMessage]) -> RunRecord:
    """The record without what has been done now."""
    at = f"{datetime.fromtimestamp(time.time(), UTC):%Y-%m-%d %H:%M} UTC"

    def step(found: StepRecord) -> StepRecord:
        judged = tuple(
            replace(j, verdict=Verdict.SAFE, reason=f"Applied on {at}.", todo="")
            if j in solved
            else j
            for j in found.judged
        )
        return replace(
            found,
            findings=tuple(_less(finding, applied) for finding in found.findings),
            judged=tuple(_summed_up(j, judged) for j in judged),
        )

    return replace(record, steps=tuple(map(step, record.steps)))


def _summed_up(judged: JudgedMessage, all_of_step: tuple[JudgedMessage, ...]) -> JudgedMessage:
    """The sum of errors is explained as soon as each of them is, where it had fitted."""
    total = judged.sum
    if total is None or judged.verdict is not Verdict.LOOK:
        return judged
    fits = total.whole and total.low <= total.reported <= total.high
    if not fits or any(not j.verdict.explained for j in all_of_step if j.sum is None):
        return judged
    reason = f"Matches the {total.seen} errors above, all of them explained."
    return replace(judged, verdict=Verdict.SAFE, reason=reason, todo="")


def _less(finding: Finding, applied: set[str]) -> Finding:
    if finding.id != WITHHELD or finding.level is not Level.LOOK:
        return finding
    left = tuple(text for text in finding.details if text not in applied)
    if left:
        return replace(finding, details=left)
    return replace(
        finding,
        level=Level.PASS,
        what="Applied, after it had waited for a role: "
        f"{plural(len(finding.details), 'grant or policy', 'grants or policies')}.",
        why="",
        todo="",
    )


APPLY_WAITING = MethodStep(
    id="apply-waiting",
    title="Apply what waited",
    what="Grants, owners and policies of roles that the target has now.",
    action=apply_waiting,
)
