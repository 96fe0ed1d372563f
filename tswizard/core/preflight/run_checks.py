"""Everything that is checked before anything is changed, in order, as it is found."""

import asyncio
from collections.abc import AsyncIterator, Collection

from psycopg import Error

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.db.errors import CannotConnect, message_of
from tswizard.core.model.answers import METHOD_NAMES, MethodName
from tswizard.core.model.finding import Finding, Level
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
    for check in _concerning(methods or (prepared.answers.method,)):
        if isinstance(check, Trial) and check.side in blocked:
            continue
        failed = False
        async for finding in _findings(check, prepared):
            failed = failed or finding.level is Level.FAIL
            yield check.declare(finding)
        if failed:
            blocked.update(check.blocks_trials)
            if check.conclusive:
                return


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


async def _findings(check: AnyCheck, prepared: Prepared) -> AsyncIterator[Finding]:
    if isinstance(check, Trial):
        try:
            async for finding in check.run(prepared):
                yield finding
        except Error as error:
            endpoint = prepared.source if check.side is Side.SOURCE else prepared.target
            raise CannotConnect(
                f"The connection to {endpoint.label} was lost during preflight: "
                f"{message_of(error)}.",
                "See whether the server is up, then examine it again.",
            ) from None
        return
    if isinstance(check, SourceCheck):
        found = check.run(prepared.inventory, prepared.source.label)
    else:
        found = check.run(prepared)
    for finding in await asyncio.to_thread(tuple, found):
        yield finding
