"""What a split migration by hand has to know of both databases, read when the runbook is written.

What changes from one day to the next (chunks, watermarks, sequences) is not among it: the script
reads that itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tswizard.core.catalog.catalog_shape import Shape, read_shape
from tswizard.core.catalog.constraints import read_constraints
from tswizard.core.catalog.inventory import Constraint
from tswizard.core.db.connection import connected, value
from tswizard.core.db.versions import version_key
from tswizard.core.model.kept_history import kept_caggs
from tswizard.core.model.plan import Task
from tswizard.core.split.caggs.refresh import Refresh
from tswizard.core.split.copy.chunks import dimension_search_path
from tswizard.core.split.plan.piece import Piece, PieceKind, SourceTable, Stage
from tswizard.core.split.plan.planner import plan_pieces
from tswizard.core.split.policies.statements import JobApi, read_job_api
from tswizard.core.split.schema.cagg_facts import CaggFacts, read_cagg_facts
from tswizard.core.split.schema.constraints import TableName, compressed_last
from tswizard.core.split.schema.early_keys import early_keys
from tswizard.core.split.schema.hypertable_facts import (
    HypertableFacts,
    TimescaleApi,
    read_api,
    read_hypertable_facts,
)
from tswizard.core.split.schema.index_flags import HypertableIndex, read_hypertable_indexes
from tswizard.core.steps.by_hand import Ends, read_ends

_TRIGGER = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n
  ON n.oid = p.pronamespace WHERE p.proname = 'continuous_agg_invalidation_trigger'
  AND n.nspname IN ('_timescaledb_functions', '_timescaledb_internal'))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitFacts:
    """All of it."""

    ends: Ends
    schema: str
    """Of TimescaleDB's functions on the target."""
    version: tuple[int, ...]
    """Of TimescaleDB on the target."""
    here: Shape
    there: Shape
    """The catalogs of source and target."""
    hypertables: tuple[HypertableFacts, ...]
    constraints: tuple[Constraint, ...]
    early_keys: tuple[Constraint, ...]
    """Primary keys that precede the chunks."""
    indexes: tuple[HypertableIndex, ...]
    caggs: Mapping[str, CaggFacts]
    tables: tuple[tuple[SourceTable, Piece], ...]
    """Plain tables, partitions and configuration of extensions, each with its one piece."""
    copied: tuple[SourceTable, ...]
    """Hypertables and materializations whose rows are copied."""
    large_objects: bool
    api: TimescaleApi
    jobs: JobApi
    refresh: Refresh
    triggers: bool
    """The target logs changes by triggers (up to 2.22)."""
    search_path: str
    """With which a chunk can be created: of dimensions with types of the user."""

    @property
    def later_constraints(self) -> tuple[Constraint, ...]:
        return tuple(c for c in self.constraints if c not in self.early_keys)

    @property
    def compressed(self) -> frozenset[TableName]:
        return frozenset(table.key for table in self.hypertables if table.compression)

    @property
    def last(self) -> frozenset[TableName]:
        """Hypertables that can be compressed only when all constraints exist."""
        return compressed_last(self.constraints, self.compressed)

    @property
    def unique_first(self) -> tuple[HypertableIndex, ...]:
        """Unique indexes that have to precede compression (before 2.18)."""
        if not self.before(2, 18):
            return ()
        return tuple(
            index
            for index in self.indexes
            if index.unique and index.definition and (index.schema, index.table) in self.compressed
        )

    def before(self, *version: int) -> bool:
        """Is the target's TimescaleDB older than this?"""
        return self.version < version


async def read_split_facts(task: Task) -> SplitFacts:
    """Read it. Raises CannotConnect, psycopg.Error."""
    schema = task.target_server.timescaledb_schema or "public"
    kept = [cagg.label for cagg in kept_caggs(task.inventory, task.answers)]
    ends = await read_ends(task)
    async with connected(task.source, row_security=False) as source:
        here = await read_shape(source)
        planned = await plan_pieces(source, slice_tables=False, caggs=kept)
        hypertables = await read_hypertable_facts(source)
        constraints = await read_constraints(source) if here.timescaledb else ()
        indexes = await read_hypertable_indexes(source) if here.timescaledb else ()
        caggs = await read_cagg_facts(source)
        search_path = await dimension_search_path(source)
    async with connected(task.target) as target:
        there = await read_shape(target)
        api = await read_api(target, schema)
        jobs = await read_job_api(target, schema)
        refresh = await Refresh.of(target, schema)
        triggers = bool(await value(target, _TRIGGER))
    plan = planned.plan
    plain = [p for p in plan.pieces if p.stage is Stage.TABLES]
    return SplitFacts(
        ends=ends,
        schema=schema,
        version=version_key(task.target_server.timescaledb or ""),
        here=here,
        there=there,
        hypertables=hypertables,
        constraints=constraints,
        early_keys=early_keys(constraints, task.inventory, task.target_server),
        indexes=indexes,
        caggs=caggs,
        tables=tuple((plan.table_of(p), p) for p in plain if p.kind is not PieceKind.OBJECTS),
        copied=tuple(table for table in plan.tables if table.hypertable),
        large_objects=any(p.kind is PieceKind.OBJECTS for p in plain),
        api=api,
        jobs=jobs,
        refresh=refresh,
        triggers=triggers,
        search_path=search_path,
    )
