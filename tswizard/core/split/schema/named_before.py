"""What preflight has named before the run is no difference of the check."""

import json
from collections.abc import Iterator
from dataclasses import replace

from tswizard.core.catalog.hazard_model import Hazards
from tswizard.core.verify.schema.read import Object, ObjectKey, Schema

_NOT_VALID = " NOT VALID"


def without_named(schema: Schema, hazards: Hazards) -> Schema:
    """One end's schema, normalized, without the chunks of hypertables whose rows the target routes,
    and without telling whether a CHECK that rows violate is valid."""
    routed = tuple(f"{_plain(*key)} " for key in hazards.routed)
    unfulfilled = {_plain(*t.key) for t in hazards.late_checks if t.violated}
    if not routed and not unfulfilled:
        return schema
    return replace(schema, objects=dict(_objects(schema, routed, unfulfilled)))


def _objects(
    schema: Schema, routed: tuple[str, ...], unfulfilled: set[str]
) -> Iterator[tuple[ObjectKey, Object]]:
    for key, found in schema.objects.items():
        name = key.name.replace('"', "")
        about, on, chunk = name.rpartition(" on chunk ")
        table = chunk if on else name
        if (on or key.kind == "chunk") and table.startswith(routed or "\0"):
            continue
        if key.kind == "check" and _table(about, chunk, name) in unfulfilled:
            definition = {
                part: text.removesuffix(_NOT_VALID) if isinstance(text, str) else text
                for part, text in found.definition.items()
                if part != "validated"
            }
            text = json.dumps(definition, sort_keys=True, ensure_ascii=False)
            yield ObjectKey(key.kind, key.name.replace(_NOT_VALID, "")), replace(found, text=text)
        else:
            yield key, found


def _table(about: str, chunk: str, name: str) -> str:
    """The table of a check: `schema.table slices` of a chunk's, else `schema.table.name`."""
    return chunk.partition(" ")[0] if about else name.rpartition(".")[0]


def _plain(schema: str, name: str) -> str:
    return f"{schema}.{name}".replace('"', "")
