"""Continuous aggregates that hinder what comes after the migration, or cannot be recreated."""

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping

from psycopg import Error

from tswizard.core.catalog.cagg_inputs import CaggInput, read_cagg_inputs
from tswizard.core.catalog.cagg_model import WINDOW_FUNCTIONS, Cagg
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.db.connection import Connection, atomically, batch, connected
from tswizard.core.db.errors import is_refusal, message_of
from tswizard.core.db.identifiers import identifier, literal, qualified
from tswizard.core.db.versions import version_key
from tswizard.core.model.finding import Finding
from tswizard.core.model.kept_history import lost_history
from tswizard.core.model.object_selection import chosen_caggs
from tswizard.core.model.prepared import Prepared
from tswizard.core.model.wording import plural
from tswizard.core.preflight.check import (
    FULL_ONLY,
    SPLIT_ONLY,
    AnyCheck,
    Check,
    Side,
    SourceCheck,
    Trial,
)
from tswizard.core.preflight.wording import fail, look, some

_EXPERIMENTAL = "time_bucket_ng("
_WITHOUT_NG = version_key("2.15")
_NO_TRIGGERS = version_key("2.14")
_BY_TIMESCALEDB = ("0A000", "22023")
"""Feature not supported, invalid parameter: what TimescaleDB says to a definition that it does not
take (tsl/src/continuous_aggs/common.c)."""


def _old_format(inventory: Inventory, where: str) -> Iterator[Finding]:
    old = [cagg.label for cagg in inventory.caggs if not cagg.finalized]
    if old:
        yield look(
            "old-continuous-aggregates",
            f"{some(old)}: continuous aggregate of the old format (finalized = false).",
            where=where,
            why="A full migration keeps it as it is, but later versions of TimescaleDB refuse "
            "it, so the target could not be updated.",
            todo="Convert it on the source first: CALL cagg_migrate('…');",
            details=old,
        )


def _same_name(inventory: Inventory, where: str) -> Iterator[Finding]:
    """Split knows them by `schema.name` without quotes, as users choose them in the answers."""
    named = defaultdict[str, list[str]](list)
    for cagg in inventory.caggs:
        named[cagg.label].append(cagg.sql)
    for hypertable in inventory.hypertables:
        if hypertable.cagg is None:
            named[hypertable.label].append(hypertable.sql)
    for table in inventory.tables:
        named[table.label].append(table.sql)
    caggs = {cagg.label for cagg in inventory.caggs}
    alike = [names for label, names in named.items() if label in caggs and len(names) > 1]
    if alike:
        yield fail(
            "cagg-same-name",
            f"{some([names[0] for names in alike])}: another relation has the same name without "
            "quotes.",
            where=where,
            why="A split migration tells continuous aggregates from each other by schema and name "
            "without quotes, so one of the two would be taken for the other.",
            todo="Rename one on the source: ALTER MATERIALIZED VIEW … RENAME TO …;",
            details=[" and ".join(names) for names in alike],
        )


def _history(prepared: Prepared) -> Iterator[Finding]:
    answers = prepared.answers
    lost = lost_history(prepared.inventory, answers)
    refused = [label for label in lost if not answers.may_lose_history(label)]
    accepted = [label for label in lost if label not in refused]
    if refused:
        yield fail(
            "history-would-be-lost",
            f"Recomputing would lose history of {plural(len(refused), 'continuous aggregate')}.",
            where=prepared.target.label,
            why="They have buckets whose raw rows no longer exist.",
            todo="Keep them (answer: history), or accept the loss of each by its name (answer: "
            f"lose_history): {json.dumps(refused, ensure_ascii=False)}",
            details=[f"{label}: {lost[label]}" for label in refused],
        )
    if accepted:
        yield look(
            "history-will-be-lost",
            f"History of {plural(len(accepted), 'continuous aggregate')} will be lost on the "
            "target, as you accepted.",
            where=prepared.target.label,
            why="They are recomputed, and have buckets whose raw rows no longer exist.",
            todo="Nothing, if that is meant; the source keeps them.",
            details=[f"{label}: {lost[label]}" for label in accepted],
        )


