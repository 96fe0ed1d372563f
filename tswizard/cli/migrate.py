"""`tswizard --answers`: a migration that runs unattended."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tswizard.answers_file import load
from tswizard.cli.advice import advised
from tswizard.cli.failures import failures
from tswizard.cli.output import say, say_finding
from tswizard.cli.watch import cancelled_by_signals, watch
from tswizard.core.catalog.read import read_inventory
from tswizard.core.db.concurrency import both
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.answers import METHOD_NAMES, Answers, MethodName
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.object_names import UnknownObject, with_found_names
from tswizard.core.model.prepared import Prepared
from tswizard.core.model.recommendation import Advice
from tswizard.core.preflight import examine
from tswizard.core.prepare import prepare
from tswizard.core.resume import start
from tswizard.exit_codes import Exit


def migrate_by(path: Path) -> int:
    """Migrate as an answers file says; the exit code."""
    with failures(Exit.USAGE):
        request = load(path)
    assert request.source is not None and request.target is not None
    return asyncio.run(
        migrate(
            request.source,
            request.target,
            request.answers,
            confirm=request.confirm,
            recommended=request.recommended,
        )
    )


async def migrate(
    source: Endpoint,
    target: Endpoint,
    answers: Answers,
    *,
    confirm: str | None,
    demo: bool = False,
    recommended: bool = False,
) -> int:
    """Examine, refuse or run; the exit code.

    `confirm` is the target's database name; None where it is known to be meant (the demo).
    `recommended` leaves the method to what is timed and read, whatever `answers` says.
    """
    with failures(Exit.REFUSED, "Nothing was changed."), cancelled_by_signals():
        ready = await examined(source, target, answers, confirm, recommended=recommended)
        if isinstance(ready, Exit):
            return ready
        prepared, findings, advice = ready
        run = start(prepared, findings, demo=demo, advice=advice)
    with failures(Exit.STOPPED, then="Then resume the run."):
        return await watch(run)


async def examined(
    source: Endpoint,
    target: Endpoint,
    answers: Answers,
    confirm: str | None,
    *,
    recommended: bool,
) -> tuple[Prepared, tuple[Finding, ...], Advice] | Exit:
    """Both databases read, every check made and the method chosen, each told as it is found; an
    exit code where that forbids the run. Raises CannotConnect."""
    say(f"source  {source.label}")
    say(f"target  {target.label}")
    inventory, target_inventory = await both(read_inventory(source), read_inventory(target))
    try:
        answers = with_found_names(inventory, answers)
    except UnknownObject as error:
        say(f"{error} Nothing was changed.")
        return Exit.USAGE
    if confirm is not None and confirm != target_inventory.server.database:
        say(
            f'target.confirm is "{confirm}", but the target\'s database is called '
            f'"{target_inventory.server.database}"; nothing was changed.'
        )
        return Exit.USAGE
    prepared = await asyncio.to_thread(
        prepare,
        source=source,
        target=target,
        inventory=inventory,
        target_inventory=target_inventory,
        answers=answers,
    )
    findings = []
    async for finding in examine(prepared, METHOD_NAMES if recommended else None):
        findings.append(finding)
        say_finding(finding)
    possible = METHOD_NAMES if recommended else (answers.method,)
    if all(_refused(findings, method) for method in possible):
        say("Refused: fix each FAIL above, then run it again. Nothing was changed.")
        return Exit.REFUSED
    advice = await advised(prepared, findings)
    if recommended:
        method = advice.recommendation.method
        prepared = replace(prepared, answers=replace(prepared.answers, method=method))
        if _refused(findings, method):
            say(f"Refused: {method} is recommended, and the checks refuse it. Nothing was changed.")
            return Exit.REFUSED
    chosen = tuple(f for f in findings if f.concerns(prepared.answers.method))
    return prepared, chosen, advice


def _refused(findings: Iterable[Finding], method: MethodName) -> bool:
    return any(f.level is Level.FAIL and f.concerns(method) for f in findings)
