"""Which entries of the schema's dump are restored when: before the rows, after them, after the
continuous aggregates, or not at all.

To pg_dump a continuous aggregate is a view, and its `CREATE VIEW` fails where its materialization
is missing: it has to be created by TimescaleDB. What depends on one (views on it, materialized
views, functions, rules, grants, comments, indexes) can only be restored afterward; pg_dump's own
dependencies tell what that is.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from tswizard.core.catalog.catalog_shape import CAGG, Shape, read_shape
from tswizard.core.catalog.chunk_users import bound_to_chunks
from tswizard.core.catalog.hypertables import chunk_relations
from tswizard.core.catalog.tables import extension_schema
from tswizard.core.db.connection import Connection, batch, connected
from tswizard.core.db.identifiers import literal
from tswizard.core.db.toc import ON_EVENT_TRIGGERS
from tswizard.core.dump.toc import (
    PG_CLASS,
    PG_CONSTRAINT,
    PG_EXTENSION,
    PG_TRIGGER,
    POST,
    PRE,
    DumpEntry,
    Toc,
)
from tswizard.core.run.context import Context
from tswizard.core.split.schema.dump import read_schema_toc
from tswizard.core.split.schema.hypertable_facts import HYPERTABLE_OIDS

_TABLES = frozenset({"TABLE", "FOREIGN TABLE", "SEQUENCE", "TABLE ATTACH"})

_MARKS = frozenset({"ACL", "COMMENT", "SECURITY LABEL"})
"""What can be restored as soon as its continuous aggregate exists."""


_TABLE_PARTS = frozenset(
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
"""What belongs to one table and is excluded with it."""

_CAGGS = f"""
SELECT c.oid::bigint, g.user_view_schema || '.' || g.user_view_name
FROM {CAGG} g
JOIN pg_catalog.pg_namespace n ON n.nspname = g.user_view_schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = g.user_view_name
"""

# TimescaleDB creates its own triggers; ts_cagg_invalidation_trigger carries the source's ID of
# the hypertable.
_TRIGGERS = """
SELECT t.oid::bigint
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = t.tgfoid
  AND d.deptype = 'e'
JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid AND e.extname = 'timescaledb'
WHERE NOT t.tgisinternal
"""

_CONSTRAINTS = f"""
SELECT oid::bigint FROM pg_catalog.pg_constraint
WHERE contype IN ('p', 'u', 'x', 'f', 'c')
  AND (conrelid IN ({HYPERTABLE_OIDS}) OR (contype = 'f' AND confrelid IN ({HYPERTABLE_OIDS})))
