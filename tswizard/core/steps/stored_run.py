"""A run's record on its target, from which another machine resumes it or checks it again.

The split method keeps it there from the beginning (`split/ledger/run_record.py`). Of either method
it stays after the end as long as something needs a look.
"""

from dataclasses import dataclass

from psycopg import Error
from psycopg.errors import InvalidSchemaName, UndefinedTable
from pydantic import ValidationError

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.db.connection import Connection, batch, connected, rows
from tswizard.core.db.errors import CannotConnect, message_of
from tswizard.core.model.wording import plural
from tswizard.core.run.context import Context, StepFailed, failed
from tswizard.core.run.record import (
    RECORD_FORMAT,
    RunRecord,
    inventory_from_text,
    inventory_to_text,
    record_from_text,
    record_to_text,
)
from tswizard.core.steps import target_marker

_TABLE = """
CREATE SCHEMA IF NOT EXISTS _tswizard;
CREATE TABLE IF NOT EXISTS _tswizard.record (
  run text PRIMARY KEY, format int NOT NULL, location text NOT NULL, record text NOT NULL,
  inventory text NOT NULL, updated_at timestamptz NOT NULL DEFAULT pg_catalog.now())
"""

_WRITE = """
INSERT INTO _tswizard.record (run, format, location, record, inventory) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (run) DO UPDATE SET location = excluded.location, record = excluded.record,
  updated_at = pg_catalog.now()
"""


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as recorded on its target."""

    location: str
    """Run folder of the process that led it last: `host:folder`."""
    record: RunRecord
    inventory: Inventory


async def read_stored_run(target: Connection) -> StoredRun | None:
    """The run on this target; None if there is none. Raises StepFailed for another version's."""
    # The columns of another format may have other names.
    query = "SELECT r.format, pg_catalog.to_jsonb(r) FROM _tswizard.record r"
    try:
        found = await rows(target, query)
    except (InvalidSchemaName, UndefinedTable):
        return None
    if not found:
        return None
    number, row = found[0]
    if number != RECORD_FORMAT:
        raise other_version(f"it has format {number}, this tswizard knows {RECORD_FORMAT}")
    try:
        return StoredRun(
            row["location"], record_from_text(row["record"]), inventory_from_text(row["inventory"])
        )
    except ValidationError as error:
        unfit = plural(error.error_count(), "field does", "fields do")
        raise other_version(f"{unfit} not fit") from None


async def write_stored_run(target: Connection, run: StoredRun) -> None:
    """Make it the only run on this target. Raises psycopg.Error."""
    values = (
        run.record.id,
        RECORD_FORMAT,
        run.location,
        record_to_text(run.record),
        inventory_to_text(run.inventory),
    )
    others = ("DELETE FROM _tswizard.record WHERE run <> %s", (run.record.id,))
    await batch(target, (_TABLE, others, (_WRITE, values)))


async def forget_finished_run(target: Connection, run: str) -> None:
    """Remove what another run left there that is over: only preflight lets anybody come here, and
    it found the target empty. Raises StepFailed, also if our schema is somebody else's,
    psycopg.Error."""
    if "record" not in await target_marker.tables_there(target):
        return
    stored = await read_stored_run(target)
    if stored is not None and stored.record.id != run and stored.record.over:
        await target_marker.erase(target)


async def keep_stored_run(ctx: Context) -> None:
    """Bring a finished run's record to its target; where that fails the log says so."""
    folder = ctx.run_folder
    run = StoredRun(folder.location, folder.record, ctx.task.inventory)
    try:
        async with connected(ctx.task.target) as target:
            await write_stored_run(target, run)
    except (CannotConnect, Error) as error:
        ctx.say(f"the run's record on the target is not up to date: {message_of(error)}")


def other_version(why: str) -> StepFailed:
    """For a ledger that this version would misread."""
    return failed(
        "ledger-version",
        "The ledger on the target was written by another version of tswizard.",
        where="schema _tswizard",
        why=why,
        todo="Resume the run with the version that started it.",
    )
