"""Both ends' schemas brought to a form in which a split migration leaves no difference.

The split method makes hypertables and chunks anew, perhaps on another version of TimescaleDB:
ids, and with them the names of chunks and of their constraints, differ although nothing is lost.
So chunks go by their slices, what hangs on a chunk goes by its definition, and what TimescaleDB
says of hypertables is read in one form from every version. `verify.schema.compare` then compares
the two as strictly as ever.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tswizard.core.db.connection import Connection, rows
from tswizard.core.split.schema.compression import without_defaults
from tswizard.core.split.schema.hypertable_facts import HypertableFacts
from tswizard.core.split.schema.toc_selection import Selection
from tswizard.core.verify.schema.read import Object, ObjectKey, Schema

_FROM_FACTS = frozenset({"hypertable", "dimension", "compression-setting"})
_NAMED_ELSEWHERE = frozenset({"job", "continuous-aggregate", "publication", "subscription"})
"""Not carried by these steps, and named by the step that leaves them out."""

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
# An aggregate reads its materialization, whose name holds an id.
_MATERIALIZATION = re.compile(r"(_materialized_hypertable_|cagg_watermark\()\d+")
_INDEX = re.compile(r"^CREATE (UNIQUE )?INDEX .*? USING ", re.DOTALL)


@dataclass(frozen=True, slots=True)
class NotMigrated:
    """Objects of the source that are not on the target, and are named as such elsewhere."""

    identities: frozenset[str] = frozenset()
    """As pg_identify_object prints them: quoted, functions with the types of their arguments."""
    functions: frozenset[str] = frozenset()
    """Functions with names and types of their arguments."""

    def has(self, key: ObjectKey) -> bool:
        """Is this one of them, or part of one?"""
        if key.name in self.functions or key.name in self.identities:
            return True
        if key.kind in ("grant", "comment", "security-label"):
            return any(_is_about(key.name, identity) for identity in self.identities)
        return any(key.name.startswith(f"{identity}.") for identity in self.identities)


def _is_about(name: str, identity: str) -> bool:
    """Names like `view column s.v.c`, `rule r on s.v`, `table s.v` begin with the kind's words."""
    return name.endswith(f" {identity}") or f" {identity}." in name


_WAITING = """
SELECT i.identity FROM ROWS FROM (
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
    source: Connection, chosen: Selection, there: Iterable[str]
) -> NotMigrated:
    """Aggregates that the target lacks (`there` are those it has), and what waits for them."""
    carried = frozenset(there)
    waiting = [e for e in chosen.later if e.catalog and e.oid and not chosen.waits[e.id] <= carried]
    oids = [entry.oid for entry in waiting]
    identities = {
        name for (name,) in await rows(source, _WAITING, ([e.catalog for e in waiting], oids))
    }
    if chosen.caggs:
        identities |= {name for (name,) in await rows(source, _CAGGS, (list(carried),))}
    functions = {name for (name,) in await rows(source, _FUNCTIONS, (oids,))}
    return NotMigrated(frozenset(identities), frozenset(functions))


def normalize(
    ours: tuple[Schema, tuple[HypertableFacts, ...]],
    theirs: tuple[Schema, tuple[HypertableFacts, ...]],
    left_out: NotMigrated,
) -> tuple[Schema, Schema]:
    """Source and target, each with its hypertables' facts, ready to be compared."""
    theirs = theirs[0], _without_defaults(ours[1], theirs[1])
    ours = ours[0], tuple(replace(fact, adaptive=False) for fact in ours[1])
    chunks = [_chunks(*end) for end in (ours, theirs)]
    # What hangs on a compressed chunk moves to its compressed table, by rules of each version.
    plain = [{chunk.name for chunk in end.values() if not chunk.compressed} for end in chunks]
    both = plain[0] & plain[1]
    source, target = (
        _alike(schema, facts, end, both)
        for (schema, facts), end in zip((ours, theirs), chunks, strict=True)
    )
    kept = {key: found for key, found in source.objects.items() if not left_out.has(key)}
    return replace(source, objects=kept), target


def _without_defaults(
    ours: Iterable[HypertableFacts], theirs: Iterable[HypertableFacts]
) -> tuple[HypertableFacts, ...]:
    """Without what the target chose by itself, and without what only the source may have (an
    interval that adapts itself is named where the hypertable is made)."""
    wanted = {fact.quoted: fact for fact in ours}
    return tuple(
        replace(
            fact,
            compression=without_defaults(fact.compression, our.compression),
            adaptive=fact.adaptive and not our.adaptive,
        )
        if (our := wanted.get(fact.quoted)) is not None
        else fact
        for fact in theirs
    )


