"""Both ends' schemas in a form in which a faithful split migration shows no difference.

The split method creates hypertables and chunks, perhaps on another version of TimescaleDB: IDs,
and with them the names of chunks and of their constraints, differ although nothing is lost. So
chunks are identified by their slices, objects of a chunk by their definitions, and what
TimescaleDB's catalog says of hypertables is read into one form from every version.
`verify.schema.compare` then compares the two as strictly as after a full migration.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, replace
from typing import Any

from tswizard.core.db.connection import Connection, Statement, batch
from tswizard.core.split.schema.cagg_facts import Caggs
from tswizard.core.split.schema.compression import without_defaults
from tswizard.core.split.schema.hypertable_facts import HypertableFacts
from tswizard.core.split.schema.toc_selection import Selection
from tswizard.core.verify.schema.not_migrated import NotMigrated
from tswizard.core.verify.schema.read import Object, ObjectKey, Schema

_FROM_FACTS = frozenset({"hypertable", "dimension", "compression-setting"})
_NOT_MIGRATED = frozenset({"job", "continuous-aggregate", "publication", "subscription"})
"""The steps report these as not migrated."""

_ON_NOT_MIGRATED = re.compile(r"(?:^|.* on )(?:publication|subscription) ", re.DOTALL)
"""Comments and security labels on those, and who owns them."""

_ON_CHUNKS = frozenset(
    {
        "index",
        "primary-key",
        "unique-constraint",
        "exclusion-constraint",
        "foreign-key",
        "check",
        "trigger",
        "rule",
    }
)

_OWN_TRIGGER = re.compile(r"EXECUTE FUNCTION _timescaledb_(?:functions|internal)\.")
# Before 2.12 the functions of space dimensions were in another schema.
_OLD_SCHEMA = re.compile(r"\b_timescaledb_internal\.(?=get_partition_(?:hash|for_key)\()")
_STORAGE = re.compile(r" WITH \(([^()]*)\)")
_INDEX = re.compile(r"^CREATE (UNIQUE )?INDEX .*? USING ", re.DOTALL)


# The comparison names rules and policies as parts of their table.
_IDENTITIES = r"""
SELECT CASE WHEN o.catalog IN ('pg_catalog.pg_rewrite'::regclass::oid::bigint,
    'pg_catalog.pg_policy'::regclass::oid::bigint)
  THEN pg_catalog.regexp_replace(i.identity, '^(.*) on (.*)$', '\2.\1') ELSE i.identity END
FROM ROWS FROM (
  pg_catalog.unnest(%s::bigint[]), pg_catalog.unnest(%s::bigint[])) AS o (catalog, oid)
CROSS JOIN LATERAL pg_catalog.pg_identify_object(o.catalog::oid, o.oid::oid, 0) i
WHERE i.identity IS NOT NULL
"""

_FUNCTIONS = """
SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.proname) || '('
  || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')'
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.oid::bigint = ANY (%s::bigint[])
"""

_CAGGS = """
SELECT pg_catalog.quote_ident(user_view_schema) || '.' || pg_catalog.quote_ident(user_view_name)
FROM _timescaledb_catalog.continuous_agg
WHERE NOT user_view_schema || '.' || user_view_name = ANY (%s::text[])
"""


async def read_not_migrated(
    source: Connection, chosen: Selection, existing: Iterable[str]
) -> NotMigrated:
    """Continuous aggregates that the target lacks (`existing` are those it has), what depends on
    them, and what depends on a chunk."""
    caggs = frozenset(existing)
    absent = (e for e in chosen.cagg_dependents if chosen.missing_caggs(e, caggs))
    missing = [e for e in (*chosen.chunk_users, *absent) if e.catalog and e.oid]
    catalogs, oids = [entry.catalog for entry in missing], [entry.oid for entry in missing]
    asked: list[Statement] = [(_IDENTITIES, (catalogs, oids)), (_FUNCTIONS, (oids,))]
    if chosen.caggs:
        asked.append((_CAGGS, (list(caggs),)))
    of_objects, of_functions, *of_caggs = await batch(source, asked)
    identities = {name for found in (of_objects, *of_caggs) for (name,) in found}
    return NotMigrated(frozenset(identities), frozenset(name for (name,) in of_functions))


End = tuple[Schema, tuple[HypertableFacts, ...]]
"""One end's schema, and what only its hypertables tell."""


