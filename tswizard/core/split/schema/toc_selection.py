"""What of a dump is restored when: before the rows, after them, after the aggregates, never.

A continuous aggregate is a view to pg_dump; `CREATE VIEW` of it fails where its materialization
is missing. The aggregate's own step makes it. What reads it (views on views, materialized views,
functions, rules, grants, comments, indexes) waits for that step: pg_dump's dependencies tell.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tswizard.core.catalog.catalog_shape import CAGG, read_shape
from tswizard.core.catalog.hypertables import chunk_relations
from tswizard.core.db.connection import Connection, connected, rows
from tswizard.core.run.context import Context
from tswizard.core.split.schema.dump import read_schema_toc
from tswizard.core.split.schema.toc import (
    CLASS,
    CONSTRAINT,
    POST,
    PRE,
    TRIGGER,
    DumpEntry,
    Toc,
)

EXTENSION = 3079
"""OID of pg_extension."""

_ROWS = frozenset({"TABLE", "FOREIGN TABLE", "SEQUENCE", "TABLE ATTACH"})

_PARTS = frozenset(
    {
        "ACL",
        "CHECK CONSTRAINT",
        "COMMENT",
        "CONSTRAINT",
        "DEFAULT",
        "FK CONSTRAINT",
        "INDEX",
        "INDEX ATTACH",
        "POLICY",
        "ROW SECURITY",
        "RULE",
        "SECURITY LABEL",
        "STATISTICS",
        "TRIGGER",
    }
)
"""What belongs to one table and goes with it."""

_CAGGS = f"""
SELECT c.oid::bigint, g.user_view_schema || '.' || g.user_view_name
FROM {CAGG} g
JOIN pg_catalog.pg_namespace n ON n.nspname = g.user_view_schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = g.user_view_name
"""

# AlreadyRestored by TimescaleDB itself, and the second one carries the source's own hypertable id.
_TRIGGERS = r"""
SELECT t.oid::bigint
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE NOT t.tgisinternal AND n.nspname LIKE '\_timescaledb\_%'
"""

HYPERTABLE_OIDS = """
SELECT c.oid FROM _timescaledb_catalog.hypertable h
JOIN pg_catalog.pg_namespace n ON n.nspname = h.schema_name
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = h.table_name
WHERE n.nspname <> '_timescaledb_internal'
"""
"""OIDs of the user's hypertables."""

_CONSTRAINTS = f"""
SELECT oid::bigint FROM pg_catalog.pg_constraint
WHERE contype IN ('p', 'u', 'x', 'f', 'c')
  AND (conrelid IN ({HYPERTABLE_OIDS}) OR (contype = 'f' AND confrelid IN ({HYPERTABLE_OIDS})))
"""

# pg_dump marks a replica identity by ALTER TABLE ONLY, which takes the index with it.
_MARKED = f"""
SELECT indexrelid::bigint FROM pg_catalog.pg_index
WHERE indisreplident AND indrelid IN ({HYPERTABLE_OIDS})
"""

_CHUNKS = r"""
SELECT DISTINCT c.oid::bigint
FROM ({}) k CROSS JOIN LATERAL (VALUES (k.rel), (k.comp)) AS part (oid)
JOIN pg_catalog.pg_class c ON c.oid = part.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^_timescaledb_'
"""

_TIMESCALE = "SELECT oid::bigint FROM pg_catalog.pg_extension WHERE extname = 'timescaledb'"


@dataclass(frozen=True, slots=True)
class Exclusions:
    """OIDs of the source's objects that a plain restore would break on."""

    caggs: Mapping[int, str]
    """View -> the aggregate's name."""
    triggers: frozenset[int]
    """TimescaleDB's own, on the user's tables."""
    constraints: frozenset[int]
    """Of hypertables, and foreign keys that point to one."""
    indexes: frozenset[int]
    """Of hypertables, marked as replica identity."""
    timescaledb: frozenset[int]
    """The extension itself, which the target has."""
    chunks: frozenset[int] = frozenset()
    """Chunks, where a hypertable keeps them in a schema of the user."""


