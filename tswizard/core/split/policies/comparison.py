"""Jobs of both databases in one form, whatever the versions: what is compared after they were
recreated.

Ids differ by nature, and whether a job is switched on is the business of the last step.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from tswizard.core.catalog.inventory import Job
from tswizard.core.catalog.policy_kinds import USER_DEFINED
from tswizard.core.split.policies.statements import JobApi, job_config
from tswizard.core.verify.schema.read import Object, ObjectKey, Schema

# Names that TimescaleDB gives to indexes of a materialization hold its id.
_MATERIALIZATION = re.compile(r"_materialized_hypertable_\d+")


def with_jobs(schema: Schema, jobs: Iterable[Job], api: JobApi, role: str) -> Schema:
    """The schema with these jobs in place of its own, as far as the target (`api`) can have
    them. `role` is the one that we are at this end."""
    objects = {key: found for key, found in schema.objects.items() if key.kind != "job"}
    return replace(schema, objects=objects | job_objects(jobs, api, role))


def job_objects(jobs: Iterable[Job], api: JobApi, role: str = "") -> dict[ObjectKey, Object]:
    """A job is known by what it does and to what; several of a kind are numbered in the order of
    their settings."""
    return {ObjectKey("job", name): Object(text) for name, text, _ in _numbered(jobs, api, role)}


def matched_ids(
    ours: Iterable[Job], theirs: Iterable[Job], api: JobApi, roles: tuple[str, str]
) -> dict[int, int]:
    """The target's ids by the source's, as far as such a job is there; `roles` are those that we
    are on source and target."""
    there = {name: id for name, _, id in _numbered(theirs, api, roles[1])}
    return {id: there[name] for name, _, id in _numbered(ours, api, roles[0]) if name in there}


def _numbered(jobs: Iterable[Job], api: JobApi, role: str) -> Iterator[tuple[str, str, int]]:
    """Name, definition and id of each job."""
    texts = sorted(
        (_name(job), json.dumps(_definition(job, api, role), sort_keys=True), job.id)
        for job in jobs
    )
    seen: Counter[str] = Counter()
    for name, text, id in texts:
        seen[name] += 1
        number = f" ({seen[name]})" if seen[name] > 1 else ""
        yield name + number, text, id


def _name(job: Job) -> str:
    return f"{job.what} on {job.target}" if job.target else job.what


def _definition(job: Job, api: JobApi, role: str) -> dict[str, Any]:
    config, _dropped = job_config(job, api)
    named = api.takes("alter_job", "job_name")
    return {
        "config": {key: _named(setting) for key, setting in config.items()},
        "schedule_interval": job.schedule_interval,
        "max_runtime": job.max_runtime,
        "max_retries": job.max_retries,
        "retry_period": job.retry_period,
        "fixed_schedule": job.fixed_schedule,
        "initial_start": job.initial_start if job.fixed_schedule else None,
        "timezone": job.timezone,
        "owner": _owner(job, role),
        # A policy is checked by the extension itself, whose schema changed with 2.12.
        "check": job.check if job.kind is USER_DEFINED else None,
        "name": job.custom_name if named else None,
    }


def _owner(job: Job, role: str) -> str | None:
    """A policy belongs to the owner of its table, and what belongs to the role that migrates
    belongs, like tables, to that of the target."""
    if job.kind is not USER_DEFINED:
        return None
    return "the role that migrates" if job.owner == role else job.owner


def _named(setting: Any) -> Any:
    if isinstance(setting, str):
        return _MATERIALIZATION.sub("_materialized_hypertable", setting)
    return setting