def _not_recreatable(prepared: Prepared) -> Iterator[Finding]:
    old = [c for c in chosen_caggs(prepared.inventory, prepared.answers) if not c.finalized]
    if old:
        yield fail(
            "cagg-old-format",
            f"{some([cagg.label for cagg in old])}: continuous aggregate of the old format "
            "(finalized = false).",
            where=prepared.source.label,
            why="The target cannot create one of that format.",
            todo="Convert it on the source first, or leave it out (caggs): "
            + " ".join(f"CALL cagg_migrate({literal(cagg.sql)});" for cagg in old),
            details=[cagg.label for cagg in old],
        )


def _experimental(prepared: Prepared) -> Iterator[Finding]:
    using = [c for c in _wanted(prepared) if _EXPERIMENTAL in c.definition]
    if using and version_key(prepared.target_inventory.server.timescaledb or "0") >= _WITHOUT_NG:
        yield fail(
            "cagg-time-bucket-ng",
            f"{some([cagg.label for cagg in using])}: continuous aggregate with time_bucket_ng().",
            where=prepared.source.label,
            why="TimescaleDB refuses that function in continuous aggregates from 2.15 on.",
            todo="Convert it on the source first, which takes TimescaleDB 2.15 there, or leave it "
            "out (caggs): "
            + " ".join(
                f"CALL _timescaledb_functions.cagg_migrate_to_time_bucket({literal(cagg.sql)});"
                for cagg in using
            ),
            details=[cagg.label for cagg in using],
        )


def _triggers(prepared: Prepared) -> Iterator[Finding]:
    caggs = chosen_caggs(prepared.inventory, prepared.answers)
    found = [(cagg, trigger) for cagg in caggs for trigger in cagg.triggers]
    if found and version_key(prepared.target_inventory.server.timescaledb or "0") >= _NO_TRIGGERS:
        yield look(
            "cagg-triggers",
            f"{plural(len(found), 'trigger')} on continuous aggregates will not be on the target.",
            where=prepared.source.label,
            why="TimescaleDB refuses triggers on continuous aggregates from 2.14 on.",
            todo="Nothing, if you do not need them; to be rid of them on the source: "
            + " ".join(f"DROP TRIGGER {identifier(t)} ON {cagg.sql};" for cagg, t in found),
            details=[f"{trigger} on {cagg.label}" for cagg, trigger in found],
        )


def _by_wal(inventory: Inventory, where: str) -> Iterator[Finding]:
    caggs = [cagg for cagg in inventory.caggs if cagg.by_wal]
    if caggs:
        read = dict.fromkeys(qualified(*cagg.reads) for cagg in caggs)
        yield look(
            "cagg-wal",
            f"{some([cagg.label for cagg in caggs])}: changes of the raw rows are read from the "
            "WAL (invalidate_using = 'wal').",
            where=where,
            why="On the target they are logged as they are made; what is pending on the source "
            "is in no log that is migrated.",
            todo="Have it logged before the run: "
            + " ".join(
                f"CALL _timescaledb_functions.process_hypertable_invalidations({literal(name)});"
                for name in read
            ),
            details=[cagg.label for cagg in caggs],
        )


async def _refused(prepared: Prepared) -> AsyncIterator[Finding]:
    wanted = [c for c in _wanted(prepared) if _EXPERIMENTAL not in c.definition]
    if not wanted:
        return
    async with connected(prepared.source) as source:
        inputs = await read_cagg_inputs(source)
    refused = await try_caggs(prepared, wanted, inputs)
    if refused:
        version = prepared.target_inventory.server.timescaledb
        yield fail(
            "cagg-refused",
            f"The target's TimescaleDB ({version}) refuses "
            f"{plural(len(refused), 'continuous aggregate')}.",
            where=prepared.target.label,
            why="Tried in a transaction that was rolled back.",
            todo="Create another one in its place on the source (DROP MATERIALIZED VIEW …; CREATE "
            "MATERIALIZED VIEW …), update the target, or leave it out (answer: caggs).",
            details=[f"{label}: {answer}" for label, answer in refused.items()],
        )