async def read_exclusions(source: Connection) -> Exclusions:
    """Ask the source once."""
    shape = await read_shape(source)
    if not shape.timescaledb:
        return Exclusions({}, frozenset(), frozenset(), frozenset(), frozenset())
    return Exclusions(
        dict(await rows(source, _CAGGS)),
        await _oids(source, _TRIGGERS),
        await _oids(source, _CONSTRAINTS),
        await _oids(source, _MARKED),
        await _oids(source, _TIMESCALE),
        await _oids(source, _CHUNKS.format(chunk_relations(shape))),
    )


async def _oids(source: Connection, query: str) -> frozenset[int]:
    return frozenset(oid for (oid,) in await rows(source, query))


@dataclass(frozen=True, slots=True)
class Selection:
    """Entries by when they are restored."""

    pre: tuple[DumpEntry, ...]
    post: tuple[DumpEntry, ...]
    later: tuple[DumpEntry, ...]
    """After the aggregates."""
    waits: Mapping[int, frozenset[str]] = field(default_factory=dict)
    """Entry of `later` -> the aggregates that it waits for."""
    stuck: tuple[DumpEntry, ...] = ()
    """Of `later`: tables and sequences, whose rows would have to wait as well."""
    caggs: frozenset[str] = frozenset()
    """Aggregates of the source."""


async def read_selection(ctx: Context) -> Selection:
    """Read the dump and the source, and sort. Raises StepFailed."""
    async with connected(ctx.task.source) as source:
        exclusions = await read_exclusions(source)
    return select_entries(await read_schema_toc(ctx), exclusions)


def select_entries(toc: Toc, exclusions: Exclusions) -> Selection:
    """Sort a dump's entries."""
    waits = cagg_dependents(toc, exclusions.caggs)
    never = _never(toc, exclusions)
    kept = [entry for entry in toc.entries if entry.id not in never]
    later = tuple(entry for entry in kept if entry.id in waits)
    now = [entry for entry in kept if entry.id not in waits]
    return Selection(
        tuple(entry for entry in now if entry.section == PRE),
        tuple(entry for entry in now if entry.section == POST),
        later,
        waits,
        tuple(entry for entry in later if entry.kind in _ROWS),
        frozenset(exclusions.caggs.values()),
    )


def cagg_dependents(toc: Toc, caggs: Mapping[int, str]) -> dict[int, frozenset[str]]:
    """Entry -> aggregates that it reads, however indirectly; the aggregates themselves are not
    among the entries."""
    readers: dict[int, list[int]] = {}
    for entry in toc.entries:
        for needed in entry.needs:
            readers.setdefault(needed, []).append(entry.id)
    views = {e.id: caggs[e.oid] for e in toc.entries if e.catalog == CLASS and e.oid in caggs}
    found: dict[int, set[str]] = {}
    for id, name in views.items():
        todo = [id]
        while todo:
            for reader in readers.get(todo.pop(), ()):
                if reader in views or name in found.setdefault(reader, set()):
                    continue
                found[reader].add(name)
                todo.append(reader)
    return {id: frozenset(names) for id, names in found.items() if names}


def _never(toc: Toc, exclusions: Exclusions) -> frozenset[int]:
    """What a restore must not try: other steps make it, or the target has it."""
    by_catalog = {
        CLASS: exclusions.indexes | frozenset(exclusions.caggs),
        TRIGGER: exclusions.triggers,
        CONSTRAINT: exclusions.constraints,
        EXTENSION: exclusions.timescaledb,
    }
    found = {e.id for e in toc.entries if e.oid in by_catalog.get(e.catalog, ())}
    extension = {e.id for e in toc.entries if e.catalog == EXTENSION and e.id in found}
    # Its comment is the extension's own as well; only its owner may set it.
    found |= {e.id for e in toc.entries if e.kind == "COMMENT" and e.needs & extension}
    return frozenset(found | _chunks(toc, exclusions.chunks))


def _chunks(toc: Toc, chunks: frozenset[int]) -> set[int]:
    """Chunks' tables and all that is part of one. Views that read a chunk are not: their restore
    fails, and is judged."""
    found = {e.id for e in toc.entries if e.catalog == CLASS and e.oid in chunks}
    for _ in range(3):  # a constraint of it, an attachment or a comment of that
        found |= {e.id for e in toc.entries if e.kind in _PARTS and e.needs & found}
    return found