def normalize(
    source: End,
    target: End,
    not_migrated: NotMigrated,
    caggs: tuple[Caggs, Caggs] = (Caggs(), Caggs()),
) -> tuple[Schema, Schema]:
    """Source and target, ready to be compared."""
    ours, theirs = _comparable_facts(source[1], target[1])
    caggs = caggs[0], caggs[1].without_defaults(caggs[0])
    chunks = [
        _chunks(source[0], ours, caggs[0].with_rows),
        _chunks(target[0], theirs, caggs[1].with_rows),
    ]
    # Versions differ in which objects of a compressed chunk are on its compressed table.
    plain = [{chunk.name for chunk in end.values() if not chunk.compressed} for end in chunks]
    both = plain[0] & plain[1]
    normalized = _normalize(source[0], ours, caggs[0], chunks[0], both)
    objects = {key: o for key, o in normalized.objects.items() if not not_migrated.has(key)}
    there = _normalize(target[0], theirs, caggs[1], chunks[1], both)
    return replace(normalized, objects=objects), there


def _comparable_facts(
    source: Iterable[HypertableFacts], target: Iterable[HypertableFacts]
) -> tuple[tuple[HypertableFacts, ...], tuple[HypertableFacts, ...]]:
    """Without settings that the target chose by itself, and without adaptive chunk intervals of
    the source, which are reported where the hypertable is created."""
    wanted = {facts.quoted: facts for facts in source}
    theirs = tuple(
        replace(
            facts,
            compression=without_defaults(facts.compression, ours.compression),
            adaptive=facts.adaptive and not ours.adaptive,
        )
        if (ours := wanted.get(facts.quoted)) is not None
        else facts
        for facts in target
    )
    return tuple(replace(facts, adaptive=False) for facts in wanted.values()), theirs


@dataclass(frozen=True, slots=True)
class _Chunk:
    name: str
    """Hypertable and slices."""
    compressed: bool
    frozen: bool
    """By freeze_chunk(): nothing is to be written to it (bit 4 of its status)."""


def _chunks(
    schema: Schema, hypertables: Iterable[HypertableFacts], with_rows: Mapping[str, str]
) -> dict[str, _Chunk]:
    """Relation of a chunk -> the chunk, of the user's hypertables and of continuous aggregates
    whose rows were copied."""
    users = {facts.quoted: facts.quoted for facts in hypertables} | dict(with_rows)
    found = {}
    for key, chunk in schema.objects.items():
        if key.kind != "chunk":
            continue
        definition = chunk.definition
        table, row = str(definition["hypertable"]), definition["row"]
        if table not in users or row.get("dropped"):
            continue
        slices = json.dumps(definition.get("slices"), sort_keys=True, ensure_ascii=False)
        found[key.name] = _Chunk(
            name=f"{users[table]} {slices}",
            compressed=bool(row["status"] & 1),
            frozen=bool(row["status"] & 4),
        )
    return found


def chunk_keys(
    schema: Schema, hypertables: Iterable[HypertableFacts], caggs: Caggs
) -> dict[str, ObjectKey]:
    """Relation of a chunk, quoted where necessary -> its key once `normalize` has been called."""
    chunks = _chunks(schema, hypertables, caggs.with_rows)
    return {relation: ObjectKey("chunk", chunk.name) for relation, chunk in chunks.items()}


