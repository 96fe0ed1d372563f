"""How far each continuous aggregate is materialized: watermark, ranges that are invalid, history.

What writes these tables: tsl/src/continuous_aggs/{invalidation,refresh,materialize}.c of
timescaledb 2.9 to 2.29. An entry in the log of the raw hypertable is a range of changed rows that
the next refresh moves to the logs of all continuous aggregates on it, rounded out to buckets.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from psycopg import sql

from tswizard.core.catalog.cagg_model import CaggState, InvalidRange
from tswizard.core.catalog.catalog_shape import CAGG, CHUNK, HYPERTABLE, Shape
from tswizard.core.catalog.hypertables import slices_of_chunks
from tswizard.core.catalog.time_literals import first_uuid
from tswizard.core.db.connection import Connection, Statement, batch, rows
from tswizard.core.db.identifiers import qualified

LOG = "_timescaledb_catalog.continuous_aggs_materialization_invalidation_log"
RAW_LOG = "_timescaledb_catalog.continuous_aggs_hypertable_invalidation_log"
WATERMARK = "_timescaledb_catalog.continuous_aggs_watermark"
OWED_RANGES = "_timescaledb_catalog.continuous_aggs_materialization_ranges"
_BUCKETS = "_timescaledb_catalog.continuous_aggs_bucket_function"

NO_BEGIN, NO_END = -(1 << 63), (1 << 63) - 1
"""Internal times without a begin or an end (src/time_utils.h: TS_TIME_NOBEGIN, TS_TIME_NOEND)."""

_FIRST_TIMESTAMP = -210_866_803_200_000_000
"""4714-11-24 BC, where timestamps and dates begin."""
_INTEGERS = "('int2'::regtype, 'int4'::regtype, 'int8'::regtype)"
_FIRST_INTEGER = {"smallint": -(1 << 15), "integer": -(1 << 31), "bigint": NO_BEGIN}

# The longest that a bucket of this interval gets: months of 31 days, and days of 25 hours where
# its width varies.
_LONGEST = """((extract(epoch FROM w.width - date_trunc('day', w.width))
  + w.day * extract(day FROM w.width)
  + 31 * w.day * (12 * extract(year FROM w.width) + extract(month FROM w.width)))
  * 1000000)::bigint"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """One continuous aggregate as the catalog has it."""

    label: str
    mat: sql.Identifier
    raw: sql.Identifier
    time: str
    raw_time: str
    raw_time_type: str
    time_type: str
    bucket: str
    fixed: bool
    width: int
    watermark: int | None
    log: tuple[tuple[int, int], ...]
    raw_log: tuple[tuple[int, int], ...]
    owed: tuple[tuple[int, int], ...]
    raw_start: int | None
    raw_dimension: int


def _pairs(relation: str, key: str, id: str) -> str:
    return f"""ARRAY(SELECT ARRAY[l.lowest_modified_value, l.greatest_modified_value]
    FROM {relation} l WHERE l.{key} = {id} ORDER BY 1)"""


CAGGS_WITH_TIME = f"""FROM {CAGG} g
JOIN {HYPERTABLE} m ON m.id = g.mat_hypertable_id
JOIN {HYPERTABLE} r ON r.id = g.raw_hypertable_id
JOIN LATERAL (SELECT d.* FROM _timescaledb_catalog.dimension d
  WHERE d.hypertable_id = m.id ORDER BY d.id LIMIT 1) md ON true
JOIN LATERAL (SELECT d.* FROM _timescaledb_catalog.dimension d
  WHERE d.hypertable_id = r.id ORDER BY d.id LIMIT 1) rd ON true
