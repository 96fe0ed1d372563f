"""Everything that is checked before anything is changed, in order, as it is found."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import TypeVar

from psycopg import Error

from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import CannotConnect, message_of
from tswizard.core.model.finding import Finding
from tswizard.core.model.prepared import Prepared
from tswizard.core.model.wording import plural
from tswizard.core.preflight.compare_ends import Pair, compare
from tswizard.core.preflight.disk_space import check_staging, check_target_room
from tswizard.core.preflight.source import findings_of_source
from tswizard.core.preflight.tools import check_tools, needs_tls
from tswizard.core.preflight.trials import (
    Rights,
    extension_rights,
    free_on_target,
    restore_rights,
    rows_written,
)
from tswizard.core.preflight.wording import fail, look, passed, some
from tswizard.core.split.copy.psql_reader import find_psql


async def examine(prepared: Prepared) -> AsyncIterator[Finding]:
    """Findings about this migration, the quick ones first.

    A `fail` among them means: do not start. Nothing is changed: what has to be tried on the
    target is tried in a transaction that is rolled back, and only when the target is empty.
    Raises CannotConnect.
    """
    source, target = prepared.source, prepared.target
    inventory, target_inventory = prepared.inventory, prepared.target_inventory
    answers, tools, staging = prepared.answers, prepared.tools, prepared.staging
    pair = Pair(inventory, target_inventory, source.label, target.label, answers)
    for finding in _encryption(source, target):
        yield finding
    for finding in findings_of_source(inventory, source.label):
        yield finding
    for finding in _answers(pair):
        yield finding
    hindered = False
    for finding in compare(pair):
        hindered = hindered or finding.id in _NO_TRYING
        yield finding
    for finding in check_tools(
        prepared.found,
        tools,
        inventory.server,
        target_inventory.server,
        need_tls=needs_tls(source, target),
    ):
        yield finding
    if pair.split and tools is not None and find_psql(tools.folder) is None:
        yield fail(
            "psql-missing",
            f"There is no psql beside pg_dump in {tools.folder}.",
            "this machine",
            "A split migration reads rows through psql.",
            "Install the whole of PostgreSQL's client tools (psql comes with them).",
        )
    if not pair.split or answers.via == "files":
        for finding in await asyncio.to_thread(lambda: list(check_staging(inventory, staging))):
            yield finding
    if not hindered:
        async for finding in _tried(pair, target):
            yield finding
    if not inventory.server.pooler and not pair.same:
        yield await _written(source)


_NO_TRYING = frozenset(
    (
        "same-database",
        "target-not-empty",
        "target-pooler",
        "target-standby",
        "target-restoring",
    )
)
"""After these nothing is tried on the target."""


def _encryption(*endpoints: Endpoint) -> Iterator[Finding]:
    for endpoint in endpoints:
        if endpoint.raised_sslmode:
            yield passed(
                "sslmode-raised",
                f"sslmode is require instead of {endpoint.raised_sslmode}.",
                endpoint.label,
                "The host is not this machine, so rows and passwords go over a network.",
            )


def _answers(pair: Pair) -> Iterator[Finding]:
    """Where what the user decided does not fit what the source is."""
    source, answers = pair.source, pair.answers
    retention = [j for j in source.jobs if j.kind.drops_chunks and j.scheduled]
    if source.server.in_recovery and (answers.pause_source_jobs or answers.compress_first):
        wish = "compress chunks" if answers.compress_first else "pause its jobs"
        yield fail(
            "standby-read-only",
            f"The source is a standby: tswizard cannot {wish} there.",
            pair.source_label,
            "A standby takes no changes.",
            "Answer compress_first and pause_source_jobs with no, and do that on the primary by "
            "hand if you want it; or take the primary as the source.",
        )
    elif retention and not answers.pause_source_jobs:
        details = [f"job {j.id} on {j.target}, next {j.next_start or 'unknown'}" for j in retention]
        yield look(
            "retention-runs",
            f"{plural(len(retention), 'retention job')} may drop chunks of the source during the "
            "run.",
            pair.source_label,
            "You chose not to pause them. A chunk that goes between dump and check counts as a "
            "difference, and one that goes while the dump begins can end it.",
            "Answer pause_source_jobs with yes, or make sure that none is due: "
            + "; ".join(details[:3])
            + ".",
            details,
        )


_T = TypeVar("_T")


async def _asked(endpoint: Endpoint, answer: Awaitable[_T]) -> _T:
    """An answer of a server, or CannotConnect in one sentence when it breaks off."""
    try:
        return await answer
    except Error as error:
        raise CannotConnect(
            f"{endpoint.label} broke off while it was examined: {message_of(error)}.",
            "See whether the server is up, then examine it again.",
        ) from None


async def _tried(pair: Pair, target: Endpoint) -> AsyncIterator[Finding]:
    role = pair.target.server.role.name
    if pair.target.server.timescaledb is not None and not pair.split:
        schema = pair.target.server.timescaledb_schema or "public"
        yield _rights(pair, role, await _asked(target, restore_rights(target, schema)))
    async for finding in _extensions(pair, target):
        yield finding
    free = await _asked(target, free_on_target(target))
    for finding in check_target_room(pair.source, pair.target_label, free):
        yield finding


def _rights(pair: Pair, role: str, rights: Rights) -> Finding:
    if not rights.refused:
        note = "Tried in a transaction that was rolled back."
        if pair.recreates and not pair.target.server.role.superuser:
            note += " Tried with the extension that is there now, not with the one to be made."
        what = f"{role} may restore into the target."
        return passed("target-rights", what, pair.target_label, note)
    details = [f"{what}: {answer}" for what, answer in rights.refused]
    return fail(
        "target-rights",
        f"{role} may not restore into the target: {rights.refused[0][1]}.",
        pair.target_label,
        "A full restore switches restore mode on and writes TimescaleDB's internal schemas. "
        f"Refused: {some([what for what, _ in rights.refused])} "
        "(timescale/timescaledb#2686, #4291).",
        "On Timescale Cloud connect as tsdbadmin; on a server of your own as a superuser.",
        details,
    )


async def _extensions(pair: Pair, target: Endpoint) -> AsyncIterator[Finding]:
    installed = {extension.name for extension in pair.target.extensions} | {"timescaledb"}
    offered = {extension.name for extension in pair.target.offered}
    wanted = {e.name: e for e in pair.source.extensions if e.name in offered - installed}
    if not wanted:
        return
    refused = await _asked(target, extension_rights(target, tuple(wanted)))
    for name, answer in refused.items():
        tell = fail if wanted[name].used else look
        yield tell(
            "extension-refused",
            f"The target refuses to create the extension {name}: {answer}.",
            pair.target_label,
            "Tried in a transaction that was rolled back. "
            + (
                "Objects of the source use it and could not be restored."
                if wanted[name].used
                else "Nothing in the source's catalog depends on it."
            ),
            f'Have it created there by somebody who may (CREATE EXTENSION "{name}";), or drop it '
            "on the source if it is not needed.",
        )
    fine = sorted(wanted.keys() - refused.keys())
    if fine:
        yield passed("extensions", f"The target can create {some(fine)}.", pair.target_label)


async def _written(source: Endpoint) -> Finding:
    written = await _asked(source, rows_written(source))
    why = (
        "The dump holds the source as it is when the dump begins. Rows written later are not "
        "migrated; the check counts and names them."
    )
    if written <= 0:
        return passed("source-writes", "Nobody wrote to the source just now.", source.label, why)
    return look(
        "source-writes",
        f"The source is being written to ({plural(written, 'row')} while we watched).",
        source.label,
        why,
        "Stop the writers before the run, or copy what they wrote afterwards.",
    )
