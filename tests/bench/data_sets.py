"""What is migrated: each set as the statements with which its owner fills a source."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

_CPU_COLUMNS = (
    "user",
    "system",
    "idle",
    "nice",
    "iowait",
    "irq",
    "softirq",
    "steal",
    "guest",
    "guest_nice",
)

_CPU = (
    "CREATE TABLE public.cpu (time timestamptz NOT NULL, tags_id int, hostname text, "
    + ", ".join(f"usage_{column} float8" for column in _CPU_COLUMNS)
    + ")"
)


@dataclass(frozen=True, slots=True)
class DataSet:
    """One database to migrate."""

    name: str
    title: str
    statements: Callable[[int], Iterator[str]]
    """SQL in order, each its own transaction, for a size in `unit`."""
    size: int
    unit: str
    hypertables: tuple[tuple[str, str, str], ...] = ()
    """(table, time column, chunk interval), as a person creates them again by hand."""


def _cpu_rows(interval: str, days: int) -> Iterator[str]:
    yield _CPU
    yield (
        "SELECT public.create_hypertable('public.cpu', 'time', "
        f"chunk_time_interval => interval '{interval}', create_default_indexes => false)"
    )
    values = ", ".join(f"r * {n}" for n in range(1, len(_CPU_COLUMNS) + 1))
    yield (
        f"INSERT INTO public.cpu SELECT t, h, 'host_' || h, {values} "
        "FROM generate_series('2024-01-01 00:00+00'::timestamptz, "
        f"'2024-01-01 00:00+00'::timestamptz + interval '{days} days' - interval '10 seconds', "
        "'10 seconds') t, generate_series(1, 100) h, "
        "LATERAL (SELECT ((extract(epoch FROM t)::bigint * 7919 + h * 104729) % 1000003)"
        " / 1000.0::float8 AS r) x"
    )


def _rows(days: int) -> Iterator[str]:
    yield from _cpu_rows("12 hours", days)
    yield "VACUUM (ANALYZE) public.cpu"


def _compressed(days: int) -> Iterator[str]:
    yield from _cpu_rows("6 hours", days)
    yield (
        "ALTER TABLE public.cpu SET (timescaledb.compress, timescaledb.compress_segmentby = "
        "'tags_id, hostname', timescaledb.compress_orderby = 'time')"
    )
    yield (
        "SELECT public.compress_chunk(c) FROM "
        "(SELECT c FROM public.show_chunks('public.cpu') c ORDER BY c::text "
        f"LIMIT {days * 4 - max(1, days // 5)}) x"
    )
    yield "VACUUM (ANALYZE) public.cpu"


_HYPERTABLES = 20
_TABLES = 280
# An hour's chunk holds so many rows.
_PER_CHUNK = 40


def _chunks(chunks: int, references: str = "REFERENCES public.device") -> Iterator[str]:
    """Each chunk has six entries in a dump's table of contents: itself, its rows, a primary key,
    two indexes and, with `references`, a foreign key."""
    yield "CREATE TABLE public.device (id int PRIMARY KEY, name text NOT NULL)"
    yield (
        "INSERT INTO public.device SELECT n, 'device ' || n "
        f"FROM generate_series(1, {_PER_CHUNK}) n"
    )
    for n in range(_HYPERTABLES):
        table = f"public.metric_{n:02}"
        yield (
            f"CREATE TABLE {table} (at timestamptz NOT NULL, device int NOT NULL "
            f"{references}, value float8, note text, PRIMARY KEY (device, at))"
        )
        yield (
            f"SELECT public.create_hypertable('{table}', 'at', "
            "chunk_time_interval => interval '1 hour')"
        )
        yield f"CREATE INDEX metric_{n:02}_value ON {table} (value)"
        hours = chunks // _HYPERTABLES
        # A transaction holds locks on all chunks that it creates, and a server has only so many.
        for first in range(0, hours, 100):
            yield (
                f"INSERT INTO {table} SELECT '2024-01-01 00:30+00'::timestamptz + "
                "h * interval '1 hour', d, random(), 'note ' || d || ' of hour ' || h "
                f"FROM generate_series({first}, {min(hours, first + 100) - 1}) h, "
                f"generate_series(1, {_PER_CHUNK}) d"
            )
    for n in range(_TABLES - 1):
        table = f"public.plain_{n:03}"
        yield f"CREATE TABLE {table} (id int PRIMARY KEY, name text, device int {references})"
        yield f"CREATE INDEX ON {table} (name)"
        yield (
            f"INSERT INTO {table} SELECT n, 'row ' || n, 1 + n % {_PER_CHUNK} "
            "FROM generate_series(1, 100) n"
        )
    yield "ANALYZE"


def _large_objects(count: int) -> Iterator[str]:
    """Small ones: what they cost one by one is what is to be seen."""
    for first in range(1, count + 1, 2000):
        yield (
            "SELECT count(lo_from_bytea(0, convert_to(repeat('object ' || n || ' ', 10), 'UTF8')))"
            f" FROM generate_series({first}, {min(count, first + 1999)}) n"
        )
    yield "CREATE TABLE public.document (id int PRIMARY KEY, content oid)"
    yield (
        "INSERT INTO public.document SELECT row_number() OVER (), oid FROM pg_largeobject_metadata"
    )


def _plain(millions: int) -> Iterator[str]:
    yield "CREATE TABLE public.event (id bigint PRIMARY KEY, at timestamptz, body text)"
    for n in range(millions):
        yield (
            "INSERT INTO public.event SELECT n, '2024-01-01'::timestamptz + n * interval '1 s', "
            "md5(n::text) || repeat('x', 60) "
            f"FROM generate_series({n} * 1000000 + 1, {n + 1} * 1000000) n"
        )
    yield "VACUUM (ANALYZE) public.event"


def _chunks_without_keys(chunks: int) -> Iterator[str]:
    """Foreign keys to one table cost PostgreSQL the square of their number: without them."""
    return _chunks(chunks, references="")


_CPU_BY_HAND = ("public.cpu", "time")
_METRICS_BY_HAND = tuple((f"public.metric_{n:02}", "at", "1 hour") for n in range(_HYPERTABLES))

DATA_SETS = (
    DataSet(
        "rows",
        "Rows in few chunks",
        _rows,
        5,
        "days of 864,000 rows",
        ((*_CPU_BY_HAND, "12 hours"),),
    ),
    DataSet(
        "chunks",
        "Many chunks and tables",
        _chunks,
        5000,
        "chunks",
        _METRICS_BY_HAND,
    ),
    DataSet(
        "chunks-without-keys",
        "Many chunks, no foreign keys",
        _chunks_without_keys,
        20_000,
        "chunks",
        _METRICS_BY_HAND,
    ),
    DataSet(
        "compressed",
        "95 % of the chunks compressed",
        _compressed,
        5,
        "days of 864,000 rows",
        ((*_CPU_BY_HAND, "6 hours"),),
    ),
    DataSet("large-objects", "Large objects", _large_objects, 200_000, "large objects"),
    DataSet("plain", "One plain table", _plain, 20, "million rows"),
)
