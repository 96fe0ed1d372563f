"""Watermarks of continuous aggregates set as on the source, while all hypertables are empty.

A refresh writes the watermark, and has it follow the last row of the materialization:

- from 2.17 on a refresh that finds something to delete is enough: rows are put into the
  materialization, one of them last, another in a range below that has to be valid, which is
  refreshed;
- before, it has to compute a row. Where this role may write the catalog, as the cloud's may (it has
  to, for a restore), the watermark is written there; else raw rows of the source are put into the
  last bucket, and that is refreshed;
- 2.9 and 2.10 store none: what is materialized says where it is.

What was put there is taken away again. tsl/src/continuous_aggs/materialize.c; measured on 2.11.2,
2.15.3, 2.19.3 and 2.28.3.
"""

from contextlib import suppress
from dataclasses import dataclass

from psycopg import Error, sql

from tswizard.core.catalog.cagg_model import CaggState
from tswizard.core.catalog.cagg_state import WATERMARK, first_time, time_as_sql
from tswizard.core.catalog.catalog_shape import CAGG, HYPERTABLE, read_shape
from tswizard.core.db.connection import Connection, rows, value
from tswizard.core.db.errors import is_refusal
from tswizard.core.run.context import Context
from tswizard.core.split.caggs.refresh import Refresh, run_refresh
from tswizard.core.split.caggs.valid_ranges import valid_ranges, window_start
from tswizard.core.split.schema.cagg_facts import CaggFacts
from tswizard.core.split.schema.execute import refusal_message

_SOME = 10_000
"""Raw rows that are tried: one of them has to pass the continuous aggregate's WHERE and HAVING."""

# A chunk of a continuous aggregate's materialization or of what it reads.
_CHUNKS = f"""
SELECT DISTINCT pg_catalog.format('%%I.%%I', n.nspname, c.relname)
FROM {CAGG} g
JOIN {HYPERTABLE} h ON h.id IN (g.mat_hypertable_id, g.raw_hypertable_id)
JOIN pg_catalog.pg_namespace hn ON hn.nspname = h.schema_name
JOIN pg_catalog.pg_class hc ON hc.relnamespace = hn.oid AND hc.relname = h.table_name
JOIN pg_catalog.pg_inherits i ON i.inhparent = hc.oid
JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE g.user_view_schema = %s AND g.user_view_name = %s
"""

_RAW = f"""
SELECT h.schema_name::text, h.table_name::text, d.column_name::text
FROM {CAGG} g
JOIN {HYPERTABLE} h ON h.id = g.raw_hypertable_id
JOIN _timescaledb_catalog.dimension d ON d.hypertable_id = h.id
WHERE g.user_view_schema = %s AND g.user_view_name = %s
ORDER BY d.id LIMIT 1
"""

_COLUMNS = """
SELECT a.attname::text FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s
  AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
ORDER BY a.attnum
"""

_ID = f"(SELECT h.id FROM {HYPERTABLE} h WHERE h.schema_name = %s AND h.table_name = %s)"
_READ = f"SELECT w.watermark FROM {WATERMARK} w WHERE w.mat_hypertable_id = {_ID}"
_WRITE = f"UPDATE {WATERMARK} SET watermark = %s WHERE mat_hypertable_id = {_ID}"
_MAY_WRITE = "SELECT pg_catalog.has_table_privilege(%s, 'UPDATE')"


@dataclass(frozen=True, slots=True)
class _Raw:
    """The hypertable that a continuous aggregate reads, on one end."""

    schema: str
    table: str
    time: str

    @property
    def key(self) -> tuple[str, str]:
        return self.schema, self.table


