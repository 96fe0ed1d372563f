"""Switching jobs on or off, by alter_job() or, where that fails, by the job's own row."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from psycopg import Error, sql

from tswizard.core.catalog.job_statements import alter_by_hand
from tswizard.core.db.connection import Connection, atomically, value
from tswizard.core.db.errors import is_refusal, message_of


@dataclass(frozen=True, slots=True)
class JobSwitch:
    """One job and how it is to be."""

    job: int
    scheduled: bool
    next_start: str | None = None
    """When it runs then: one that never ran on this server would run at once."""


async def set_scheduled(
    connection: Connection, schema: str | None, switches: Iterable[JobSwitch]
) -> Mapping[int, str]:
    """Switch jobs, in this order; the server's own words for those that it refused.

    alter_job() forgets a job's time zone unless it is told again (measured on 2.19.3 and 2.23.1),
    so it is. It fails on a retention policy with drop_created_before (2.23.1: "could not find
    drop_after in config for job").
    https://docs.timescale.com/api/latest/jobs-automation/alter_job/
    """
    keep_zone = await takes_timezone(connection, schema)
    queries = {
        switch.job: switch_statement(
            schema,
            sql.Literal(switch.job),
            switch.scheduled,
            keep_zone=keep_zone,
            next_start=switch.next_start,
        )
        for switch in switches
    }
    # All at once; one by one where one of them is refused, which undoes all.
    if await _refusal(connection, *queries.values()) is None:
        return {}
    return {
        job: why
        for job, query in queries.items()
        if (why := await _refusal(connection, query)) is not None
    }


def switch_statement(
    schema: str | None,
    job: sql.Composable,
    scheduled: bool,
    *,
    keep_zone: bool,
    next_start: str | None = None,
) -> sql.Composed:
    """The call of alter_job(), given the job's id; `keep_zone` where it takes a time zone, which it
    would forget."""
    zone: sql.Composable = sql.SQL("")
    if keep_zone:
        zone = sql.SQL(
            ", timezone => (SELECT j.timezone FROM _timescaledb_config.bgw_job j WHERE j.id = {})"
        ).format(job)
    start: sql.Composable = sql.SQL("")
    if next_start is not None:
        start = sql.SQL(", next_start => {}::timestamptz").format(sql.Literal(next_start))
    return sql.SQL("SELECT {}({}, scheduled => {}{}{})").format(
        sql.Identifier(schema or "public", "alter_job"),
        job,
        sql.Literal(scheduled),
        zone,
        start,
    )


def switch_by_hand(jobs: Iterable[int] | str, scheduled: bool, timescaledb: str | None) -> str:
    """The same as one statement for a person, on a server with this version of TimescaleDB. `jobs`
    are ids, or a condition on the columns of _timescaledb_config.bgw_job."""
    which = jobs if isinstance(jobs, str) else f"id IN ({', '.join(map(str, jobs))})"
    return alter_by_hand(which, {"scheduled": str(scheduled).lower()}, timescaledb)


async def takes_timezone(connection: Connection, schema: str | None) -> bool:
    """Has this server's alter_job() an argument for the time zone?"""
    return bool(await value(connection, _TAKES_TIMEZONE, (schema or "public",)))


async def set_row(connection: Connection, job: int, scheduled: bool) -> str | None:
    """The same by the job's own row, which a role that may restore can write.

    A scheduler that runs does not notice.
    """
    query = sql.SQL("UPDATE _timescaledb_config.bgw_job SET scheduled = {} WHERE id = {}")
    return await _refusal(connection, query.format(sql.Literal(scheduled), sql.Literal(job)))


async def _refusal(connection: Connection, *queries: sql.Composed) -> str | None:
    try:
        await atomically(connection, queries)
    except Error as error:
        if not is_refusal(error):
            raise
        return f"Server error: {message_of(error)}"
    return None


_TAKES_TIMEZONE = """
SELECT pg_catalog.bool_or('timezone' = ANY (p.proargnames))
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.proname = 'alter_job' AND n.nspname = %s
"""
