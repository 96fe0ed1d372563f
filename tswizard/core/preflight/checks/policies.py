"""Policies that would delete what was just migrated, or cannot be recreated on the target."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tswizard.core.catalog.hypertable_model import Hypertable
from tswizard.core.catalog.inventory import Inventory, Job
from tswizard.core.catalog.policy_kinds import (
    COMPRESSION,
    INVALIDATIONS,
    REFRESH,
    RETENTION,
    USER_DEFINED,
)
from tswizard.core.catalog.roles import role_statements
from tswizard.core.db.versions import between, version_key
from tswizard.core.model.finding import Finding
from tswizard.core.model.object_selection import chosen_jobs
from tswizard.core.model.prepared import Prepared
from tswizard.core.model.wording import plural
from tswizard.core.preflight.check import SPLIT_ONLY, AnyCheck, Check, SourceCheck
from tswizard.core.preflight.wording import look, some

# psycopg reads an interval only where it knows the connection's IntervalStyle.
_PART = re.compile(r"([+-]?\d+) (year|mon|day)s?")
_CLOCK = re.compile(r"([+-]?)(\d+):(\d\d):(\d\d)")
_INVALIDATIONS_ARE_LOGGED = (
    "it processes changes that are read from the WAL (2.21 to 2.26); on the target they are logged "
    "as they are made, so it is not recreated"
)
_DAYS = {"year": 365, "mon": 30, "day": 1}


def _past_retention(inventory: Inventory, where: str) -> Iterator[Finding]:
    keeps = {job.target: _age(job, "drop_after") for job in inventory.jobs if job.kind is RETENTION}
    reads = {cagg.label: cagg.hypertable for cagg in inventory.caggs}
    details = []
    for job in inventory.jobs:
        table = reads.get(job.target or "")
        limit = keeps.get(table)
        if job.kind is not REFRESH or limit is None:
            continue
        start = _age(job, "start_offset")
        if start is None or (type(start) is type(limit) and _longer(start, limit)):
            reach = (
                "everything" if start is None else json.loads(job.config or "{}")["start_offset"]
            )
            details.append(
                f"job {job.id} refreshes {job.target} over {reach}; retention on {table} is shorter"
            )
    if details:
        yield look(
            "refresh-past-retention",
            f"{plural(len(details), 'refresh policy', 'refresh policies')} reach back further than "
            "the retention of the table they read.",
            where=where,
            why="A refresh over a range whose raw rows were dropped deletes the materialized rows "
            "of that range, on the source and on the target alike.",
            todo="Give these policies a start_offset that is shorter than drop_after.",
            details=details,
        )


def _drops_migrated(prepared: Prepared) -> Iterator[Finding]:
    if not prepared.answers.enable_jobs:
        return
    tables = {table.label: table for table in prepared.inventory.hypertables}
    now = datetime.now(UTC)
    details: list[str] = []
    for job in prepared.inventory.jobs:
        table, age = tables.get(job.target or ""), _age(job, "drop_after")
        if job.kind is not RETENTION or not job.scheduled or table is None:
            continue
        if isinstance(age, timedelta):
            details += _expired(job, table, now - age)
    if details:
        yield look(
            "retention-drops-migrated",
            f"{plural(len(details), 'retention policy', 'retention policies')} will drop chunks "
            "that are migrated, as soon as jobs are enabled on the target.",
            where=prepared.target.label,
            why="They are past drop_after already; on the source the next run of the policy drops "
            "them.",
            todo="Nothing, if they may be dropped. Otherwise leave the jobs disabled (answer: "
            "enable_jobs), or leave these policies out (answer: policies).",
            details=details,
        )


def _expired(job: Job, table: Hypertable, before: datetime) -> Iterator[str]:
    limit = before.isoformat(sep=" ", timespec="seconds")
    chunks = [c for c in table.chunks if _ended(c.range_end) and str(c.range_end) <= limit]
    if chunks:
        rows = sum(chunk.rows_estimate for chunk in chunks)
        yield (
            f"job {job.id} on {job.target}: {plural(len(chunks), 'chunk')} before {limit}, about "
            f"{plural(rows, 'row')}, from {chunks[0].range_start} to {chunks[-1].range_end}"
        )


def _ended(range_end: str | None) -> bool:
    """Is this a date of the common era, which compares as text?"""
    return bool(range_end and range_end[:4].isdigit() and not range_end.endswith("BC"))


def _without_settings(inventory: Inventory, where: str) -> Iterator[Finding]:
    compressed = {h.label for h in inventory.hypertables if h.compression is not None}
    compressed |= {cagg.label for cagg in inventory.caggs if cagg.compressed}
    jobs = [
        job
        for job in inventory.jobs
        if job.kind is COMPRESSION and job.target and job.target not in compressed
    ]
    if jobs:
        yield look(
            "compression-without-settings",
            f"{plural(len(jobs), 'compression policy', 'compression policies')} work on tables "
            "without compression: "
            f"{some([job.target or '' for job in jobs])}.",
            where=where,
            why="TimescaleDB refuses to add a compression policy to a table on which compression "
            "is not enabled.",
            todo="Enable compression there on the source, or remove these policies.",
            details=[f"job {job.id} on {job.target}" for job in jobs],
        )


def _roles_missing(prepared: Prepared) -> Iterator[Finding]:
    # Jobs of the role that migrates become those of the target's.
    have = {*prepared.target_inventory.roles, prepared.inventory.server.role.name}
    jobs = [j for j in prepared.inventory.jobs if j.kind is USER_DEFINED and j.owner not in have]
    if jobs:
        owners = sorted({job.owner for job in jobs})
        statements = role_statements(owners, owners)
        yield look(
            "job-roles-missing",
            f"Roles that own {plural(len(jobs), 'job')} on the source do not exist on the target: "
            f"{some(owners)}.",
            where=prepared.target.label,
            why="A job is added by its owner, so these are not recreated.",
            todo="Create them on the target before the run: " + " ".join(statements),
            details=[f"job {job.id} ({job.what}), owner {job.owner}" for job in jobs],
        )


def _other_owners(inventory: Inventory, where: str) -> Iterator[Finding]:
    owners = {table.label: table.owner for table in inventory.hypertables}
    owners |= {cagg.label: cagg.owner for cagg in inventory.caggs}
    details = [
        f"job {job.id} ({job.what} on {job.target}): {job.owner}, not {owners[job.target]}"
        for job in inventory.jobs
        if job.kind is not USER_DEFINED and job.target in owners and job.owner != owners[job.target]
    ]
    if details:
        yield look(
            "policy-owners",
            f"{plural(len(details), 'policy', 'policies')} will belong to the owner of the table, "
            "not to whom they belong now.",
            where=where,
            why="TimescaleDB gives a policy to the owner of its table. Before 2.25.2 it keeps the "
            "one that it had when the table gets another (timescale/timescaledb#9290).",
            todo="Nothing, if the owner of the table may do what the policy does.",
            details=details,
        )


def _not_recreated(prepared: Prepared) -> Iterator[Finding]:
    target = prepared.target_inventory.server.timescaledb
    if target is None:
        return
    jobs = chosen_jobs(prepared.inventory, prepared.answers)
    details = [
        *_unknown(jobs, target),
        *_without_now(prepared.inventory, jobs, target),
        *_refused_on_caggs(prepared.inventory, jobs, target),
    ]
    if details:
        yield look(
            "policies-not-recreated",
            f"{plural(len(details), 'policy or job', 'policies and jobs')} cannot be recreated by "
            f"the target's TimescaleDB {target} as they are.",
            where=prepared.target.label,
            why="Each is named again at the end, with its statements.",
            todo="Leave them out (answer: policies), or change them on the source first.",
            details=details,
        )


def _unknown(jobs: Sequence[Job], target: str) -> Iterator[str]:
    """Kinds that the target's version does not have, names that it cannot give, and policies that
    only newer versions allow side by side (sql/policy_api.sql of 2.9 to 2.29)."""
    version = version_key(target)
    refreshing = Counter(job.target for job in jobs if job.kind is REFRESH)
    for job in jobs:
        name = f"job {job.id} ({job.what} on {job.target or 'nothing'})"
        if job.proc_name == "policy_recompression":
            yield f"{name}: no version adds such a job anymore"
        elif job.kind is INVALIDATIONS:
            yield f"{name}: {_INVALIDATIONS_ARE_LOGGED}"
        elif job.kind.since and version < job.kind.since:
            yield f"{name}: needs {'.'.join(map(str, job.kind.since))}"
        elif job.custom_name and version < (2, 20):
            yield f"{name}: its own name, {job.custom_name}, needs 2.20"
        elif job.kind is REFRESH and refreshing[job.target] > 1 and version < (2, 21):
            yield f"{name}: several refresh policies of one continuous aggregate need 2.21"


def _refused_on_caggs(inventory: Inventory, jobs: Sequence[Job], target: str) -> Iterator[str]:
    """Policies of continuous aggregates that only some versions refuse
    (tsl/src/bgw_policy/continuous_aggregate_api.c and compression_api.c)."""
    caggs = {cagg.label: cagg for cagg in inventory.caggs}
    refreshes: dict[str, list[Job]] = {}
    for job in jobs:
        if job.kind is REFRESH and job.target in caggs:
            refreshes.setdefault(job.target, []).append(job)
    for label, some_jobs in refreshes.items():
        if caggs[label].parent and between(target, "2.22.1", "2.29"):
            for job in some_jobs[1:]:
                yield (
                    f"job {job.id} (refresh on {label}): 2.22.1 to 2.28 allow one refresh policy "
                    "for a continuous aggregate on another one"
                )
    for job in jobs:
        if job.kind is COMPRESSION and job.target in caggs and version_key(target) <= (2, 18, 0):
            after = _age(job, "compress_after")
            if not all(_before(r, after) for r in refreshes.get(job.target, [None])):
                yield (
                    f"job {job.id} (compression on {job.target}): up to 2.18.0 compress_after has "
                    "to be longer than the start_offset of a refresh policy"
                )


def _before(refresh: Job | None, after: timedelta | int | None) -> bool:
    """Does its window begin later than what is compressed?"""
    start = None if refresh is None else _age(refresh, "start_offset")
    return start is not None and type(start) is type(after) and _longer(after, start)


def _without_now(inventory: Inventory, jobs: Sequence[Job], target: str) -> Iterator[str]:
    """Policies by age on integer time without a function that tells the time: 2.15 and later
    refuse to add them."""
    if version_key(target) < (2, 15):
        return
    clockless = {
        h.label
        for h in inventory.hypertables
        if h.cagg is None
        and h.dimensions
        and h.dimensions[0].column_type in ("smallint", "integer", "bigint")
        and h.dimensions[0].integer_now is None
    }
    for job in jobs:
        if job.kind in (RETENTION, COMPRESSION) and job.target in clockless:
            yield (
                f"job {job.id} ({job.what} on {job.target}): integer time without "
                "set_integer_now_func()"
            )


def _age(job: Job, key: str) -> timedelta | int | None:
    """An offset of a policy: an interval (a month counts as 30 days), or an integer; None for an
    open one."""
    setting: Any = json.loads(job.config or "{}").get(key)
    if setting is None or isinstance(setting, int):
        return setting
    return _interval(str(setting))


def _interval(text: str) -> timedelta:
    """An interval as the server writes it, e.g. `1 mon 2 days 03:00:00`."""
    days = sum(int(number) * _DAYS[unit] for number, unit in _PART.findall(text))
    clock = _CLOCK.search(text)
    if clock is None:
        return timedelta(days=days)
    hours, minutes, seconds = (int(part) for part in clock.groups()[1:])
    sign = -1 if clock[1] == "-" else 1
    return timedelta(days=days) + sign * timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _longer(one: Any, other: Any) -> bool:
    return bool(one > other)


POLICY_CHECKS: tuple[AnyCheck, ...] = (
    SourceCheck(gives=("refresh-past-retention",), run=_past_retention, settled_by_check=True),
    Check(
        gives=("retention-drops-migrated",),
        run=_drops_migrated,
        answered_by=("enable_jobs",),
        settled_by_check=True,
    ),
    SourceCheck(gives=("compression-without-settings",), run=_without_settings, methods=SPLIT_ONLY),
    Check(
        gives=("policies-not-recreated",),
        run=_not_recreated,
        methods=SPLIT_ONLY,
        answered_by=("policies",),
        settled_by_check=True,
    ),
    SourceCheck(gives=("policy-owners",), run=_other_owners, methods=SPLIT_ONLY),
    Check(gives=("job-roles-missing",), run=_roles_missing, methods=SPLIT_ONLY),
)