def _normalize(
    schema: Schema,
    hypertables: Iterable[HypertableFacts],
    caggs: Caggs,
    chunks: Mapping[str, _Chunk],
    plain: set[str],
) -> Schema:
    """One end. Of chunks' objects it keeps those of plain chunks: not compressed on either end."""
    objects = dict(_hypertable_objects(hypertables))
    for cagg in caggs.facts.values():
        objects[ObjectKey("continuous-aggregate", cagg.quoted)] = _object(cagg.compared)
    for relation, chunk in chunks.items():
        table = schema.objects.get(ObjectKey("table", relation))
        definition = {
            "compressed": chunk.compressed,
            "frozen": chunk.frozen,
            "row_security": bool(table and table.definition.get("row_security")),
        }
        objects[ObjectKey("chunk", chunk.name)] = _object(definition)
    for key, found in schema.objects.items():
        if key.kind in _FROM_FACTS or key.kind in _NOT_MIGRATED or key.kind == "chunk":
            continue
        if key.kind in ("comment", "security-label", "grant") and _ON_NOT_MIGRATED.match(key.name):
            continue
        if key.kind == "trigger" and _OWN_TRIGGER.search(found.definition["definition"]):
            continue
        if found.part is not None:
            on = chunks.get(found.part)
            if on is not None and on.name in plain and key.kind in _ON_CHUNKS:
                objects |= _object_of_chunk(key, found, on.name)
        elif key.kind == "view" and ObjectKey("continuous-aggregate", key.name) in schema.objects:
            # What the user wrote is compared as the continuous aggregate's definition; the view
            # reads the materialization, in the words of each version.
            objects[key] = _object({k: v for k, v in found.definition.items() if k != "definition"})
        elif key == ObjectKey("extension", "timescaledb"):
            objects[key] = _object({k: v for k, v in found.definition.items() if k != "version"})
        else:
            objects[key] = found
    return replace(schema, objects=objects)


def _object_of_chunk(key: ObjectKey, found: Object, chunk: str) -> dict[ObjectKey, Object]:
    """An object of a chunk under its definition, since its name holds an ID."""
    assert found.part is not None
    definition = dict(found.definition)
    text = str(definition.pop("definition"))
    if key.kind == "index":
        unique = _INDEX.match(text)
        text = _INDEX.sub("UNIQUE " if unique and unique[1] else "", text)
        storage = _STORAGE.search(text)
        text = _STORAGE.sub("", text, count=1)
        # `reordered_chunk_findings` reports chunks that are marked as clustered.
        definition = {k: definition.get(k) for k in ("valid", "replica_identity")}
        definition["storage_parameters"] = storage[1] if storage else None
    elif not key.name.startswith(f"{found.part}."):
        return {}  # the chunk's copy of a foreign key that points to the hypertable
    text = _OLD_SCHEMA.sub("_timescaledb_functions.", text)
    text = text.replace(f" {found.part} ", " the chunk ")
    return {ObjectKey(key.kind, f"{text} on chunk {chunk}"): _object(definition)}


def _hypertable_objects(
    hypertables: Iterable[HypertableFacts],
) -> Iterable[tuple[ObjectKey, Object]]:
    for facts in hypertables:
        table = facts.quoted
        definition = {
            "chunks_schema": facts.associated_schema,
            "chunks_prefix": facts.associated_prefix,
            "compression": facts.compression is not None,
            "adaptive": facts.adaptive,
            "chunk_skipping": list(facts.skipping),
        }
        yield ObjectKey("hypertable", table), _object(definition)
        for number, dimension in enumerate(facts.dimensions, 1):
            yield (
                ObjectKey("dimension", f"{table}.{dimension.quoted}"),
                _object(
                    {
                        "number": number,
                        "interval": dimension.interval_sql,
                        "partitions": dimension.partitions,
                        "function": dimension.partitioning_function,
                        "integer_now": dimension.integer_now,
                    }
                ),
            )
        if facts.compression is not None:
            settings = {
                "segmentby": list(facts.compression.segmentby),
                "orderby": [list(astuple(column)) for column in facts.compression.orderby],
                "merge_interval": facts.compression.merge_interval,
            }
            yield ObjectKey("compression-setting", table), _object(settings)


def _object(definition: Mapping[str, Any]) -> Object:
    return Object(json.dumps(definition, sort_keys=True, ensure_ascii=False))
