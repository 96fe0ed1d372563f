"""A job of the source as the statement that recreates it on the target, paused.

`SELECT (alter_job(add_…_policy(…), …, scheduled => false)).job_id` creates the job and sets every
field of it in one statement, so that no worker sees it before it is paused (measured on 2.11.2,
2.15.3, 2.19.3 and 2.28.3). Which arguments there are differs by version: pg_proc tells.
https://docs.timescale.com/api/latest/jobs-automation/alter_job/
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tswizard.core.catalog.cagg_model import Cagg
from tswizard.core.catalog.inventory import Inventory, Job
from tswizard.core.catalog.policy_kinds import (
    COMPRESSION,
    POLICY_KINDS,
    REFRESH,
    REORDER,
    RETENTION,
    USER_DEFINED,
    PolicyFunction,
)
from tswizard.core.catalog.policy_settings import knows_setting, unknown_settings
from tswizard.core.db.connection import Connection, batch
from tswizard.core.db.identifiers import literal, qualified
from tswizard.core.db.versions import version_key

_IDS = ("hypertable_id", "mat_hypertable_id")

_CHECKED_BY_AGE = (2, 26, 3)
"""From this version on the function that checks a retention policy knows drop_created_before."""

_API = """
SELECT p.proname::text, pg_catalog.array_agg(DISTINCT a.name)
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
CROSS JOIN LATERAL pg_catalog.unnest(p.proargnames) a (name)
WHERE n.nspname = %s AND (p.proname ~ '^add_.*_policy$' OR p.proname IN ('add_job', 'alter_job'))
GROUP BY 1
"""

_INTERNAL = """
SELECT n.nspname,
  (SELECT e.extversion FROM pg_catalog.pg_extension e WHERE e.extname = 'timescaledb')
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.proname = 'alter_job_set_hypertable_id' ORDER BY n.nspname LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class JobApi:
    """What the target's functions for jobs take."""

    schema: str
    """Where TimescaleDB's functions are."""
    internal: str
    """Where those are that documentation leaves out (another schema before 2.12)."""
    arguments: Mapping[str, frozenset[str]]
    """Function -> names of its arguments."""
    version: tuple[int, ...]
    """Of TimescaleDB."""

    def takes(self, function: str, argument: str) -> bool:
        return argument in self.arguments.get(function, frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatement:
    """How one job is recreated. Without `create` it cannot be, and `why` says the reason."""

    job: Job
    api: JobApi
    create: str = ""
    """One statement that gives the new job's id."""
    before: tuple[str, ...] = ()
    """Statements that `create` needs before it, in its transaction."""
    config: str = ""
    """JSON of what is merged into the new job's config afterward; empty for nothing."""
    attach: str = ""
    """A relation, as SQL, to which a user-defined job is tied afterward; empty for none."""
    dropped: tuple[str, ...] = ()
    """Settings that the target's version does not have, as `name = value`."""
    unsure: tuple[str, ...] = ()
    """Settings of which nobody knows whether an older target has them; they are given to it."""
    why: str = ""

    def after(self, id: int | str) -> Iterator[str]:
        """Statements that complete the new job of this id, in the same transaction."""
        if self.before and self.job.on is not None:
            given = [("", _relation(self.job.on))]
            yield f"SELECT {_call(self.api.schema, 'remove_continuous_aggregate_policy', given)}"
        if self.config:
            merged = (
                f"(SELECT j.config || {literal(self.config)}::jsonb "
                f"FROM _timescaledb_config.bgw_job j WHERE j.id = {id})"
            )
            given = [("", str(id)), ("config", merged), *_timezone(self.job, self.api)]
            yield f"SELECT {_call(self.api.schema, 'alter_job', given)}"
        if self.attach:
            given = [("", str(id)), ("", f"{literal(self.attach)}::pg_catalog.regclass")]
            yield f"SELECT {_call(self.api.internal, 'alter_job_set_hypertable_id', given)}"

    @property
    def text(self) -> tuple[str, ...]:
        """All of it as a person would run it; the new job's id stands as JOB."""
        return (
            (*self.before, self.create, *self.after("JOB")) if self.create else (f"-- {self.why}",)
        )


LATEST_API = JobApi(
    "public",
    "_timescaledb_functions",
    {
        **{
            kind.added_by.name: frozenset(kind.added_by.takes)
            for kind in POLICY_KINDS
            if kind.added_by
        },
        "add_job": frozenset(("job_name",)),
        "alter_job": frozenset(
            (
                "schedule_interval",
                "max_runtime",
                "max_retries",
                "retry_period",
                "scheduled",
                "config",
                "fixed_schedule",
                "initial_start",
                "timezone",
                "job_name",
            )
        ),
    },
    (2, 29),
)
"""What 2.29 takes: for showing statements before the target was asked."""


async def read_job_api(target: Connection, schema: str) -> JobApi:
    """Ask the target once."""
    found, ((internal, version),) = await batch(target, ((_API, (schema,)), _INTERNAL))
    arguments = {name: frozenset(names) for name, names in found}
    return JobApi(schema, str(internal), arguments, version_key(version))


def job_statement(job: Job, inventory: Inventory, api: JobApi) -> JobStatement:
    """The statement for one job of the source."""
    if job.kind is USER_DEFINED:
        return _user_defined(job, api)
    function = job.kind.added_by
    if function is None:
        return JobStatement(
            job=job, api=api, why="TimescaleDB no longer supports this kind of policy."
        )
    if job.proc_name == "policy_recompression":
        return JobStatement(
            job=job, api=api, why="TimescaleDB no longer supports this policy as a job of its own."
        )
    if function.name not in api.arguments:
        return JobStatement(
            job=job, api=api, why="The target's version of TimescaleDB does not have it."
        )
    if job.on is None:
        return JobStatement(job=job, api=api, why="The source does not say which table it is for.")
    return _policy(job, function, job.on, inventory, api)


def _policy(
    job: Job, function: PolicyFunction, on: tuple[str, str], inventory: Inventory, api: JobApi
) -> JobStatement:
    config, dropped = job_config(job, api)
    typed = _time_type(job, inventory)
    relation = _relation(on)
    cagg = next((cagg for cagg in inventory.caggs if cagg.label == job.target), None)
    if cagg is not None and job.kind is REORDER:
        relation = _materialization(on)
        config["index_name"] = _Sql(_index(config["index_name"], cagg, relation))
    given = [("", relation)]
    extra: dict[str, Any] = {}
    for key, setting in config.items():
        if api.takes(function.name, key):
            given.append((key, _argument(function, key, setting, typed)))
        else:
            extra[key] = setting
    unset = (name for name in function.required if name not in config)
    given += [(name, "NULL") for name in unset if api.takes(function.name, name)]
    if api.takes(function.name, "schedule_interval"):
        given.append(("schedule_interval", _interval(job.schedule_interval)))
    if job.fixed_schedule and job.initial_start:
        given.append(("initial_start", f"{literal(job.initial_start)}::timestamptz"))
        if job.timezone:
            given.append(("timezone", literal(job.timezone)))
    create = _altered(job, _call(api.schema, function.name, given), api)
    return JobStatement(
        job=job,
        api=api,
        create=create,
        config=json.dumps(extra) if extra else "",
        before=_refresh_first(job, inventory, api),
        dropped=(*dropped, *_dropped(job, api)),
        unsure=_unsure(config, inventory, api),
    )


def _user_defined(job: Job, api: JobApi) -> JobStatement:
    # The arguments that the scheduler calls it with: its name alone may stand for several.
    name = qualified(job.proc_schema, job.proc_name)
    procedure = f"{literal(f'{name}(integer, jsonb)')}::pg_catalog.regprocedure"
    given = [
        ("", procedure),
        ("", _interval(job.schedule_interval)),
        ("config", f"{literal(job.config)}::jsonb" if job.config else "NULL"),
        ("scheduled", "false"),
        ("fixed_schedule", str(job.fixed_schedule).lower()),
    ]
    if job.initial_start:
        given.append(("initial_start", f"{literal(job.initial_start)}::timestamptz"))
    if job.timezone:
        given.append(("timezone", literal(job.timezone)))
    if job.check:
        given.append(("check_config", f"{literal(f'{job.check}(jsonb)')}::pg_catalog.regprocedure"))
    create = _altered(job, _call(api.schema, "add_job", given), api)
    attach = qualified(*job.on) if job.on else ""
    return JobStatement(
        job=job, api=api, create=create, attach=attach, dropped=tuple(_dropped(job, api))
    )


def _timezone(job: Job, api: JobApi) -> list[tuple[str, str]]:
    """Told again in each call: alter_job() without it forgets the time zone (2.12 and later)."""
    if not api.takes("alter_job", "timezone"):
        return []
    return [("timezone", literal(job.timezone) if job.timezone else "NULL")]


def _altered(job: Job, added: str, api: JobApi) -> str:
    given = [
        ("", added),
        ("schedule_interval", _interval(job.schedule_interval)),
        ("max_runtime", _interval(job.max_runtime)),
        ("max_retries", str(job.max_retries)),
        ("retry_period", _interval(job.retry_period)),
        ("scheduled", "false"),
        ("fixed_schedule", str(job.fixed_schedule).lower()),
        *_timezone(job, api),
    ]
    if job.initial_start:
        given.append(("initial_start", f"{literal(job.initial_start)}::timestamptz"))
    if _refused_by_its_check(job, api):
        given.append(("check_config", "0::pg_catalog.regproc"))
    if job.custom_name:
        given.append(("job_name", literal(job.custom_name)))
    taken = [(name, text) for name, text in given if not name or api.takes("alter_job", name)]
    return f"SELECT ({_call(api.schema, 'alter_job', taken)}).job_id"


def _refused_by_its_check(job: Job, api: JobApi) -> bool:
    """From 2.13 to 2.26.2 alter_job() fails on retention with drop_created_before: the function
    that checks its config wants drop_after (tsl/src/bgw_policy/job.c; measured on 2.19.3 and
    2.23.1). Without that function, which nothing else calls, it works, then and later."""
    return (
        job.kind is RETENTION
        and api.version < _CHECKED_BY_AGE
        and "drop_created_before" in json.loads(job.config or "{}")
    )


def _call(schema: str, function: str, arguments: list[tuple[str, str]]) -> str:
    texts = (f"{name} => {text}" if name else text for name, text in arguments)
    return f"{qualified(schema, function)}({', '.join(texts)})"


def _interval(text: str) -> str:
    return f"INTERVAL {literal(text)}"


def _relation(on: tuple[str, str]) -> str:
    return f"{literal(qualified(*on))}::pg_catalog.regclass"


def _materialization(on: tuple[str, str]) -> str:
    """The materialization hypertable of a continuous aggregate on the target: reorder policies know
    a continuous aggregate by no other name (2.11 to 2.28)."""
    schema, name = on
    return (
        "(SELECT pg_catalog.format('%I.%I', h.schema_name, h.table_name)::pg_catalog.regclass "
        "FROM _timescaledb_catalog.continuous_agg c JOIN _timescaledb_catalog.hypertable h "
        f"ON h.id = c.mat_hypertable_id WHERE c.user_view_schema = {literal(schema)} "
        f"AND c.user_view_name = {literal(name)})"
    )


def _index(name: str, cagg: Cagg, relation: str) -> str:
    """The index of that name on the materialization; names that TimescaleDB gave hold its id."""
    old = literal(cagg.materialization_name)
    return (
        "(SELECT i.relname FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i "
        f"ON i.oid = x.indexrelid JOIN pg_catalog.pg_class t ON t.oid = x.indrelid "
        f"WHERE t.oid = {relation} AND i.relname::text IN ({literal(name)}, "
        f"pg_catalog.replace({literal(name)}, {old}, t.relname)) LIMIT 1)"
    )


class _Sql(str):
    """A setting that is SQL already."""

    __slots__ = ()


def _argument(function: PolicyFunction, key: str, value: Any, typed: str) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, _Sql):
        return value
    if key in function.offsets and isinstance(value, int):
        return f"{literal(str(value))}::{typed}"
    if key in (*function.offsets, *function.intervals):
        return _interval(str(value))
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else literal(str(value))