"""
"""FROM of continuous aggregates `g`, their materialization `m` and raw hypertable `r`, and the
first dimension of each, `md` and `rd`."""


def live_slices(shape: Shape) -> str:
    """FROM and WHERE of slices `s`: before 2.26 a dropped chunk that a continuous aggregate knows
    of keeps its own."""
    live = "NOT k.dropped" if shape.has(CHUNK, "dropped") else "true"
    return f"({slices_of_chunks(shape)}) s JOIN {CHUNK} k ON k.id = s.chunk WHERE {live}"


def states_query(shape: Shape) -> str:
    """Names, types, width of the bucket, watermark and logs of every continuous aggregate."""
    watermark = "NULL::bigint"
    if shape.has(WATERMARK):
        watermark = f"(SELECT x.watermark FROM {WATERMARK} x WHERE x.mat_hypertable_id = m.id)"
    owed = "ARRAY[]::bigint[]"
    if shape.has(OWED_RANGES):
        owed = _pairs(OWED_RANGES, "materialization_id", "m.id")
    if shape.has(CAGG, "bucket_width"):  # until 2.14; -1 where its width varies
        fixed, number = "g.bucket_width >= 0", "NULLIF(g.bucket_width, -1)"
        text = (
            f"CASE WHEN md.column_type IN {_INTEGERS} THEN {number}::text "
            f"ELSE {shape.function('to_interval')}({number})::text END"
        )
    else:
        fixed, number, text = "b.bucket_fixed_width", "NULL::bigint", "NULL"
    return f"""
