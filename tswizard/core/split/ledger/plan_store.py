"""The plan in the target's ledger: which run it belongs to, its options, its tables."""

import json
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from tswizard.core.db.connection import Connection, batch, rows
from tswizard.core.model.wording import plural
from tswizard.core.run.context import StepFailed, failed
from tswizard.core.split.ledger import queue
from tswizard.core.split.plan.piece import CopyPlan, SourceTable
from tswizard.core.steps.stored_run import other_version
from tswizard.core.steps.target_marker import tables_there

LEDGER_FORMAT = 3
"""Of the ledger; increased when an older tswizard would misread it. Since 3 a piece may travel as
it is stored: an older one would copy its rows into a compressed chunk, which hides them."""
_READABLE = (2, LEDGER_FORMAT)
"""A ledger of format 2 has no such piece, and becomes one of today's when its run is resumed."""

CREATE_LEDGER = f"""
CREATE SCHEMA IF NOT EXISTS _tswizard;
CREATE TABLE _tswizard.ledger (
  format int NOT NULL, run text PRIMARY KEY, source text NOT NULL, options jsonb NOT NULL,
  tables jsonb NOT NULL, open_pass text, created_at timestamptz NOT NULL DEFAULT pg_catalog.now());
CREATE TABLE _tswizard.snapshot (
  id int PRIMARY KEY, name text, taken_at timestamptz NOT NULL DEFAULT pg_catalog.now());
{queue.CREATE_QUEUE}"""
"""All of the ledger's tables, empty."""

_ADD_LEDGER = """
INSERT INTO _tswizard.ledger (format, run, source, options, tables) VALUES (%s, %s, %s, %s, %s)
"""

_TABLES_JSON = TypeAdapter(tuple[SourceTable, ...])


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What all processes that work on a run must do the same way."""

    via: str = "stream"
    width: str = "chunk"
    """Time range per piece."""
    snapshot: bool = True
    encoding: str = "UTF8"
    """The encoding that rows are transferred in."""
    caggs: tuple[str, ...] = ()
    """Continuous aggregates (`schema.name`) whose materialized rows are copied."""
    chunk_state: str = "NULL::text"
    """SQL: which files hold a chunk's compressed rows; `%s` stands for the chunk."""
    compressed: str = "stored"
    """How compressed chunks travel; see `Answers.compressed`."""
    packed_state: str = ""
    """SQL: the state of a chunk that travels as it is stored; see `packed_chunks.packed_state`."""


_OPTIONS = TypeAdapter(Options)


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan as the ledger has it, without its pieces."""

    run: str
    """Id of the run that it belongs to."""
    source: str
    """Conninfo without the password."""
    options: Options
    tables: tuple[SourceTable, ...]


async def read_plan(target: Connection) -> StoredPlan | None:
    """The plan on this target; None if there is none.

    Raises StepFailed for another version's ledger, and if schema _tswizard is not tswizard's.
    """
    if "ledger" not in await tables_there(target):
        return None
    # The columns of another format may have other names.
    query = "SELECT l.format, pg_catalog.to_jsonb(l) FROM _tswizard.ledger l"
    found = await rows(target, query)
    if not found:
        return None
    number, row = found[0]
    if number not in _READABLE:
        raise other_version(f"it has format {number}, this tswizard knows {LEDGER_FORMAT}")
    try:
        return StoredPlan(
            row["run"],
            row["source"],
            _OPTIONS.validate_python(row["options"]),
            _TABLES_JSON.validate_json(json.dumps(row["tables"])),
        )
    except ValidationError as error:
        unfit = plural(error.error_count(), "field does", "fields do")
        raise other_version(f"{unfit} not fit") from None


def other_run(run: str, where: str) -> StepFailed:
    """For a target that another run has not finished with."""
    return failed(
        "target-taken",
        f"The target holds an unfinished run of tswizard, {run}.",
        where=where,
        todo=f"Resume that one (tswizard resume {run}, or on another machine tswizard resume "
        "--target …), or use an empty target.",
    )


async def create_ledger(
    target: Connection, plan: CopyPlan, *, run: str, source: str, options: Options
) -> None:
    """Create the ledger and store the plan, all or nothing: in a transaction, part of it."""
    head = (
        LEDGER_FORMAT,
        run,
        source,
        _OPTIONS.dump_json(options).decode(),
        _TABLES_JSON.dump_json(plan.tables).decode(),
    )
    async with target.transaction():
        await batch(target, (CREATE_LEDGER, (_ADD_LEDGER, head)))
        await queue.add_pieces(target, plan, plan.pieces)


async def raise_format(target: Connection) -> None:
    """Keep an older tswizard from working on this ledger from now on."""
    await target.execute("UPDATE _tswizard.ledger SET format = %s", (LEDGER_FORMAT,))


async def save_tables(target: Connection, tables: tuple[SourceTable, ...]) -> None:
    """Replace the plan's tables."""
    await target.execute(
        "UPDATE _tswizard.ledger SET tables = %s", (_TABLES_JSON.dump_json(tables).decode(),)
    )
