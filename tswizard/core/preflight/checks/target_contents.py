"""What is on the target already, and what of its surroundings it lacks."""

from collections.abc import AsyncIterator, Iterator

from tswizard.core.catalog.own_schema import OWN_SCHEMA, read_own_schema
from tswizard.core.db.connection import connected
from tswizard.core.model.finding import Finding
from tswizard.core.model.prepared import Prepared
from tswizard.core.model.wording import plural
from tswizard.core.preflight.check import AnyCheck, Check, Side, Trial
from tswizard.core.preflight.wording import fail, look, passed, some


def _empty(prepared: Prepared) -> Iterator[Finding]:
    target = prepared.target_inventory
    if not target.user_objects:
        yield passed("target-empty", "The target is empty.", where=prepared.target.label)
        return
    caggs = {cagg.label for cagg in target.caggs}
    there = [f"hypertable {h.label}" for h in target.hypertables if h.label not in caggs]
    there += [f"continuous aggregate {label}" for label in sorted(caggs)]
    there += [f"{table.kind} {table.label}" for table in target.tables]
    there += [f"sequence {s.schema}.{s.name}" for s in target.sequences]
    there += target.extras.objects
    if target.large_objects:
        there.append(plural(target.large_objects, "large object"))
    yield fail(
        "target-not-empty",
        f"The target is not empty: {some(there)}.",
        where=prepared.target.label,
        why="A migration creates every object; what is there already would clash or be mixed with "
        "it. Nothing of it was touched.",
        todo="Use a new service or another database, or drop these objects yourself.",
        details=there,
    )


def _tablespaces(prepared: Prepared) -> Iterator[Finding]:
    there = set(prepared.target_inventory.extras.all_tablespaces)
    missing = sorted(set(prepared.inventory.extras.tablespaces) - there)
    if missing:
        yield look(
            "tablespaces",
            f"Tablespaces that the target lacks: {some(missing)}.",
            where=prepared.target.label,
            why="What is in them on the source goes to the target's default tablespace, and they "
            "are not attached to hypertables there, so that new chunks can be created. Timescale "
            "Cloud has no tablespaces.",
            todo="Nothing, unless you need them: then create them on the target first, or attach "
            "others afterward: SELECT attach_tablespace('…', '…');",
            details=missing,
        )


async def _own_schema(prepared: Prepared) -> AsyncIterator[Finding]:
    async with connected(prepared.target) as target:
        schema = await read_own_schema(target)
    if schema.taken:
        yield fail(
            "target-schema-taken",
            f"The target has a schema {OWN_SCHEMA} that {schema.taken}.",
            where=prepared.target.label,
            why="tswizard keeps the record of a run in a schema of that name, and drops it at the "
            "end. This one was not touched.",
            todo=f"Rename it (ALTER SCHEMA {OWN_SCHEMA} RENAME TO …;), or drop it if nobody needs "
            "it. If an earlier run of tswizard created it, connect as its owner.",
        )


TARGET_CONTENT_CHECKS: tuple[AnyCheck, ...] = (
    Check(gives=("target-empty", "target-not-empty"), run=_empty, blocks_trials=(Side.TARGET,)),
    Check(gives=("tablespaces",), run=_tablespaces, settled_by_check=True),
    Trial(gives=("target-schema-taken",), run=_own_schema, side=Side.TARGET),
)