def _time_type(job: Job, inventory: Inventory) -> str:
    """The type of the time column: integer offsets have to be of just that type."""
    for table in inventory.hypertables:
        if job.on is not None and (
            table.cagg == job.target or (table.schema, table.name) == job.on
        ):
            return table.dimensions[0].column_type
    return "bigint"


def job_config(job: Job, api: JobApi) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The job's config without ids of its server, and what the target does not know of it."""
    config: dict[str, Any] = json.loads(job.config or "{}")
    if job.kind is USER_DEFINED:
        return config, ()
    gone = sorted(key for key in config if not knows_setting(api.version, key))
    known = {key: value for key, value in config.items() if key not in (*gone, *_IDS)}
    return known, tuple(f"{key} = {json.dumps(config[key])}" for key in gone)


def _unsure(config: Mapping[str, Any], inventory: Inventory, api: JobApi) -> tuple[str, ...]:
    source = version_key(inventory.server.timescaledb or "")
    if api.version >= source:
        return ()
    return tuple(f"{key} = {json.dumps(config[key])}" for key in unknown_settings(config))


def _dropped(job: Job, api: JobApi) -> Iterator[str]:
    if job.custom_name and not api.takes("alter_job", "job_name"):
        yield f"name = {job.custom_name}"


def _refresh_first(job: Job, inventory: Inventory, api: JobApi) -> tuple[str, ...]:
    """Up to 2.27.1 a compression policy on a continuous aggregate wants a refresh policy there: it
    is added for the while where the source has none."""
    caggs = {cagg.label for cagg in inventory.caggs}
    if job.kind is not COMPRESSION or job.target not in caggs or job.on is None:
        return ()
    if any(other.kind is REFRESH and other.target == job.target for other in inventory.jobs):
        return ()
    given = [
        ("", _relation(job.on)),
        ("start_offset", "NULL"),
        ("end_offset", "NULL"),
        ("schedule_interval", "INTERVAL '1 day'"),
    ]
    return (f"SELECT {_call(api.schema, 'add_continuous_aggregate_policy', given)}",)