"""

# pg_dump sets the replica identity by ALTER TABLE ONLY in the entry of the index itself: a
# hypertable refuses it, and the index is rolled back with it.
_REPLICA_IDENTITIES = f"""
SELECT indexrelid::bigint FROM pg_catalog.pg_index
WHERE indisreplident AND indrelid IN ({HYPERTABLE_OIDS})
"""

_CHUNKS = """
SELECT DISTINCT c.oid::bigint
FROM ({}) k CROSS JOIN LATERAL (VALUES (k.rel), (k.comp)) AS part (oid)
JOIN pg_catalog.pg_class c ON c.oid = part.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT {}
"""

# As pg_dump names what it writes grants for. A function of the user may have the name of one of the
# extension's, with other arguments: then none of that name is left out.
EXTENSION_GRANTS = """
WITH member AS (
  SELECT d.classid, d.objid FROM pg_catalog.pg_depend d
  JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
  WHERE d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.deptype = 'e'
    AND e.extname = 'timescaledb'
)
SELECT n.nspname || k.kind || c.relname || k.after
FROM member m JOIN pg_catalog.pg_class c ON c.oid = m.objid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN (VALUES (' TABLE ', ' '), (' SEQUENCE ', ' '), (' COLUMN ', '.')) k (kind, after)
WHERE m.classid = 'pg_catalog.pg_class'::regclass
UNION
SELECT n.nspname || k.kind || p.proname || '('
FROM member m JOIN pg_catalog.pg_proc p ON p.oid = m.objid
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
CROSS JOIN (VALUES (' FUNCTION '), (' PROCEDURE '), (' AGGREGATE ')) k (kind)
WHERE m.classid = 'pg_catalog.pg_proc'::regclass AND NOT EXISTS (
  SELECT FROM pg_catalog.pg_proc o
  WHERE o.pronamespace = p.pronamespace AND o.proname = p.proname
    AND o.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_catalog.pg_proc'::regclass))
UNION
SELECT n.nspname || ' TYPE ' || t.typname || ' '
FROM member m JOIN pg_catalog.pg_type t ON t.oid = m.objid
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
WHERE m.classid = 'pg_catalog.pg_type'::regclass
UNION
SELECT '- SCHEMA ' || n.nspname || ' '
FROM member m JOIN pg_catalog.pg_namespace n ON n.oid = m.objid
WHERE m.classid = 'pg_catalog.pg_namespace'::regclass
"""

# An owner can revoke its own privileges, and pg_dump writes that down. Not by has_table_privilege:
# a superuser has all. MAINTAIN is left out, which an older server's tables lack.
_RESTRICTED = """
SELECT o.catalog, o.oid
FROM (
  SELECT 'pg_catalog.pg_class'::regclass::oid::bigint, c.oid::bigint, c.relowner, c.relacl,
    pg_catalog.acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner)
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relacl IS NOT NULL AND n.nspname !~ '^(pg_|_timescaledb_|information_schema$)'
  UNION ALL
  SELECT 'pg_catalog.pg_namespace'::regclass::oid::bigint, oid::bigint, nspowner, nspacl,
    pg_catalog.acldefault('n', nspowner)
  FROM pg_catalog.pg_namespace
  WHERE nspacl IS NOT NULL
  UNION ALL
  SELECT 'pg_catalog.pg_proc'::regclass::oid::bigint, p.oid::bigint, proowner, proacl,
    pg_catalog.acldefault('f', proowner)
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  WHERE proacl IS NOT NULL AND n.nspname !~ '^(pg_|_timescaledb_|information_schema$)'
) o (catalog, oid, owner, acl, usual)
WHERE EXISTS (
  SELECT FROM pg_catalog.aclexplode(o.usual) u
  WHERE u.grantee = o.owner AND u.privilege_type <> 'MAINTAIN' AND NOT EXISTS (
    SELECT FROM pg_catalog.aclexplode(o.acl) a
    WHERE a.grantee = o.owner AND a.privilege_type = u.privilege_type))
"""

_TIMESCALE = "SELECT oid::bigint FROM pg_catalog.pg_extension WHERE extname = 'timescaledb'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusions:
    """OIDs of the source's objects that pg_restore must not create: it would fail, or the target
    has them already."""

    caggs: Mapping[int, str] = field(default_factory=dict)
    """View of a continuous aggregate -> its name."""
    triggers: frozenset[int] = frozenset()
    """TimescaleDB's own, on tables of the user."""
    constraints: frozenset[int] = frozenset()
    """Of hypertables, and foreign keys that point to one."""
    indexes: frozenset[int] = frozenset()
    """Of hypertables, used as replica identity."""
    timescaledb: frozenset[int] = frozenset()
    """The extension itself."""
    chunks: frozenset[int] = frozenset()
    """Chunks, where a hypertable keeps them in a schema of the user."""
    chunk_users: frozenset[tuple[int, int]] = frozenset()
    """Catalog and OID of what depends on a chunk: on the target it would be another one."""
    restricted: frozenset[tuple[int, int]] = frozenset()
    """Catalog and OID of what its owner has revoked privileges on from itself."""
    extension_grants: tuple[str, ...] = ()
    """What entries of grants on TimescaleDB's own objects begin with."""


async def read_exclusions(source: Connection) -> Exclusions:
    """Read them from the source."""
    shape = await read_shape(source)
    if not shape.timescaledb:
        return Exclusions()
    queries = (
        _CAGGS,
        EXTENSION_GRANTS,
        _TRIGGERS,
        _CONSTRAINTS,
        _REPLICA_IDENTITIES,
        _TIMESCALE,
        _CHUNKS.format(chunk_relations(shape), extension_schema()),
        bound_to_chunks(shape),
        _RESTRICTED,
    )
    caggs, grants, *oids, users, restricted = await batch(source, queries)
    triggers, constraints, indexes, timescaledb, chunks = (
        frozenset(oid for (oid,) in found) for found in oids
    )
    return Exclusions(
        caggs=dict(caggs),
        triggers=triggers,
        constraints=constraints,
        indexes=indexes,
        timescaledb=timescaledb,
        chunks=chunks,
        chunk_users=frozenset((catalog, oid) for catalog, oid in users),
        restricted=frozenset((catalog, oid) for catalog, oid in restricted),
        extension_grants=tuple(name for (name,) in grants),
    )