@dataclass(frozen=True, slots=True, kw_only=True)
class WatermarkSetter:
    """Sets them, parents first."""

    ctx: Context
    source: Connection
    target: Connection
    refresh: Refresh

    async def set(self, made: CaggFacts, state: CaggState) -> bool:
        """Bring one to where it is on the source (`state`). False when it would not go there.

        Raises psycopg.Error.
        """
        await self._empty(made)
        if not self.refresh.shape.has(WATERMARK) or state.watermark is None or state.last is None:
            return True
        goal = _Goal(made=made, state=state, last=state.last, watermark=state.watermark)
        for way in (_nothing, self._by_deleting, self._by_catalog, self._by_computing):
            try:
                await way(goal)
            except Error as error:
                if not is_refusal(error):
                    raise
                self.ctx.say(f"watermark of {made.cagg.label}: {refusal_message(error)}")
            finally:
                with suppress(Error):  # tried again before anything else
                    await self._empty(made)
            if await self._watermark(made) == goal.watermark:
                return True
        return False

    async def _by_deleting(self, goal: "_Goal") -> None:
        """What is refreshed for it is valid afterward: so a range that has to be."""
        for valid in valid_ranges(goal.state):
            start, end = window_start(goal.state, valid), min(valid.end, goal.last)
            if end - goal.unit >= (first_time(goal.state.time_type) if start is None else start):
                break
        else:
            return
        insert = sql.SQL("INSERT INTO {} ({}) VALUES ({}), ({})").format(
            sql.Identifier(*goal.made.materialization.key),
            sql.Identifier(goal.state.time_column),
            self._time_as_sql(goal, goal.last),
            self._time_as_sql(goal, end - goal.unit),
        )
        await self.target.execute(insert)
        await self._refresh(goal, start, end)

    async def _by_catalog(self, goal: "_Goal") -> None:
        if await value(self.target, _MAY_WRITE, (WATERMARK,)):
            self.ctx.say(f"the watermark of {goal.made.cagg.label} is written: {goal.watermark}")
            await self.target.execute(_WRITE, (goal.watermark, *goal.made.materialization.key))

    async def _by_computing(self, goal: "_Goal") -> None:
        """By raw rows of the source in the last bucket; by others where it has none there anymore,
        with a time in it; by a row that holds nothing else where it has none at all."""
        here = await _raw_of(self.source, goal.made)
        there = await _raw_of(self.target, goal.made)
        shape = await read_shape(self.source)
        at, until = (
            time_as_sql(shape, goal.state.time_type, time) for time in (goal.last, goal.watermark)
        )
        in_bucket = sql.SQL("WHERE {t} >= {} AND {t} < {}").format(
            at, until, t=sql.Identifier(here.time)
        )
        copied = await self._copy_some(here, there, at, in_bucket)
        if not copied and not await self._copy_some(here, there, at, sql.SQL("")):
            insert = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                sql.Identifier(*there.key),
                sql.Identifier(there.time),
                self._time_as_sql(goal, goal.last),
            )
            await self.target.execute(insert)
        await self._refresh(goal, goal.last, goal.watermark)

    async def _copy_some(
        self, here: "_Raw", there: "_Raw", at: sql.Composable, some: sql.Composable
    ) -> int:
        """Copy some raw rows, their time changed; how many."""
        columns = [column for (column,) in await rows(self.target, _COLUMNS, there.key)]
        read = sql.SQL("COPY (SELECT {} FROM {} {} LIMIT {}) TO STDOUT").format(
            sql.SQL(", ").join(at if c == there.time else sql.Identifier(c) for c in columns),
            sql.Identifier(*here.key),
            some,
            sql.Literal(_SOME),
        )
        write = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(*there.key), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        async with (
            self.source.transaction(),
            self.source.cursor() as ours,
            self.target.cursor() as theirs,
        ):
            async with ours.copy(read) as reading, theirs.copy(write) as writing:
                async for block in reading:
                    await writing.write(block)
            return theirs.rowcount

    def _time_as_sql(self, goal: "_Goal", time: int) -> sql.Composable:
        return time_as_sql(self.refresh.shape, goal.state.time_type, time)

    async def _refresh(self, goal: "_Goal", start: int | None, end: int) -> None:
        call = self.refresh.statement(goal.made, goal.state.time_type, start, end)
        await run_refresh(self.ctx, self.target, call)

    async def _empty(self, made: CaggFacts) -> None:
        """Take away what was put into the materialization and into what it reads, with the chunks
        that it made: chunks come with the source's own slices."""
        for (chunk,) in await rows(self.target, _CHUNKS, (made.cagg.schema, made.cagg.name)):
            await self.target.execute(f"DROP TABLE {chunk}".encode())

    async def _watermark(self, made: CaggFacts) -> int | None:
        found = await value(self.target, _READ, made.materialization.key)
        return None if found is None else int(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Goal:
    """Where a watermark is to be."""

    made: CaggFacts
    state: CaggState
    """The source's."""
    last: int
    """Start of the last bucket."""
    watermark: int

    @property
    def unit(self) -> int:
        """The smallest step of the type, in internal time."""
        return 86_400_000_000 if self.state.time_type == "date" else 1


async def _nothing(_goal: _Goal) -> None:
    """It may be there already."""


async def _raw_of(end: Connection, made: CaggFacts) -> _Raw:
    return _Raw(*(await rows(end, _RAW, (made.cagg.schema, made.cagg.name)))[0])
