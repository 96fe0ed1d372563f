"""The check of a full migration: everything, but what the user left out."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from tswizard.core.catalog.catalog_shape import (
    CAGG,
    CHUNK,
    DIMENSION_SLICE,
    HYPERTABLE,
    Shape,
    read_shape,
)
from tswizard.core.catalog.hypertables import chunk_relations
from tswizard.core.db.connection import Connection, connected, rows
from tswizard.core.model.object_selection import ObjectSet, left_out
from tswizard.core.run.context import Context
from tswizard.core.steps.compare import compare_ends
from tswizard.core.verify import Comparability
from tswizard.core.verify.database_reader import DatabaseReader
from tswizard.core.verify.rows.row_sets import RowSet
from tswizard.core.verify.schema.not_migrated import NotMigrated
from tswizard.core.verify.schema.read import Object, ObjectKey, Schema


async def check_restored(ctx: Context) -> None:
    """Compare both databases. What was left out and is gone is no difference."""
    out = left_out(ctx.task.inventory, ctx.task.answers)
    if not out:
        await compare_ends(ctx)
        return
    async with connected(ctx.task.source) as source:
        expected = await read_left_out(source, await read_shape(source), out)
    caggs = {cagg.label for cagg in out.caggs}
    dependents = {d.identity.replace('"', "") for d in out.dependents}

    async def schemas(
        _source: DatabaseReader, _target: DatabaseReader, ours: Schema, theirs: Schema
    ) -> tuple[Schema, Schema]:
        kept = {
            key: found
            for key, found in ours.objects.items()
            if key in theirs.objects or not expected.has(key, found)
        }
        return replace(ours, objects=kept), theirs

    def arrived(rows: RowSet) -> RowSet | None:
        return None if rows.name in (caggs if rows.of_cagg else dependents) else rows

    await compare_ends(ctx, Comparability(schemas, arrived, expected.ids))


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """What the source has of them, by the names and ids that a restore keeps."""

    objects: NotMigrated
    relations: frozenset[str]
    """Quoted: materializations, their chunks, the views behind continuous aggregates."""
    watched: frozenset[str]
    """Quoted: relations whose writes no continuous aggregate needs to know any more."""
    jobs: frozenset[str]
    ids: Mapping[str, Collection[int]]
    """As `Comparability.catalog` has them."""

    def has(self, key: ObjectKey, found: Object) -> bool:
        """Is this one of them, or part of one?"""
        if key.kind == "job":
            return key.name in self.jobs
        if key.kind == "trigger" and _INVALIDATION in found.text:
            relation = found.part or key.name.removesuffix(".ts_cagg_invalidation_trigger")
            return relation in self.watched or relation in self.relations
        return self.objects.has(key) or key.name in self.relations or found.part in self.relations


_INVALIDATION = "continuous_agg_invalidation_trigger"
_THRESHOLD = "continuous_aggs_invalidation_threshold"
_WRITES = "continuous_aggs_hypertable_invalidation_log"

_FUNCTIONS = """
SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.proname) || '('
  || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')'
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.oid = ANY (%s::regprocedure[])
"""

# Indexes and statistics objects of materialized views have names of their own.
_OWN = """
SELECT i.identity FROM pg_catalog.pg_depend x
CROSS JOIN LATERAL pg_catalog.pg_identify_object(x.classid, x.objid, 0) i
WHERE x.refclassid = 'pg_catalog.pg_class'::regclass AND x.refobjid = ANY (%s::regclass[])
  AND x.deptype IN ('a', 'i')
"""

_CAGGS = f"""
SELECT g.mat_hypertable_id, g.raw_hypertable_id,
  g.user_view_schema || '.' || g.user_view_name = ANY (%s),
  pg_catalog.format('%%I.%%I', g.user_view_schema, g.user_view_name),
  pg_catalog.format('%%I.%%I', g.partial_view_schema, g.partial_view_name),
  pg_catalog.format('%%I.%%I', g.direct_view_schema, g.direct_view_name)
FROM {CAGG} g
"""


async def read_left_out(source: Connection, shape: Shape, out: ObjectSet) -> LeftOut:
    """Read it from the source."""
    caggs = await rows(source, _CAGGS, ([cagg.label for cagg in out.caggs],))
    gone = [row for row in caggs if row[2]]
    kept_raw = {row[1] for row in caggs if not row[2]}
    hypertables = {row[0] for row in gone}
    if shape.has(HYPERTABLE, "compressed_hypertable_id"):
        hypertables |= await _ids(source, "compressed_hypertable_id", HYPERTABLE, "id", hypertables)
    unwatched = {row[1] for row in gone} - kept_raw
    chunks = await _ids(source, "id", CHUNK, "hypertable_id", hypertables)
    dimensions = await _ids(
        source, "id", "_timescaledb_catalog.dimension", "hypertable_id", hypertables
    )
    routines = [d.identity for d in out.dependents if "view" not in d.kind]
    functions = {name for (name,) in await rows(source, _FUNCTIONS, (routines,))}
    views = [d.identity for d in out.dependents if "view" in d.kind]
    identities = {d.identity for d in out.dependents} | {row[3] for row in gone}
    identities |= {name for (name,) in await rows(source, _OWN, (views,))}
    return LeftOut(
        objects=NotMigrated(frozenset(identities), frozenset(functions)),
        relations=frozenset(view for row in gone for view in row[4:])
        | await _relations(source, shape, hypertables),
        watched=await _relations(source, shape, unwatched),
        jobs=frozenset(str(job.id) for job in out.jobs),
        ids={
            "mat_hypertable_id": hypertables,
            "materialization_id": hypertables,
            "hypertable_id": hypertables,
            f"{_THRESHOLD}.hypertable_id": unwatched,
            f"{_WRITES}.hypertable_id": unwatched,
            "chunk_id": chunks,
            "compressed_chunk_id": chunks,
            "dimension_id": dimensions,
            "dimension_slice_id": await _ids(
                source, "id", DIMENSION_SLICE, "dimension_id", dimensions
            ),
            "job_id": {job.id for job in out.jobs},
        },
    )


async def _ids(
    source: Connection, wanted: str, table: str, column: str, ids: Collection[int]
) -> set[int]:
    query = f"SELECT {wanted} FROM {table} WHERE {column} = ANY (%s) AND {wanted} IS NOT NULL"
    return {id for (id,) in await rows(source, query, (list(ids),))}


async def _relations(
    source: Connection, shape: Shape, hypertables: Collection[int]
) -> frozenset[str]:
    """Quoted names of these hypertables and of all their chunks."""
    query = f"""
SELECT pg_catalog.format('%%I.%%I', h.schema_name, h.table_name) FROM {HYPERTABLE} h
WHERE h.id = ANY (%(ids)s)
UNION
SELECT pg_catalog.format('%%I.%%I', n.nspname, c.relname)
FROM ({chunk_relations(shape)}) k
CROSS JOIN LATERAL (VALUES (k.rel), (k.comp)) AS part (oid)
JOIN pg_catalog.pg_class c ON c.oid = part.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE k.hypertable_id = ANY (%(ids)s)
"""
    return frozenset(name for (name,) in await rows(source, query, {"ids": list(hypertables)}))
