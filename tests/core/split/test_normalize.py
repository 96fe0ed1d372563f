"""Schemas of two versions of TimescaleDB in one form."""

import json
from dataclasses import replace

from tswizard.core.catalog.catalog_shape import Shape
from tswizard.core.model.finding import Level
from tswizard.core.split.schema.hypertable_facts import HypertableFacts
from tswizard.core.split.schema.normalize import End, normalize
from tswizard.core.verify.schema.catalog_sql import Catalogs
from tswizard.core.verify.schema.compare import compare_schemas
from tswizard.core.verify.schema.not_migrated import NotMigrated
from tswizard.core.verify.schema.read import Object, ObjectKey, Schema

SLICES = {"hypertable": "public.loads", "row": {"status": 0}, "slices": {"site": "0 to 715827882"}}

CATALOGS = Catalogs(Shape({}, frozenset()), {})


def end(check: str, chunk: str) -> End:
    objects = {
        ObjectKey("chunk", chunk): Object(json.dumps(SLICES)),
        ObjectKey("check", f"{chunk}.c"): Object(json.dumps({"definition": check}), chunk),
    }
    facts = HypertableFacts(
        schema="public", name="loads", dimensions=(), compression=None, quoted="public.loads"
    )
    schema = Schema(
        objects=objects,
        labels={},
        roles=frozenset(),
        catalogs=CATALOGS,
        major=15,
        timescaledb=None,
    )
    return schema, (facts,)


def differences(there: str) -> list[str]:
    here = "CHECK ((_timescaledb_internal.get_partition_hash(site) < 715827882))"
    ends = normalize(
        end(here, "i._hyper_1_1_chunk"), end(there, "i._hyper_4_9_chunk"), NotMigrated()
    )
    return [difference.key.kind for difference in compare_schemas(*ends).differences]


def test_a_partition_function_is_the_same_in_its_old_schema_and_its_new_one() -> None:
    assert not differences("CHECK ((_timescaledb_functions.get_partition_hash(site) < 715827882))")
    assert differences("CHECK ((_timescaledb_functions.get_partition_hash(site) < 7))")


def test_a_chunk_that_is_frozen_on_the_source_alone_needs_a_look() -> None:
    here, facts = end("CHECK (true)", "i._hyper_1_1_chunk")
    frozen = Object(json.dumps(SLICES | {"row": {"status": 4}}))
    key = ObjectKey("chunk", "i._hyper_1_1_chunk")
    ends = normalize(
        (replace(here, objects={**here.objects, key: frozen}), facts),
        (here, facts),
        NotMigrated(),
    )
    (difference,) = compare_schemas(*ends).differences
    assert (difference.state, difference.level) == ("differs", Level.LOOK)
    assert "frozen is False instead of True" in difference.words


def index(chunk: str, definition: str) -> End:
    (schema, facts) = end("CHECK (true)", chunk)
    key = ObjectKey("index", f"{chunk}_idx")
    text = f"CREATE INDEX {chunk}_idx ON {chunk} USING {definition}"
    found = Object(json.dumps({"definition": text, "valid": True}), chunk)
    return replace(schema, objects={**schema.objects, key: found}), facts


def test_storage_parameters_of_a_chunks_index_need_a_look() -> None:
    ends = normalize(
        index("i._hyper_1_1_chunk", "btree (v) WHERE (v > 1)"),
        index("i._hyper_4_9_chunk", "btree (v) WITH (fillfactor='50') WHERE (v > 1)"),
        NotMigrated(),
    )
    (difference,) = compare_schemas(*ends).differences
    assert (difference.state, difference.level) == ("differs", Level.LOOK)
    assert "storage_parameters is fillfactor='50' instead of nothing" in difference.words


def test_comments_on_what_is_not_migrated_are_not_expected() -> None:
    schema, facts = end("CHECK (true)", "i._hyper_1_1_chunk")
    comments = {
        ObjectKey("comment", "publication news"): Object("{}"),
        ObjectKey("comment", "subscription old"): Object("{}"),
        ObjectKey("security-label", "selinux on publication news"): Object("{}"),
        ObjectKey("comment", "table public.publication"): Object("{}"),
    }
    here = replace(schema, objects={**schema.objects, **comments}), facts
    ends = normalize(here, (schema, facts), NotMigrated())
    missing = [difference.key.name for difference in compare_schemas(*ends).differences]
    assert missing == ["table public.publication"]