@dataclass(frozen=True, slots=True)
class _Chunk:
    name: str
    """Hypertable and slices."""
    compressed: bool


def _chunks(schema: Schema, facts: Iterable[HypertableFacts]) -> dict[str, _Chunk]:
    """Chunks of the user's hypertables by their relations' names."""
    users = {fact.quoted for fact in facts}
    found = {}
    for key, chunk in schema.objects.items():
        if key.kind != "chunk":
            continue
        definition = chunk.definition
        table, row = str(definition["hypertable"]), definition["row"]
        if table not in users or row.get("dropped"):
            continue
        slices = json.dumps(definition.get("slices"), sort_keys=True, ensure_ascii=False)
        found[key.name] = _Chunk(f"{table} {slices}", bool(row["status"] & 1))
    return found


def _alike(
    schema: Schema,
    facts: Iterable[HypertableFacts],
    chunks: Mapping[str, _Chunk],
    compared: set[str],
) -> Schema:
    objects = dict(_of_facts(facts))
    for relation, chunk in chunks.items():
        table = schema.objects.get(ObjectKey("table", relation))
        definition = {
            "compressed": chunk.compressed,
            "row_security": bool(table and table.definition.get("row_security")),
        }
        objects[ObjectKey("chunk", chunk.name)] = _object(definition)
    for key, found in schema.objects.items():
        if key.kind in _FROM_FACTS or key.kind in _NAMED_ELSEWHERE or key.kind == "chunk":
            continue
        if key.kind == "trigger" and _OWN_TRIGGER.search(found.definition["definition"]):
            continue
        if found.part is not None:
            on = chunks.get(found.part)
            if on is not None and on.name in compared and key.kind in _ON_CHUNKS:
                objects |= _on_chunk(key, found, on.name)
        elif key.kind == "view" and ObjectKey("continuous-aggregate", key.name) in schema.objects:
            objects[key] = Object(_MATERIALIZATION.sub(r"\1", found.text))
        elif key == ObjectKey("extension", "timescaledb"):
            objects[key] = _object({k: v for k, v in found.definition.items() if k != "version"})
        else:
            objects[key] = found
    return replace(schema, objects=objects)


def _on_chunk(key: ObjectKey, found: Object, chunk: str) -> dict[ObjectKey, Object]:
    """An object of a chunk by what it is, since names hold ids."""
    assert found.part is not None
    definition = dict(found.definition)
    text = str(definition.pop("definition"))
    if key.kind == "index":
        unique = _INDEX.match(text)
        text = _INDEX.sub("UNIQUE " if unique and unique[1] else "", text)
        # The clustered mark of a single chunk is `marks.reordered`'s to name.
        definition = {k: definition.get(k) for k in ("valid", "replica_identity")}
    elif not key.name.startswith(f"{found.part}."):
        return {}  # the chunk's copy of a key that points to the hypertable
    text = text.replace(f" {found.part} ", " the chunk ")
    return {ObjectKey(key.kind, f"{text} on chunk {chunk}"): _object(definition)}


def _of_facts(facts: Iterable[HypertableFacts]) -> Iterable[tuple[ObjectKey, Object]]:
    for fact in facts:
        table = fact.quoted
        definition = {
            "chunks_schema": fact.associated_schema,
            "chunks_prefix": fact.associated_prefix,
            "compression": fact.compression is not None,
            "adaptive": fact.adaptive,
            "chunk_skipping": list(fact.skipping),
        }
        yield ObjectKey("hypertable", table), _object(definition)
        for number, dimension in enumerate(fact.dimensions, 1):
            yield (
                ObjectKey("dimension", f"{table}.{dimension.quoted}"),
                _object(
                    {
                        "number": number,
                        "interval": dimension.interval,
                        "partitions": dimension.partitions,
                        "function": dimension.function,
                        "integer_now": dimension.integer_now,
                    }
                ),
            )
        if fact.compression is not None:
            settings = {
                "segmentby": list(fact.compression.segmentby),
                "orderby": [list(column) for column in fact.compression.orderby],
                "merge_interval": fact.compression.merge_interval,
            }
            yield ObjectKey("compression-setting", table), _object(settings)


def _object(definition: Mapping[str, Any]) -> Object:
    return Object(json.dumps(definition, sort_keys=True, ensure_ascii=False))
