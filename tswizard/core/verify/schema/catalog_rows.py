"""Rows of TimescaleDB's own catalog that pg_dump dumps and that belong to no named object.

Invalidation logs, watermarks, thresholds, names of chunk constraints, sizes: losing one of them
shows later, as a continuous aggregate that is silently stale or a chunk that cannot be dropped. The
tables are those that the extension declares as its configuration (pg_extension.extconfig). The
checksum of each table is compared first; rows are fetched only where it differs.
"""

from collections import Counter
from dataclasses import dataclass

from psycopg import sql

from tswizard.core.db.concurrency import both
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
VOLATILE = "continuous_aggs_"
"""Tables with this prefix change with every write and every refresh on the source."""

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
    source: DatabaseReader, target: DatabaseReader
) -> tuple[tuple[CatalogDifference, ...], int]:
    """The differences, and how many rows the source has in these tables."""
    tables = {
        name: condition for name, condition in await source.fetch(_TABLES) if name not in _ELSEWHERE
    }
    there = {name for (name, _) in await target.fetch(_TABLES)}
    differences = []
    total = 0
    for name, condition in tables.items():
        if name not in there:
            continue  # another version of the extension, which is reported as such
        ours, theirs = await both(
            _digest(source, name, condition), _digest(target, name, condition)
        )
        total += ours[0]
        if ours != theirs:
            differences.append(await _difference(source, target, name, condition))
    return tuple(d for d in differences if d.missing or d.extra), total


def _from(name: str, condition: str) -> sql.Composed:
    return sql.SQL("FROM {} t {}").format(
        sql.Identifier("_timescaledb_catalog", name), sql.SQL(condition)
    )


async def _digest(reader: DatabaseReader, name: str, condition: str) -> tuple[int, int]:
    query = sql.SQL("SELECT pg_catalog.count(*), {} ").format(
        hash_of(sql.SQL("pg_catalog.to_jsonb(t)::text"))
    )
    found = await reader.fetch(query + _from(name, condition))
    return int(found[0][0]), int(found[0][1])


async def _difference(
    source: DatabaseReader, target: DatabaseReader, name: str, condition: str
) -> CatalogDifference:
    ours, theirs = await both(_rows(source, name, condition), _rows(target, name, condition))
    return CatalogDifference(
        name,
        tuple(sorted((ours - theirs).elements())),
        tuple(sorted((theirs - ours).elements())),
    )


async def _rows(reader: DatabaseReader, name: str, condition: str) -> Counter[str]:
    count = await reader.fetch(sql.SQL("SELECT pg_catalog.count(*) ") + _from(name, condition))
    if count[0][0] > _MANY:
        return Counter([f"{count[0][0]} rows"])
    query = sql.SQL("SELECT pg_catalog.to_jsonb(t)::text ") + _from(name, condition)
    return Counter(row for (row,) in await reader.fetch(query))
