"""Jobs of the source: who owns them, and what they do during the run."""

import json
from collections.abc import Iterator
from typing import Any

from tswizard.core.catalog.policy_kinds import USER_DEFINED
from tswizard.core.catalog.roles import role_statements
from tswizard.core.db.identifiers import identifier
from tswizard.core.model.finding import Finding
from tswizard.core.model.object_selection import chosen_jobs
from tswizard.core.model.prepared import Prepared
from tswizard.core.model.wording import plural
from tswizard.core.preflight.check import FULL_ONLY, AnyCheck, Check
from tswizard.core.preflight.wording import fail, look, some


def _owners_missing(prepared: Prepared) -> Iterator[Finding]:
    jobs = prepared.inventory.jobs
    have = set(prepared.target_inventory.roles)
    owners = sorted({job.owner for job in jobs if job.owner_by_oid} - have)
    if owners:
        owned = sum(job.owner in owners for job in jobs)
        statements = role_statements(owners, owners)
        yield fail(
            "job-owners-missing",
            f"Roles that own {plural(owned, 'job')} on the source do not exist on the target: "
            f"{some(owners)}.",
            where=prepared.target.label,
            why="TimescaleDB stores a job's owner as a role, so the restore of its job table fails "
            "as a whole and all jobs and policies are lost. A job's worker logs in as its owner.",
            todo="Create them on the target (without passwords; set those yourself): "
            + " ".join(statements),
        )


def _other_owners(prepared: Prepared) -> Iterator[Finding]:
    role = prepared.target_inventory.server.role
    have = set(prepared.target_inventory.roles)
    jobs = [j for j in prepared.inventory.jobs if j.owner in have - {role.name}]
    if jobs and not role.superuser:
        owners = sorted({job.owner for job in jobs})
        yield look(
            "job-owners",
            f"Some jobs belong to {some(owners)}; the tables they work on will belong to "
            f"{role.name}.",
            where=prepared.target.label,
            why="A restore without owners gives every table to the role that restores, and a job "
            "may only work on what its owner owns.",
            todo="After the run, give those jobs or tables to the right role "
            "(ALTER TABLE … OWNER TO).",
            details=[f"job {job.id} ({job.what}), owner {job.owner}" for job in jobs],
        )


def _owners_without_login(prepared: Prepared) -> Iterator[Finding]:
    unable = {role.name for role in prepared.target_inventory.role_facts if not role.login}
    jobs = [j for j in chosen_jobs(prepared.inventory, prepared.answers) if j.owner in unable]
    if jobs:
        owners = sorted({job.owner for job in jobs})
        yield look(
            "job-owners-without-login",
            f"On the target, {some(owners)} may not log in, and {plural(len(jobs), 'job')} of the "
            "source belong to that.",
            where=prepared.target.label,
            why="A job's worker logs in as its owner: without LOGIN TimescaleDB refuses to add the "
            "job, or never starts one that was restored.",
            todo="On the target, before the run: "
            + " ".join(f"ALTER ROLE {identifier(owner)} LOGIN;" for owner in owners),
            details=[f"job {job.id} ({job.what}), owner {job.owner}" for job in jobs],
        )


def _roles_in_configs(prepared: Prepared) -> Iterator[Finding]:
    lacking = set(prepared.inventory.roles) - set(prepared.target_inventory.roles)
    details = [
        f"job {job.id} ({job.what}): {some(named)}"
        for job in chosen_jobs(prepared.inventory, prepared.answers)
        if job.kind is USER_DEFINED
        and (named := sorted(lacking.intersection(_texts(json.loads(job.config or "null")))))
    ]
    if details:
        yield look(
            "job-config-roles",
            f"The config of {plural(len(details), 'job')} holds names of roles that the target "
            "lacks.",
            where=prepared.target.label,
            why="A config is migrated as it is, and only the job knows what a name in it means.",
            todo="See what the job does with the name; create the role on the target if it needs "
            "it, before the jobs are enabled.",
            details=details,
        )


def _texts(config: Any) -> Iterator[str]:
    """Every string in a config."""
    if isinstance(config, str):
        yield config
    elif isinstance(config, list | dict):
        for part in config.values() if isinstance(config, dict) else config:
            yield from _texts(part)


def _retention(prepared: Prepared) -> Iterator[Finding]:
    jobs = [job for job in prepared.inventory.jobs if job.kind.drops_chunks and job.scheduled]
    if jobs and not prepared.answers.pause_source_jobs:
        details = [
            f"job {job.id} on {job.target}, next {job.next_start or 'unknown'}" for job in jobs
        ]
        yield look(
            "retention-runs",
            f"{plural(len(jobs), 'retention job')} may drop chunks of the source during the run.",
            where=prepared.source.label,
            why="You chose not to pause them. A chunk that is dropped after its rows were read "
            "counts as a difference, and one that is dropped while they are read can end the run.",
            todo="Have them paused (answer: pause_source_jobs), or make sure that none is due: "
            f"{'; '.join(details[:3])}.",
            details=details,
        )


def _left_open(prepared: Prepared) -> Iterator[Finding]:
    paused = {job.id for job in prepared.inventory.jobs if not job.scheduled}
    for found in prepared.left_open:
        if found.source == prepared.source.label and paused & set(found.jobs):
            yield look(
                "left-paused",
                f"{found.what[0].upper()}{found.what[1:]}: {found.run} paused them and has not put "
                "them back.",
                where=prepared.source.label,
                why="As long as they are paused, this run takes them for jobs that are not "
                "scheduled, and leaves them so on the target.",
                todo=f"tswizard resume {found.run}, or on the source: {found.statement}",
            )


JOB_CHECKS: tuple[AnyCheck, ...] = (
    Check(gives=("job-owners-missing",), run=_owners_missing, methods=FULL_ONLY),
    Check(gives=("job-owners",), run=_other_owners, methods=FULL_ONLY),
    Check(
        gives=("job-owners-without-login",), run=_owners_without_login, answered_by=("policies",)
    ),
    Check(gives=("job-config-roles",), run=_roles_in_configs, answered_by=("policies",)),
    Check(gives=("left-paused",), run=_left_open),
    Check(
        gives=("retention-runs",),
        run=_retention,
        answered_by=("pause_source_jobs",),
        settled_by_check=True,
    ),
)
