"""Everything that is checked before anything is changed, in order, as it is found."""

import asyncio
from collections.abc import AsyncIterator, Collection

from psycopg import Error

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.db.errors import CannotConnect, explain_error, name_server
from tswizard.core.db.kept_connections import KeptConnections, using
from tswizard.core.model.answers import METHOD_NAMES, MethodName
from tswizard.core.model.finding import Finding, Level, without_passwords
from tswizard.core.model.prepared import Prepared
from tswizard.core.preflight.check import AnyCheck, Check, Side, SourceCheck, Trial
from tswizard.core.preflight.checks import CHECKS

_QUICK_FIRST: tuple[type[AnyCheck], ...] = (SourceCheck, Check, Trial)


async def examine(
    prepared: Prepared, methods: Collection[MethodName] | None = None
) -> AsyncIterator[Finding]:
    """Findings about this migration, the quick ones first.

    `methods` are those that are still open, by default only the one that was answered; a finding
    that does not concern all of them names its own. A `fail` means: do not start. Nothing is
    changed: what has to be tried on the target is tried in a transaction that is rolled back, and
    only when the target is empty. Raises CannotConnect.
    """
    blocked: set[Side] = set()
    trials: list[Trial] = []
    for check in _concerning(methods or (prepared.answers.method,)):
        if isinstance(check, Trial):
            trials.append(check)
            continue
        failed = False
        for finding in await _looked(check, prepared):
            failed = failed or finding.level is Level.FAIL
            yield _declared(check, finding, prepared)
        if failed:
            blocked.update(check.blocks_trials)
            if check.conclusive:
                return
    async for finding in _tried([t for t in trials if t.side not in blocked], prepared):
        yield finding


def findings_of_source(
    inventory: Inventory, where: str = "the source", methods: Collection[MethodName] = METHOD_NAMES
) -> tuple[Finding, ...]:
    """Everything about this source that a user should know before migrating it. `where` is how
    findings name it."""
    return tuple(
        check.declare(finding)
        for check in _concerning(methods)
        if isinstance(check, SourceCheck)
        for finding in check.run(inventory, where)
    )


def _concerning(methods: Collection[MethodName]) -> list[AnyCheck]:
    concerning = [check for check in CHECKS if not set(methods).isdisjoint(check.methods)]
    return sorted(concerning, key=lambda check: _QUICK_FIRST.index(type(check)))


def _declared(check: AnyCheck, finding: Finding, prepared: Prepared) -> Finding:
    """As it is told, and kept in the run's folder."""
    return without_passwords(check.declare(finding), (prepared.source, prepared.target))


async def _looked(check: SourceCheck | Check, prepared: Prepared) -> tuple[Finding, ...]:
    if isinstance(check, SourceCheck):
        found = check.run(prepared.inventory, prepared.source.label)
    else:
        found = check.run(prepared)
    return await asyncio.to_thread(tuple, found)


async def _tried(trials: Collection[Trial], prepared: Prepared) -> AsyncIterator[Finding]:
    """Both servers are asked at once, each one thing after the other; told in the checks' order."""
    servers = (prepared.inventory.server, prepared.target_inventory.server)
    kept = KeptConnections() if all(server.concurrent for server in servers) else None
    turns = {side: asyncio.Lock() for side in Side}

    async def tried(check: Trial) -> list[Finding]:
        async with turns[check.side]:
            with using(kept):
                return [
                    _declared(check, found, prepared) async for found in _answers(check, prepared)
                ]

    tasks = [asyncio.create_task(tried(check)) for check in trials]
    try:
        for task in tasks:
            for finding in await task:
                yield finding
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if kept is not None:
            await kept.close()


async def _answers(check: Trial, prepared: Prepared) -> AsyncIterator[Finding]:
    try:
        async for finding in check.run(prepared):
            yield finding
    except Error as error:
        endpoint = prepared.source if check.side is Side.SOURCE else prepared.target
        name_server(error, endpoint.label)
        told = explain_error(error)
        raise CannotConnect(told.sentence, f"{told.todo} Then examine it again.") from None