SELECT g.user_view_schema || '.' || g.user_view_name,
  m.schema_name::text, m.table_name::text, r.schema_name::text, r.table_name::text,
  md.column_name::text, rd.column_name::text, pg_catalog.format_type(md.column_type, NULL),
  COALESCE(b.bucket_width, {text}, ''), COALESCE({fixed}, true), {number},
  {watermark}, {_pairs(LOG, "materialization_id", "m.id")},
  {_pairs(RAW_LOG, "hypertable_id", "r.id")}, {owed},
  (SELECT pg_catalog.min(s.range_start) FROM {live_slices(shape)} AND s.dimension_id = rd.id),
  pg_catalog.format_type(rd.column_type, NULL), rd.id
{CAGGS_WITH_TIME}LEFT JOIN {_BUCKETS} b ON b.mat_hypertable_id = m.id
ORDER BY m.id
"""


async def read_cagg_states(
    connection: Connection, shape: Shape, only: Iterable[str] | None = None
) -> dict[str, CaggState]:
    """State of every continuous aggregate, or only of these, by `schema.name`.

    Call it in one transaction for all to be of one snapshot. One whose rows this role may not read
    is left out. Raises psycopg.Error.
    """
    wanted = None if only is None else frozenset(only)
    named = [
        row
        for row in await rows(connection, states_query(shape))
        if wanted is None or row[0] in wanted
    ]
    asked = [statement for row in named for statement in (_readable(row), _width(row))]
    answers = await batch(connection, asked)
    reads = [
        _read(row, int(width))
        for row, ((readable,),), ((width,),) in zip(named, answers[::2], answers[1::2], strict=True)
        if readable
    ]
    bounds = await batch(connection, [_bounds(shape, read) for read in reads])
    return {
        read.label: await _state(connection, shape, read, found)
        for read, (found,) in zip(reads, bounds, strict=True)
    }


def _read(row: tuple[object, ...], width: int) -> _Read:
    label, mat_schema, mat, raw_schema, raw, time, raw_time, kind, bucket, fixed = row[:10]
    return _Read(
        label=str(label),
        mat=sql.Identifier(str(mat_schema), str(mat)),
        raw=sql.Identifier(str(raw_schema), str(raw)),
        time=str(time),
        raw_time=str(raw_time),
        raw_time_type=str(row[16]),
        time_type=str(kind),
        bucket=str(bucket),
        fixed=bool(fixed),
        width=width,
        watermark=None if row[11] is None else int(str(row[11])),
        log=_ranges(row[12]),
        raw_log=_ranges(row[13]),
        owed=_ranges(row[14]),
        raw_start=None if row[15] is None else int(str(row[15])),
        raw_dimension=int(str(row[17])),
    )


def _ranges(found: object) -> tuple[tuple[int, int], ...]:
    assert isinstance(found, list)
    return tuple((low, high) for low, high in found)


def _width(row: tuple[object, ...]) -> Statement:
    """The longest bucket in internal time."""
    bucket, fixed, number = str(row[8]), bool(row[9]), row[10]
    if number or not bucket or bucket.lstrip("-").isdigit():
        return "SELECT %s::bigint", (number or bucket or 0,)
    query = f"SELECT {_LONGEST} FROM (SELECT %s::interval AS width, %s::int AS day) w"
    return query, (bucket, 86_400 if fixed else 90_000)


def _readable(row: tuple[object, ...]) -> Statement:
    query = (
        "SELECT pg_catalog.has_table_privilege(%s, 'SELECT') "
        "AND pg_catalog.has_table_privilege(%s, 'SELECT')"
    )
    return query, (qualified(str(row[1]), str(row[2])), qualified(str(row[3]), str(row[4])))


def _bounds(shape: Shape, read: _Read) -> sql.Composed:
    ends = "SELECT {f}({end}) FROM {raw}"
    if read.raw_time_type == "uuid":  # min(uuid) came with PostgreSQL 18
        ends = "SELECT {f}({r}) FROM {raw} ORDER BY {r} {order} LIMIT 1"
    raw = [
        sql.SQL(ends).format(
            f=_internal(shape),
            r=sql.Identifier(read.raw_time),
            end=sql.SQL("pg_catalog.{}({})").format(end, sql.Identifier(read.raw_time)),
            order=order,
            raw=read.raw,
        )
        for end, order in ((sql.SQL("min"), sql.SQL("ASC")), (sql.SQL("max"), sql.SQL("DESC")))
    ]
    return sql.SQL(
        "SELECT {f}(pg_catalog.min({t})), {f}(pg_catalog.max({t})), ({first}), ({last}) FROM {mat}"
    ).format(
        f=_internal(shape),
        t=sql.Identifier(read.time),
        first=raw[0],
        last=raw[1],
        mat=read.mat,
    )


def _internal(shape: Shape) -> sql.Identifier:
    return sql.Identifier(*shape.function("time_to_internal").split("."))


async def _state(
    connection: Connection, shape: Shape, read: _Read, bounds: tuple[Any, ...]
) -> CaggState:
    first, last, first_raw, last_raw = bounds
    watermark = read.watermark
    if watermark is None and last is not None:  # 2.9 and 2.10 compute it on each call
        watermark = last + read.width
    if watermark is not None and watermark <= first_time(read.time_type):
        watermark = None
    until = _open(read)
    state = CaggState(
        time_column=read.time,
        time_type=read.time_type,
        bucket=read.bucket,
        fixed=read.fixed,
        width=read.width,
        watermark=watermark,
        first=first,
        last=last,
        first_raw=first_raw,
        last_raw=last_raw,
        raw_from=read.raw_start,
        invalid=(),
        valid_until=until,
    )
    if until is None:
        return state
    spans = _merged(
        [*_closed(read), *await _rounded(connection, shape, read)],
        first_time(read.time_type),
        until,
    )
    invalid = [
        InvalidRange(
            low=low, high=high, raw_rows=await _computable(connection, shape, read, low, high)
        )
        for low, high in spans
    ]
    return replace(state, invalid=tuple(invalid))


def first_time(time_type: str) -> int:
    """The first internal time that the type can hold."""
    return _FIRST_INTEGER.get(time_type, _FIRST_TIMESTAMP)


def _open(read: _Read) -> int | None:
    """Start of the log's last row, which has no end; None when it has no begin either."""
    starts = [low for low, high in read.log if high == NO_END]
    if not starts:
        return read.watermark
    return None if min(starts) <= first_time(read.time_type) else min(starts)


def _closed(read: _Read) -> list[tuple[int, int]]:
    return [(low, high) for low, high in (*read.log, *read.owed) if high != NO_END]


async def _rounded(connection: Connection, shape: Shape, read: _Read) -> list[tuple[int, int]]:
    """Changes of raw rows as the buckets that they make invalid."""
    return [
        (
            low if low == NO_BEGIN else await _bucket_start(connection, shape, read, low),
            high if high == NO_END else await _bucket_end(connection, shape, read, high) - 1,
        )
        for low, high in read.raw_log
    ]


async def _bucket_start(connection: Connection, shape: Shape, read: _Read, time: int) -> int:
    """Start of the bucket that holds this moment, as far as the materialized buckets tell."""
    known = await _bucket_beside(connection, shape, read, time, "max", "<=")
    if read.fixed and read.width:
        anchor = known if known is not None else read.watermark or 0
        return anchor + (time - anchor) // read.width * read.width
    return max(NO_BEGIN, time - read.width) if known is None else known


