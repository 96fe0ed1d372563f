"""A connection that rows are written through."""

from psycopg import sql

from tswizard.core.db.connection import Connection, Statement, borrow
from tswizard.core.split.copy.copy_job import CopyJob

# A commit need not wait for the disk: if the server crashes, a piece's rows are lost together with
# its done-mark, and it is copied again. That a stage is done is recorded later, by a session that
# does wait, and WAL is flushed in order. Files are removed after loading, so there commits wait.
_ASYNC_COMMIT = "SET synchronous_commit = off"


# Rows that are copied change nothing for continuous aggregates, whose rows come with them (2.28 and
# later; for older versions see caggs.logging).
SKIP_LOGGING = """
SELECT pg_catalog.set_config(name, 'on', false) FROM pg_catalog.pg_settings
WHERE name = 'timescaledb.skip_cagg_invalidation'
"""


async def open_target(job: CopyJob, *, wait_for_disk: bool = True) -> Connection:
    """A connection for writing rows. Raises CannotConnect."""
    then: list[Statement] = [(SKIP_LOGGING, None)]
    if job.options.encoding != "UTF8":
        encoding = sql.Literal(job.options.encoding)
        then.append((sql.SQL("SET client_encoding = {}").format(encoding), None))
    if not wait_for_disk:
        then.append((_ASYNC_COMMIT, None))
    return await borrow(job.target, row_security=False, then=then)
