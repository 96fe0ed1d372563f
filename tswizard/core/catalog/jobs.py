"""Jobs of the user: policies and actions. Ids below 1000 are the extension's own."""

from tswizard.core.catalog.catalog_shape import CAGG, HYPERTABLE, Shape
from tswizard.core.catalog.inventory import Job
from tswizard.core.db.connection import Connection, rows

FIRST_USER_JOB = 1000


def jobs_query(shape: Shape) -> str:
    """From the job table itself: the view lacks the time zone, and before 2.20 it shows the
    materialization hypertable instead of the continuous aggregate."""
    by_oid = shape.columns[shape.jobs]["owner"] == "regrole"
    owner = "pg_catalog.pg_get_userbyid(j.owner::oid)" if by_oid else "j.owner"
    return f"""
SELECT j.id, j.application_name::text, j.proc_schema::text, j.proc_name::text, {owner}::text,
  j.scheduled, j.schedule_interval::text, j.config::text,
  COALESCE(g.user_view_schema, h.schema_name)::text, COALESCE(g.user_view_name, h.table_name)::text,
  CASE WHEN j.scheduled AND s.next_start > '-infinity' THEN s.next_start::text END,
  j.fixed_schedule, j.initial_start::text, j.timezone,
  j.max_runtime::text, j.max_retries, j.retry_period::text,
  pg_catalog.quote_ident(j.check_schema) || '.' || pg_catalog.quote_ident(j.check_name),
  {str(by_oid).lower()}
FROM {shape.jobs} j
LEFT JOIN {HYPERTABLE} h ON h.id = j.hypertable_id
LEFT JOIN {CAGG} g ON g.mat_hypertable_id = j.hypertable_id
LEFT JOIN timescaledb_information.jobs s ON s.job_id = j.id
WHERE j.id >= {FIRST_USER_JOB}
ORDER BY j.id
"""


async def read_jobs(connection: Connection, shape: Shape) -> tuple[Job, ...]:
    """Every job of the user. Requires TimeZone UTC and DateStyle ISO."""
    return tuple(
        Job(
            id=row[0],
            application=row[1],
            proc_schema=row[2],
            proc_name=row[3],
            owner=row[4],
            scheduled=row[5],
            schedule_interval=row[6],
            config=row[7],
            on=(row[8], row[9]) if row[8] else None,
            next_start=row[10],
            fixed_schedule=row[11],
            initial_start=row[12],
            timezone=row[13],
            max_runtime=row[14],
            max_retries=row[15],
            retry_period=row[16],
            check=row[17],
            owner_by_oid=row[18],
        )
        for row in await rows(connection, jobs_query(shape))
    )