async def _bucket_end(connection: Connection, shape: Shape, read: _Read, time: int) -> int:
    if read.fixed and read.width:
        return await _bucket_start(connection, shape, read, time) + read.width
    known = await _bucket_beside(connection, shape, read, time, "min", ">")
    return min(NO_END, time + read.width) if known is None else known


async def _bucket_beside(
    connection: Connection, shape: Shape, read: _Read, time: int, which: str, compared: str
) -> int | None:
    query = sql.SQL("SELECT {}(pg_catalog.{}({t})) FROM {} WHERE {t} {} {}").format(
        _internal(shape),
        sql.Identifier(which),
        read.mat,
        sql.SQL(compared),
        time_as_sql(shape, read.time_type, time),
        t=sql.Identifier(read.time),
    )
    found = (await rows(connection, query))[0][0]
    return None if found is None else int(found)


def _merged(spans: list[tuple[int, int]], first: int, until: int) -> list[tuple[int, int]]:
    """Ranges in order, clipped to what the type can hold and what was ever refreshed."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(spans):
        low, high = max(low, first), min(high, until - 1)
        if low > high:
            continue
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return merged


@dataclass(frozen=True, slots=True)
class _Times:
    """A column of times."""

    relation: sql.Identifier
    column: str
    type: str


async def _computable(
    connection: Connection, shape: Shape, read: _Read, low: int, high: int
) -> bool:
    raw = _Times(read.raw, read.raw_time, read.raw_time_type)
    if await _any(connection, shape, raw, low, high):
        return True
    if not await _any(connection, shape, _Times(read.mat, read.time, read.time_type), low, high):
        return False
    # Rows that were deleted leave their chunks, and the next refresh removes their buckets.
    given = (high, low, read.raw_dimension, high, low)
    covered = (await rows(connection, _covered(shape), given))[0][0]
    return bool(covered > high - low)


def _covered(shape: Shape) -> str:
    """How much of a range the chunks of what is read cover."""
    return f"""
SELECT COALESCE(pg_catalog.sum(LEAST(c.range_end::numeric, %s::numeric + 1)
                               - GREATEST(c.range_start, %s)), 0)
FROM (SELECT DISTINCT s.range_start, s.range_end FROM {live_slices(shape)}
      AND s.dimension_id = %s AND s.range_start <= %s AND s.range_end > %s) c"""


async def _any(connection: Connection, shape: Shape, times: _Times, low: int, high: int) -> bool:
    """Is there a row in this range?"""
    time = sql.Identifier(times.column)
    bounds: list[sql.Composable] = [sql.SQL("true")]
    if low > first_time(times.type):
        bounds.append(sql.SQL("{} >= {}").format(time, _bound(shape, times.type, low)))
    if high < NO_END and times.type == "uuid":
        bounds.append(sql.SQL("{} < {}").format(time, _bound(shape, times.type, high + 1)))
    elif high < NO_END:
        bounds.append(sql.SQL("{} <= {}").format(time, _bound(shape, times.type, high)))
    query = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {})").format(
        times.relation, sql.SQL(" AND ").join(bounds)
    )
    return bool((await rows(connection, query))[0][0])


def _bound(shape: Shape, time_type: str, time: int) -> sql.Composable:
    if time_type == "uuid":
        return sql.SQL(first_uuid(-(-time // 1000)))
    return time_as_sql(shape, time_type, time)


_CONVERT = {
    "timestamp with time zone": "to_timestamp",
    "timestamp without time zone": "to_timestamp_without_timezone",
    "date": "to_date",
}


def time_as_sql(shape: Shape, time_type: str, time: int) -> sql.Composable:
    """SQL of an internal time as a value of its type."""
    if time_type in _CONVERT:
        function = shape.function(_CONVERT[time_type])
        return sql.SQL("{}({}::bigint)").format(sql.Identifier(*function.split(".")), time)
    return sql.SQL("{}::{}").format(time, sql.SQL(time_type))
