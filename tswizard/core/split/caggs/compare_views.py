"""What queries of continuous aggregates give on source and target: rows of the views.

A real-time one is compared below its watermark: what lies above is computed on each call, and the
last digits of a float depend on the order in which rows are added up. For the same reason, and
since it may ask for the time, a view that reads one and returns other rows only needs a look. Its
query may be any: it is given up after `_LONGEST`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Error, sql
from psycopg.pq import TransactionStatus

from tswizard.core.catalog.cagg_model import Cagg, CaggDependent, CaggState
from tswizard.core.catalog.cagg_state import time_as_sql
from tswizard.core.catalog.catalog_shape import read_shape
from tswizard.core.db.concurrency import both
from tswizard.core.db.connection import Connection, batch
from tswizard.core.db.errors import is_refusal, message_of
from tswizard.core.model.events import Unit
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.wording import plural
from tswizard.core.run.context import Context
from tswizard.core.verify.database_reader import DatabaseReader
from tswizard.core.verify.rows.checksum import CHECKSUM_COLUMNS_BY_NAME, ChecksumColumn, checksum

_LONGEST = 60_000
"""Milliseconds for the query of a view that reads a continuous aggregate."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A view to read on source and target."""

    label: str
    name: str
    """As SQL."""
    state: CaggState | None = None
    """Of a real-time continuous aggregate: rows below its watermark are read."""
    limit: int = 0
    """Milliseconds; 0 for none."""


async def compare_views(
    ctx: Context,
    ends: tuple[DatabaseReader, DatabaseReader],
    caggs: Sequence[Cagg],
    states: Mapping[str, CaggState],
    dependents: Sequence[CaggDependent],
) -> None:
    """Compare what these continuous aggregates give, all of which the target has with the rows that
    are stored, and the views among `dependents`. Raises VerifyStopped, psycopg.Error."""
    asked = [
        _Asked(cagg.label, cagg.sql, None if cagg.materialized_only else states[cagg.label])
        for cagg in caggs
        if cagg.label in states
    ]
    views = [d for d in dependents if d.kind == "view"]
    asked += [_Asked(view.label, view.identity, limit=_LONGEST) for view in views]
    sums = ctx.task.answers.verify == "checksum"
    other: dict[str, str] = {}
    unread: dict[str, str] = {}
    for done, view in enumerate(asked):
        await ctx.unpaused()
        ctx.progress(done, len(asked), Unit.ITEMS, f"what {view.label} gives")
        try:
            ours, theirs = await both(*(_read(end, view, sums=sums) for end in ends))
        except Error as error:
            if not is_refusal(error):
                raise
            unread[view.label] = message_of(error)
        else:
            if ours != theirs:
                other[view.label] = (
                    f"{plural(ours[0], 'row')} on the source, {theirs[0]:,} on the target"
                )
    for finding in _findings(ctx, asked, other, unread):
        ctx.found(finding)


async def _read(reader: DatabaseReader, view: _Asked, *, sums: bool) -> tuple[Any, ...]:
    async def read(connection: Connection) -> tuple[Any, ...]:
        within = connection.info.transaction_status == TransactionStatus.INTRANS
        begin, end, undo = (
            ("SAVEPOINT view", "RELEASE view", "ROLLBACK TO view")
            if within
            else ("BEGIN", "COMMIT", "ROLLBACK")
        )
        limit = f"SET LOCAL statement_timeout = {view.limit}"
        try:
            *_, columns = await batch(
                connection, (begin, limit, (CHECKSUM_COLUMNS_BY_NAME, (view.name,)))
            )
            total = checksum(tuple(ChecksumColumn(name, binary) for _, name, binary in columns))
            query = sql.SQL("SELECT pg_catalog.count(*), {} FROM {} t{}").format(
                total if sums else sql.SQL("0"),
                sql.SQL(view.name),
                await _below(connection, view.state),
            )
            return (await batch(connection, (query, end)))[0][0]
        except Error:
            if not connection.closed:
                await connection.execute(undo.encode())
            raise

    return await reader.run(read)


async def _below(connection: Connection, state: CaggState | None) -> sql.Composable:
    if state is None:
        return sql.SQL("")
    if state.watermark is None:
        return sql.SQL(" WHERE false")
    shape = await read_shape(connection)
    return sql.SQL(" WHERE {} < {}").format(
        sql.Identifier("t", state.time_column), time_as_sql(shape, state.time_type, state.watermark)
    )


def _findings(
    ctx: Context, asked: Sequence[_Asked], other: Mapping[str, str], unread: Mapping[str, str]
) -> list[Finding]:
    where = ctx.task.target.label
    of_views = {view.label for view in asked if view.limit}
    wrong = {label: text for label, text in {**other, **unread}.items() if label not in of_views}
    found = []
    if wrong:
        found.append(
            Finding(
                Level.FAIL,
                "cagg-view-differs",
                f"Queries of {plural(len(wrong), 'continuous aggregate')} return other rows than "
                "on the source.",
                where=where,
                why="Up to the watermark, a query has to return what is stored.",
                todo="See whether the watermark and the materialized rows are those of the source.",
                details=tuple(f"{label}: {text}" for label, text in wrong.items()),
            )
        )
    if views := {label: text for label, text in other.items() if label in of_views}:
        found.append(
            Finding(
                Level.LOOK,
                "cagg-dependent-differs",
                f"Queries of {plural(len(views), 'view')} on continuous aggregates return other "
                "rows.",
                where=where,
                why="They may ask for the time, or for what real-time continuous aggregates "
                "compute on each call: the last digits of a float depend on the order of rows.",
                todo="Run them on source and target and compare.",
                details=tuple(f"{label}: {text}" for label, text in views.items()),
            )
        )
    passed = [view for view in asked if view.label not in {*other, *unread}]
    if passed:
        slow = tuple(f"{label}: {text}" for label, text in unread.items() if label in of_views)
        left = f"; {plural(len(slow), 'view')} could not be read in time" if slow else ""
        number = sum(view.limit > 0 for view in passed)
        found.append(
            Finding(
                Level.PASS,
                "cagg-views",
                f"Queries of {plural(len(passed) - number, 'continuous aggregate')} and "
                f"{plural(number, 'view')} that read them return the same rows{left}.",
                where=where,
                details=slow,
            )
        )
    return found
