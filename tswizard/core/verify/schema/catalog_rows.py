"""Rows of TimescaleDB's own catalog that pg_dump dumps and that belong to no named object.

Invalidation logs, watermarks, thresholds, names of chunk constraints, sizes: losing one of them
shows later, as a continuous aggregate that is silently stale or a chunk that cannot be dropped. The
tables are those that the extension declares as its configuration (pg_extension.extconfig). The
checksum of each table is compared first; rows are fetched only where it differs.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from psycopg import sql

from tswizard.core.db.concurrency import both
from tswizard.core.db.connection import batch
from tswizard.core.verify.database_reader import DatabaseReader
from tswizard.core.verify.rows.checksum import hash_of

# Compared as named objects, or about this server only: its identity, running refreshes.
_ELSEWHERE = (
    "hypertable",
    "dimension",
    "chunk",
    "continuous_agg",
    "continuous_aggs_bucket_function",
    "compression_settings",
    "hypertable_compression",
    "bgw_job",
    "metadata",
    "continuous_aggs_jobs_refresh_ranges",
    "chunk_rewrite",
    "remote_txn",
)
VOLATILE = (
    "continuous_aggs_",
    "dimension_slice",
    "chunk_constraint",
    "chunk_index",
    "compression_chunk_size",
)
"""Tables with these prefixes change with writes (which create chunks) and refreshes on the source.
Chunks with their slices, constraints and state are compared as objects too."""

_TABLES = """
SELECT c.relname::text, x.condition
FROM pg_catalog.pg_extension e
CROSS JOIN LATERAL unnest(e.extconfig, e.extcondition) AS x (oid, condition)
JOIN pg_catalog.pg_class c ON c.oid = x.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE e.extname = 'timescaledb' AND n.nspname = '_timescaledb_catalog' AND c.relkind = 'r'
ORDER BY 1
"""
_MANY = 20_000
"""Most rows of one table that are compared one by one."""


@dataclass(frozen=True, slots=True)
class CatalogDifference:
    """One table of the catalog whose rows differ; rows as JSON."""

    table: str
    missing: tuple[str, ...]
    extra: tuple[str, ...]


async def compare_catalog_rows(
    source: DatabaseReader, target: DatabaseReader, without: Mapping[str, Collection[int]]
) -> tuple[tuple[CatalogDifference, ...], int]:
    """The differences, and how many rows the source has in these tables.

    Rows of the source with one of these ids in a column, or in one of that table, do not count
    (`without`: `column` or `table.column` -> ids).
    """
    (known,), (theirs, spaces_there) = await both(
        source.run(lambda c: batch(c, (_TABLES,))),
        target.run(lambda c: batch(c, (_TABLES, "SELECT spcname::text FROM pg_tablespace"))),
    )
    tables = {name: condition for name, condition in known if name not in _ELSEWHERE}
    there = {name for (name, _) in theirs}
    spaces = [name for (name,) in spaces_there]
    compared: dict[str, tuple[sql.Composed, sql.Composed]] = {}
    for name, condition in tables.items():
        if name not in there:
            continue  # another version of the extension, which is reported as such
        own = _rows_of(name, condition, without)
        if name == "tablespace":  # those that the target lacks are detached there
            own = sql.SQL(
                "SELECT o.row FROM ({}) o WHERE o.row ->> 'tablespace_name' = ANY ({})"
            ).format(own, sql.Literal(spaces))
        compared[name] = own, _rows_of(name, condition, {})
    digests = await both(
        _digests(source, [own for own, _ in compared.values()]),
        _digests(target, [other for _, other in compared.values()]),
    )
    differences = []
    for (name, (own, other)), here, found in zip(compared.items(), *digests, strict=True):
        if here != found:
            missing, extra = await both(_rows(source, own), _rows(target, other))
            differences.append(
                CatalogDifference(
                    name,
                    tuple(sorted((missing - extra).elements())),
                    tuple(sorted((extra - missing).elements())),
                )
            )
    total = sum(count for count, _ in digests[0])
    return tuple(d for d in differences if d.missing or d.extra), total


def _rows_of(name: str, condition: str, without: Mapping[str, Collection[int]]) -> sql.Composed:
    """SQL of one table's rows as JSON."""
    excluded = [
        sql.SQL("COALESCE((r.row ->> {})::bigint = ANY ({}::bigint[]), false)").format(
            sql.Literal(column), sql.Literal(sorted(ids))
        )
        for table, _, column in (key.rpartition(".") for key in without)
        if table in ("", name) and (ids := without[f"{table}.{column}" if table else column])
    ]
    kept = sql.SQL(
        "SELECT r.row FROM (SELECT pg_catalog.to_jsonb(t) AS row FROM {} t {}) r"
    ).format(sql.Identifier("_timescaledb_catalog", name), sql.SQL(condition))
    if not excluded:
        return kept
    return kept + sql.SQL(" WHERE NOT ({})").format(sql.SQL(" OR ").join(excluded))


async def _digests(reader: DatabaseReader, tables: Sequence[sql.Composed]) -> list[tuple[int, int]]:
    digest = hash_of(sql.SQL("t.row::text"))
    select = sql.SQL("SELECT pg_catalog.count(*), {} FROM ({}) t")
    queries = [select.format(digest, rows) for rows in tables]
    found = await reader.run(lambda connection: batch(connection, queries))
    return [(int(count), int(sum)) for ((count, sum),) in found]


async def _rows(reader: DatabaseReader, rows: sql.Composed) -> Counter[str]:
    count = await reader.fetch(sql.SQL("SELECT pg_catalog.count(*) FROM ({}) t").format(rows))
    if count[0][0] > _MANY:
        return Counter([f"{count[0][0]} rows"])
    query = sql.SQL("SELECT t.row::text FROM ({}) t").format(rows)
    return Counter(row for (row,) in await reader.fetch(query))