def _wanted(prepared: Prepared) -> list[Cagg]:
    return [c for c in chosen_caggs(prepared.inventory, prepared.answers) if c.finalized]


async def try_caggs(
    prepared: Prepared, wanted: Iterable[Cagg], inputs: Mapping[str, tuple[CaggInput, ...]]
) -> dict[str, str]:
    """Try to create each on the target, on empty tables alike; {name: what the server said} where
    TimescaleDB refuses it. What cannot be tried, because the target lacks a function or a type,
    shows in the run.

    Raises CannotConnect, psycopg.Error.
    """
    functions = prepared.target_inventory.server.timescaledb_schema or "public"
    refused: dict[str, str] = {}
    made: set[tuple[str, str]] = set()
    async with connected(prepared.target) as target:
        await batch(
            target,
            (
                "BEGIN",
                "SET LOCAL search_path = ''",
                "SET LOCAL client_min_messages = error",
                (
                    "SELECT pg_catalog.set_config(n.name, 'on', true) FROM (VALUES (%s)) n (name) "
                    "WHERE pg_catalog.current_setting(n.name, true) IS NOT NULL",
                    (WINDOW_FUNCTIONS,),
                ),
            ),
        )
        for cagg in wanted:
            statements = [
                text
                for read in inputs.get(cagg.label, ())
                if (read.schema, read.name) not in made
                for text in read.statements(functions)
            ]
            schema = f"CREATE SCHEMA IF NOT EXISTS {identifier(cagg.schema)}"
            if await _answer(target, (*statements, schema)) is None:
                made |= {(read.schema, read.name) for read in inputs.get(cagg.label, ())}
                error = await _answer(target, (cagg.create_statement,))
                if error is not None and _by_timescaledb(error):
                    refused[cagg.label] = message_of(error)
        await target.rollback()
    return refused


def _by_timescaledb(error: Error) -> bool:
    """Some of its refusals have no SQLSTATE of their own."""
    return error.sqlstate in _BY_TIMESCALEDB or "continuous aggregate" in message_of(error)


async def _answer(target: Connection, statements: Iterable[str]) -> Error | None:
    """What the server says to one of these, all of which are then undone; None when it takes them.

    Raises psycopg.Error when the connection is lost.
    """
    try:
        await atomically(target, statements)
    except Error as error:
        if not is_refusal(error):
            raise
        return error
    return None


CONTINUOUS_AGGREGATE_CHECKS: tuple[AnyCheck, ...] = (
    Check(
        gives=("history-would-be-lost", "history-will-be-lost"),
        run=_history,
        methods=SPLIT_ONLY,
        answered_by=("history", "lose_history"),
        settled_by_check=True,
    ),
    SourceCheck(gives=("old-continuous-aggregates",), run=_old_format, methods=FULL_ONLY),
    SourceCheck(gives=("cagg-same-name",), run=_same_name, methods=SPLIT_ONLY),
    SourceCheck(gives=("cagg-wal",), run=_by_wal, methods=SPLIT_ONLY),
    Check(
        gives=("cagg-old-format",),
        run=_not_recreatable,
        methods=SPLIT_ONLY,
        answered_by=("caggs",),
    ),
    Check(
        gives=("cagg-time-bucket-ng",),
        run=_experimental,
        methods=SPLIT_ONLY,
        answered_by=("caggs",),
    ),
    Check(gives=("cagg-triggers",), run=_triggers, methods=SPLIT_ONLY),
    Trial(
        gives=("cagg-refused",),
        run=_refused,
        side=Side.TARGET,
        methods=SPLIT_ONLY,
        answered_by=("caggs",),
    ),
)