def special_query(shape: Shape, caggs: Collection[str]) -> str:
    """Text `mark catalog oid` of every object in `Exclusions`: `cagg` for the continuous aggregates
    that are migrated, `left-out` for others, `timescaledb`, `chunk`, and `skip`."""
    if not shape.timescaledb:
        return "SELECT NULL WHERE false"
    names = ", ".join(map(literal, caggs)) or "NULL"
    marked = (
        (f"CASE WHEN label IN ({names}) THEN 'cagg' ELSE 'left-out' END", PG_CLASS, _CAGGS),
        ("'skip'", PG_TRIGGER, _TRIGGERS),
        ("'skip'", PG_CONSTRAINT, _CONSTRAINTS),
        ("'skip'", PG_CLASS, _REPLICA_IDENTITIES),
        ("'timescaledb'", PG_EXTENSION, _TIMESCALE),
        ("'chunk'", PG_CLASS, _CHUNKS.format(chunk_relations(shape), extension_schema())),
    )
    return "\nUNION ALL\n".join(
        [
            f"SELECT {mark}, {catalog}, q.oid FROM (\n{query.strip()}\n) q "
            f"(oid{', label' * (n == 0)})"
            for n, (mark, catalog, query) in enumerate(marked)
        ]
        + [f"SELECT 'skip', q.* FROM (\n{bound_to_chunks(shape).strip()}\n) q"]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The dump's entries by when they are restored."""

    pre: tuple[DumpEntry, ...]
    """Before the rows."""
    event_triggers: tuple[DumpEntry, ...]
    """Last of all, since they fire at whatever changes the schema."""
    post: tuple[DumpEntry, ...]
    """After the rows."""
    late_grants: tuple[DumpEntry, ...]
    """Behind those: with them the owner could no longer write rows, or create indexes."""
    cagg_dependents: tuple[DumpEntry, ...]
    """After the continuous aggregates, and after them default privileges."""
    required_caggs: Mapping[int, frozenset[str]]
    """Entry of `cagg_dependents` -> names of the continuous aggregates that it depends on."""
    caggs: frozenset[str]
    """Names of all continuous aggregates of the source."""
    chunk_users: tuple[DumpEntry, ...]
    """Not restored: what depends on a chunk, directly or not."""
    on_caggs: Mapping[int, str]
    """Entry of `cagg_dependents` that is a grant or a comment on a continuous aggregate -> its
    name."""

    @property
    def dependent_tables(self) -> tuple[DumpEntry, ...]:
        """Tables and sequences among the dependents: their rows could not be copied in time."""
        return tuple(entry for entry in self.cagg_dependents if entry.kind in _TABLES)

    def missing_caggs(self, entry: DumpEntry, existing: Collection[str]) -> frozenset[str]:
        """Continuous aggregates that a dependent needs beside the existing ones."""
        return self.required_caggs.get(entry.id, frozenset()).difference(existing)


async def read_selection(ctx: Context) -> Selection:
    """Read the dump and the source. Raises StepFailed, CannotConnect, psycopg.Error."""
    async with connected(ctx.task.source) as source:
        exclusions = await read_exclusions(source)
    return select_entries(await read_schema_toc(ctx), exclusions)


def select_entries(toc: Toc, exclusions: Exclusions) -> Selection:
    """Sort a dump's entries."""
    required = cagg_requirements(toc, exclusions.caggs)
    views = _views(toc, exclusions.caggs)
    excluded = _excluded(toc, exclusions)
    users = _with_dependents(toc, exclusions.chunk_users) - excluded
    restored = [e for e in toc.entries if e.id not in excluded and e.id not in users]
    # Default privileges would add to the grants of what is created after them.
    last = {e.id for e in restored if e.kind == "DEFAULT ACL"} if required else set()
    grants = _late_grants(toc, exclusions.restricted) - required.keys() - last
    waiting = required.keys() | last | grants
    now = [entry for entry in restored if entry.id not in waiting]
    events = [entry for entry in now if entry.text.startswith(ON_EVENT_TRIGGERS)]
    return Selection(
        pre=tuple(entry for entry in now if entry.section == PRE),
        post=tuple(entry for entry in now if entry.section == POST and entry not in events),
        event_triggers=tuple(events),
        late_grants=tuple(e for e in restored if e.id in grants),
        cagg_dependents=tuple(e for e in restored if e.id in required or e.id in last),
        required_caggs=required,
        caggs=frozenset(exclusions.caggs.values()),
        chunk_users=tuple(entry for entry in toc.entries if entry.id in users),
        on_caggs={
            entry.id: views[dependency]
            for entry in restored
            for dependency in entry.depends_on
            if entry.kind in _MARKS and dependency in views
        },
    )


def _late_grants(toc: Toc, restricted: Collection[tuple[int, int]]) -> set[int]:
    """Grants on what its owner may not use in every way."""
    ids = {entry.id for entry in toc.entries if (entry.catalog, entry.oid) in restricted}
    return {e.id for e in toc.entries if e.kind == "ACL" and e.depends_on & ids}


def cagg_requirements(toc: Toc, caggs: Mapping[int, str]) -> dict[int, frozenset[str]]:
    """Entry -> continuous aggregates that it depends on, directly or not. The continuous
    aggregates' own entries are not among them."""
    dependents = _dependents(toc)
    views = _views(toc, caggs)
    found: dict[int, set[str]] = {}
    for id, name in views.items():
        todo = [id]
        while todo:
            for dependent in dependents.get(todo.pop(), ()):
                if dependent in views or name in found.setdefault(dependent, set()):
                    continue
                found[dependent].add(name)
                todo.append(dependent)
    return {id: frozenset(names) for id, names in found.items() if names}


def _dependents(toc: Toc) -> dict[int, list[int]]:
    """Entry -> those that depend on it."""
    dependents: dict[int, list[int]] = {}
    for entry in toc.entries:
        for dependency in entry.depends_on:
            dependents.setdefault(dependency, []).append(entry.id)
    return dependents


def _with_dependents(toc: Toc, objects: Collection[tuple[int, int]]) -> frozenset[int]:
    """The entries of these objects (catalog, OID), and of what depends on them."""
    todo = [e.id for e in toc.entries if (e.catalog, e.oid) in objects]
    if not todo:
        return frozenset()
    found, dependents = set(todo), _dependents(toc)
    while todo:
        new = [id for id in dependents.get(todo.pop(), ()) if id not in found]
        found.update(new)
        todo += new
    return frozenset(found)


def _views(toc: Toc, caggs: Mapping[int, str]) -> dict[int, str]:
    """Entry -> the continuous aggregate that it is."""
    return {e.id: caggs[e.oid] for e in toc.entries if e.catalog == PG_CLASS and e.oid in caggs}


def _excluded(toc: Toc, exclusions: Exclusions) -> frozenset[int]:
    """IDs of entries that pg_restore must not be given."""
    by_catalog = {
        PG_CLASS: exclusions.indexes | frozenset(exclusions.caggs),
        PG_TRIGGER: exclusions.triggers,
        PG_CONSTRAINT: exclusions.constraints,
        PG_EXTENSION: exclusions.timescaledb,
    }
    found = {e.id for e in toc.entries if e.oid in by_catalog.get(e.catalog, ())}
    extension = {e.id for e in toc.entries if e.catalog == PG_EXTENSION and e.id in found}
    # Only the extension's owner may comment on it.
    found |= {e.id for e in toc.entries if e.kind == "COMMENT" and e.depends_on & extension}
    # Grants on the extension's own objects are the target's; another version has other objects.
    found |= {
        e.id
        for e in toc.entries
        if e.kind == "ACL" and e.rest.startswith(exclusions.extension_grants)
    }
    # Materialized views are filled by a step of their own (steps/refresh_views.py).
    found |= {e.id for e in toc.entries if e.kind == "MATERIALIZED VIEW DATA"}
    return frozenset(found | _chunks(toc, exclusions.chunks))


def _chunks(toc: Toc, chunks: frozenset[int]) -> set[int]:
    """Chunks and whatever is part of one."""
    found = {e.id for e in toc.entries if e.catalog == PG_CLASS and e.oid in chunks}
    for _ in range(3):  # a constraint, an attached index, a comment on one
        found |= {e.id for e in toc.entries if e.kind in _TABLE_PARTS and e.depends_on & found}
    return found
