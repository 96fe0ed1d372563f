"""The ledger of pieces, in the target itself: a piece's rows and its done-mark commit together.

Whoever wants a piece takes it with `FOR UPDATE SKIP LOCKED` in the very transaction that copies
it. So workers of this process, of other processes and of other machines take work alike, and the
server gives a piece back by itself when whoever held it is gone.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from pydantic import TypeAdapter, ValidationError

from tswizard.core.connection import Connection, rows, value
from tswizard.core.context import failed
from tswizard.core.split.piece import Kind, Piece, Plan, Stage, Table

FORMAT = 1
"""Of the ledger; grows when an older tswizard would misread it."""

SCHEMA = "_tswizard"

_TABLES = """
CREATE SCHEMA IF NOT EXISTS _tswizard;
CREATE TABLE _tswizard.ledger (
  format int NOT NULL, run text PRIMARY KEY, source text NOT NULL, options jsonb NOT NULL,
  tables jsonb NOT NULL, open text, made timestamptz NOT NULL DEFAULT pg_catalog.now());
CREATE TABLE _tswizard.moment (
  id int PRIMARY KEY, snapshot text, taken timestamptz NOT NULL DEFAULT pg_catalog.now());
CREATE TABLE _tswizard.piece (
  id int PRIMARY KEY, relation text NOT NULL, label text NOT NULL, kind text NOT NULL,
  stage text NOT NULL, state text NOT NULL, bytes bigint NOT NULL, spec jsonb NOT NULL,
  moment int, rows bigint, copied bigint, attempts int NOT NULL DEFAULT 0, error text, place text,
  at timestamptz);
CREATE INDEX ON _tswizard.piece (stage, state, bytes DESC, id);
CREATE INDEX ON _tswizard.piece (relation);
"""


class State(StrEnum):
    """Where a piece stands. One that is being copied is `waiting` and locked."""

    WAITING = "waiting"
    BLOCKED = "blocked"
    """A compression whose chunk is not complete yet."""
    STAGED = "staged"
    """In a file."""
    DONE = "done"
    FAILED = "failed"
    GONE = "gone"
    """Its relation is no longer on the source."""


OPEN = (State.WAITING, State.BLOCKED, State.STAGED)
"""States of work that is left."""

_TABLES_JSON = TypeAdapter(tuple[Table, ...])
_PIECE = TypeAdapter(Piece)


@dataclass(frozen=True, slots=True)
class Options:
    """What everybody who works on a run must do alike."""

    via: str = "stream"
    width: str = "chunk"
    snapshot: bool = True
    encoding: str = "UTF8"
    """The encoding that rows travel in."""
    chunk_state: str = "NULL::text"
    """SQL: where a chunk's compressed rows are; `%s` stands for the chunk."""


_OPTIONS = TypeAdapter(Options)


@dataclass(frozen=True, slots=True)
class Header:
    """Whose ledger it is."""

    run: str
    source: str
    """Conninfo without the password."""
    options: Options
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """A piece that this transaction holds."""

    piece: Piece
    state: State
    there: bool
    """Rows of an earlier copy of it are on the target."""


@dataclass(frozen=True, slots=True)
class Known:
    """A piece as the ledger has it."""

    piece: Piece
    state: State
    moment: int | None
    """When it was copied."""
    rows: int | None


class Pass(StrEnum):
    """What a pass over the queue does; the ledger says which one is open."""

    STREAM = "stream"
    """Straight from source to target."""
    EXPORT = "export"
    """Into files."""
    LOAD = "load"
    """From files; what has none gets one first."""

    @property
    def states(self) -> tuple[State, ...]:
        return (State.STAGED, State.WAITING) if self is Pass.LOAD else (State.WAITING,)

    @property
    def compresses(self) -> bool:
        return self is not Pass.EXPORT


@dataclass(slots=True)
class Standing:
    """How far one table is. Counts grow while this process works."""

    label: str
    stage: Stage
    total: int
    done: int
    staged: int
    failed: int
    retried: int
    """Attempts that failed, of all its pieces."""
    rows: int
    bytes: int
    done_bytes: int
    staged_bytes: int


async def read_header(target: Connection) -> Header | None:
    """The ledger on this target; None when there is none.

    Raises StepFailed for a ledger from a newer tswizard, and for a schema that is not ours.
    """
    await _check_ours(target)
    if await value(target, "SELECT pg_catalog.to_regclass('_tswizard.ledger')") is None:
        return None
    found = await rows(target, "SELECT format, run, source, options, tables FROM _tswizard.ledger")
    if not found:
        return None
    number, run, source, options, tables = found[0]
    if number != FORMAT:
        raise other_version(f"it has format {number}, this tswizard knows {FORMAT}")
    try:
        return Header(
            run,
            source,
            _OPTIONS.validate_python(options),
            _TABLES_JSON.validate_json(json.dumps(tables)),
        )
    except ValidationError as error:
        raise other_version(f"{error.error_count()} of its fields do not fit") from None


def other_version(why: str) -> Exception:
    """A StepFailed for a record on the target that this version would misread."""
    return failed(
        "ledger-version",
        "The record of pieces on the target was made by another version of tswizard.",
        where="schema _tswizard",
        why=why,
        todo="Resume with the version that began the run.",
    )


# What marks the schema as ours: one of the tables that are made first, with its columns.
_OURS = """
SELECT n.nspname IS NOT NULL,
  pg_catalog.has_schema_privilege(n.oid, 'USAGE'),
  NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid)
  OR EXISTS (SELECT FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = 'run'
    WHERE c.relnamespace = n.oid AND c.relname IN ('ledger', 'record', 'run', 'schema_restore'))
FROM (SELECT 1) x LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = '_tswizard'
"""


async def _check_ours(target: Connection) -> None:
    exists, usable, ours = (await rows(target, _OURS))[0]
    if not exists or (usable and ours):
        return
    what = "holds tables that are not tswizard's" if usable else "belongs to another role"
    raise failed(
        "schema-taken",
        f"The target has a schema _tswizard that {what}.",
        where="schema _tswizard",
        why="tswizard keeps its record of pieces in a schema of that name.",
        todo="Rename that schema, or connect as its owner if it is an earlier run's; then resume.",
    )


async def create(target: Connection, run: str, source: str, options: Options, plan: Plan) -> None:
    """Write the plan down, all or nothing."""
    async with target.transaction():
        await target.execute(_TABLES)
        await target.execute(
            "INSERT INTO _tswizard.ledger (format, run, source, options, tables) "
            "VALUES (%s, %s, %s, %s, %s)",
            (
                FORMAT,
                run,
                source,
                _OPTIONS.dump_json(options).decode(),
                _TABLES_JSON.dump_json(plan.tables).decode(),
            ),
        )
        await add(target, plan, plan.pieces)


async def add(target: Connection, plan: Plan, pieces: Iterable[Piece]) -> None:
    """Add pieces to the queue."""
    async with target.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO _tswizard.piece (id, relation, label, kind, stage, state, bytes, spec) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    piece.id,
                    relation(piece),
                    plan.of(piece).label,
                    piece.kind,
                    piece.stage,
                    State.BLOCKED if piece.kind is Kind.COMPRESS else State.WAITING,
                    piece.bytes,
                    _PIECE.dump_json(piece).decode(),
                )
                for piece in pieces
            ],
        )


def relation(piece: Piece) -> str:
    """The relation that a piece is of; all its slices share it."""
    return json.dumps((piece.schema, piece.name), ensure_ascii=False)


async def save_tables(target: Connection, tables: tuple[Table, ...]) -> None:
    """The plan's tables, when a later moment brought new ones."""
    await target.execute(
        "UPDATE _tswizard.ledger SET tables = %s", (_TABLES_JSON.dump_json(tables).decode(),)
    )


async def read_pieces(target: Connection) -> list[Known]:
    """Every piece, in order."""
    found = await rows(
        target, "SELECT spec::text, state, moment, rows FROM _tswizard.piece ORDER BY id"
    )
    return [
        Known(_PIECE.validate_json(spec), State(state), moment, rows_)
        for spec, state, moment, rows_ in found
    ]


_FREE = """
stage = %(stage)s AND state = ANY (%(states)s) AND (place IS NULL OR place = %(place)s)
AND (kind <> 'compress' OR %(compress)s)
"""

_CLAIM = f"""
SELECT spec::text, state, rows IS NOT NULL FROM _tswizard.piece WHERE {_FREE}
ORDER BY kind = 'compress' DESC, bytes DESC, id LIMIT 1
FOR UPDATE SKIP LOCKED
"""


def _free(stage: Stage, over: Pass, place: str) -> dict[str, object]:
    return {
        "stage": stage,
        "states": list(over.states),
        "place": place,
        "compress": over.compresses,
    }


async def claim(target: Connection, stage: Stage, over: Pass, place: str) -> Taken | None:
    """The largest free piece, held until the transaction ends; None when none is free.

    Compressions come before everything, so that little lies uncompressed at once.
    """
    found = await rows(target, _CLAIM, _free(stage, over, place))
    if not found:
        return None
    spec, state, there = found[0]
    return Taken(_PIECE.validate_json(spec), State(state), there)


async def left(target: Connection, stage: Stage, over: Pass, place: str) -> int:
    """Pieces that this pass still has to do, those included that somebody holds."""
    query = f"SELECT pg_catalog.count(*) FROM _tswizard.piece WHERE {_FREE}"
    return int(await value(target, query, _free(stage, over, place)))


async def elsewhere(target: Connection, place: str) -> list[str]:
    """Other places that hold files of pieces."""
    found = await rows(
        target,
        "SELECT DISTINCT place FROM _tswizard.piece WHERE state = 'staged' AND place <> %s",
        (place,),
    )
    return [name for (name,) in found]


_DONE = """
UPDATE _tswizard.piece
SET state = 'done', rows = %s, copied = %s, moment = %s, error = NULL, place = NULL,
  at = pg_catalog.now()
WHERE id = %s
"""

# The lock makes the last two pieces of a chunk wait for each other: one of them sees both done.
_LOCK_COMPRESSION = """
SELECT id FROM _tswizard.piece WHERE relation = %s AND kind = 'compress' FOR UPDATE
"""
_FREE_COMPRESSION = """
UPDATE _tswizard.piece c SET state = 'waiting'
WHERE c.relation = %s AND c.kind = 'compress' AND NOT EXISTS (
  SELECT FROM _tswizard.piece p
  WHERE p.relation = c.relation AND p.kind <> 'compress' AND p.state <> 'done')
"""


async def done(
    target: Connection, piece: Piece, *, rows_: int, copied: int, moment: int | None
) -> None:
    """The done-mark, in the transaction that holds the rows; frees the chunk's compression."""
    await target.execute(_DONE, (rows_, copied, moment, piece.id))
    if piece.kind is Kind.CHUNK:
        found = await rows(target, _LOCK_COMPRESSION, (relation(piece),))
        if found:
            await target.execute(_FREE_COMPRESSION, (relation(piece),))


async def staged(target: Connection, piece: Piece, place: str, rows_moment: int, size: int) -> None:
    """The mark that a piece lies complete in a file at `place`."""
    await target.execute(
        "UPDATE _tswizard.piece SET state = 'staged', place = %s, moment = %s, copied = %s, "
        "at = pg_catalog.now() WHERE id = %s",
        (place, rows_moment, size, piece.id),
    )


async def set_state(
    target: Connection, ids: Sequence[int], state: State, error: str | None = None
) -> None:
    """Put pieces into a state, by themselves; rows are untouched."""
    await target.execute(
        "UPDATE _tswizard.piece SET state = %s, place = NULL, error = COALESCE(%s, error), "
        "at = pg_catalog.now() WHERE id = ANY (%s)",
        (state, error, list(ids)),
    )


async def attempted(target: Connection, piece: Piece, error: str) -> int:
    """Count a failed attempt and keep its message; how many there were."""
    return int(
        await value(
            target,
            "UPDATE _tswizard.piece SET attempts = attempts + 1, error = %s WHERE id = %s "
            "RETURNING attempts",
            (error, piece.id),
        )
    )


async def save_targets(target: Connection, pieces: Iterable[Piece]) -> None:
    """Remember which chunk was made for each piece."""
    async with target.cursor() as cursor:
        await cursor.executemany(
            "UPDATE _tswizard.piece SET spec = %s WHERE id = %s",
            [(_PIECE.dump_json(piece).decode(), piece.id) for piece in pieces],
        )


async def compresses(target: Connection, piece: Piece) -> bool:
    """Is the chunk of this piece compressed again after its copy?"""
    return bool(
        await value(
            target,
            "SELECT EXISTS (SELECT FROM _tswizard.piece WHERE relation = %s AND kind = 'compress')",
            (relation(piece),),
        )
    )


async def made_for(target: Connection, piece: Piece) -> list[tuple[str, str]]:
    """The chunks on the target that hold the rows of a source's chunk."""
    found = await rows(
        target,
        "SELECT DISTINCT spec -> 'target' FROM _tswizard.piece "
        "WHERE relation = %s AND kind = 'chunk' AND spec ->> 'target' IS NOT NULL",
        (relation(piece),),
    )
    return [(schema, name) for ((schema, name),) in found]


async def again(target: Connection) -> None:
    """Failed pieces wait once more: whoever resumes has mended something."""
    await target.execute(
        "UPDATE _tswizard.piece SET state = 'waiting', attempts = 0, place = NULL "
        "WHERE state = 'failed'"
    )


_STANDING = """
SELECT label, stage, pg_catalog.count(*) FILTER (WHERE kind <> 'compress'),
  pg_catalog.count(*) FILTER (WHERE kind <> 'compress' AND state IN ('done', 'gone')),
  pg_catalog.count(*) FILTER (WHERE state = 'staged'),
  pg_catalog.count(*) FILTER (WHERE state = 'failed'),
  COALESCE(pg_catalog.sum(attempts), 0)::bigint,
  COALESCE(pg_catalog.sum(rows) FILTER (WHERE kind <> 'compress'), 0)::bigint,
  pg_catalog.sum(bytes)::bigint,
  COALESCE(pg_catalog.sum(bytes) FILTER (WHERE state IN ('done', 'gone')), 0)::bigint,
  COALESCE(pg_catalog.sum(bytes) FILTER (WHERE state = 'staged'), 0)::bigint
FROM _tswizard.piece GROUP BY label, stage ORDER BY min(id)
"""


async def standings(target: Connection) -> list[Standing]:
    """How far every table is."""
    return [Standing(row[0], Stage(row[1]), *row[2:]) for row in await rows(target, _STANDING)]


async def open_pass(target: Connection, stage: Stage, over: Pass) -> None:
    """Tell whoever helps what may be worked on now."""
    await target.execute("UPDATE _tswizard.ledger SET open = %s", (f"{stage} {over}",))


async def close_pass(target: Connection) -> None:
    """Nothing may be worked on until another pass is opened."""
    await target.execute("UPDATE _tswizard.ledger SET open = NULL")


async def what_is_open(target: Connection) -> tuple[Stage, Pass] | None:
    """The pass that whoever leads the run has opened."""
    found = await value(target, "SELECT open FROM _tswizard.ledger")
    if not found:
        return None
    stage, over = str(found).split(" ")
    return Stage(stage), Pass(over)


async def waiting(target: Connection) -> int:
    """Pieces that are not on the target yet, of any stage."""
    query = "SELECT pg_catalog.count(*) FROM _tswizard.piece WHERE state = ANY (%s)"
    return int(await value(target, query, (list(OPEN),)))


async def errors(target: Connection) -> list[tuple[str, str, str]]:
    """(label, relation's name, message) of every failed piece."""
    return [
        (label, json.loads(relation_)[1], error or "")
        for label, relation_, error in await rows(
            target,
            "SELECT label, relation, error FROM _tswizard.piece WHERE state = 'failed' ORDER BY id",
        )
    ]


async def drop(target: Connection) -> None:
    """Remove the ledger; marks of the run's other steps stay."""
    await target.execute("DROP TABLE IF EXISTS _tswizard.piece, _tswizard.moment, _tswizard.ledger")


_LOCK = "pg_catalog.hashtext('_tswizard'), pg_catalog.hashtext('run')"


async def lock_run(target: Connection) -> bool:
    """Be the only one who leads a run on this target, as long as the connection lives."""
    return bool(await value(target, f"SELECT pg_catalog.pg_try_advisory_lock({_LOCK})"))


async def led(target: Connection) -> bool:
    """Does somebody lead a run on this target now?"""
    return not await value(
        target,
        f"SELECT pg_catalog.pg_try_advisory_lock_shared({_LOCK}) "
        f"AND pg_catalog.pg_advisory_unlock_shared({_LOCK})",
    )


async def open_moment(target: Connection, snapshot: str | None) -> int:
    """Begin a moment of the source; its number."""
    return int(
        await value(
            target,
            "INSERT INTO _tswizard.moment (id, snapshot) "
            "SELECT COALESCE(pg_catalog.max(id), 0) + 1, %s FROM _tswizard.moment RETURNING id",
            (snapshot,),
        )
    )


async def last_moment(target: Connection) -> tuple[int, str | None] | None:
    """The latest moment and its snapshot."""
    found = await rows(target, "SELECT id, snapshot FROM _tswizard.moment ORDER BY id DESC LIMIT 1")
    return (found[0][0], found[0][1]) if found else None


@dataclass(frozen=True, slots=True)
class Merge:
    """What a later moment's plan brings."""

    added: Plan
    """All tables, and the pieces that are new."""
    gone: tuple[Known, ...]
    """Pieces whose relation is no longer on the source."""
    rewritten: tuple[Known, ...]
    """Pieces that named places in a file which is another one now; all of their relations."""


def merged(known: Sequence[Known], old: tuple[Table, ...], fresh: Plan) -> Merge:
    """Relations that are new, and those that are gone.

    A relation that is known keeps its pieces: the first and the last slice have open ends, so
    they hold whatever has come since.
    """
    files = {relation(piece): piece.filenode for piece in fresh.pieces if piece.local}
    rewritten = {
        relation(k.piece)
        for k in known
        if k.piece.local and files.get(relation(k.piece)) != k.piece.filenode
    }
    rewritten &= {relation(piece) for piece in fresh.pieces}
    kept = [k for k in known if relation(k.piece) not in rewritten]
    relations = {relation(k.piece) for k in kept if k.piece.kind is not Kind.COMPRESS}
    compressed = {relation(k.piece) for k in kept if k.piece.kind is Kind.COMPRESS}
    objects = any(k.piece.kind is Kind.OBJECTS for k in known)
    tables = list(old)
    places = {(t.schema, t.name): n for n, t in enumerate(old)}
    number = max((k.piece.id for k in known), default=0)
    added = []
    for piece in fresh.pieces:
        have = compressed if piece.kind is Kind.COMPRESS else relations
        if relation(piece) in have or (piece.kind is Kind.OBJECTS and objects):
            continue
        table = fresh.of(piece)
        place = places.setdefault((table.schema, table.name), len(tables))
        if place == len(tables):
            tables.append(table)
        number += 1
        added.append(replace(piece, id=number, table=place))
    still = {relation(piece) for piece in fresh.pieces}
    gone = [
        k
        for k in known
        if k.piece.kind is not Kind.OBJECTS
        and k.state is not State.GONE
        and relation(k.piece) not in still
    ]
    return Merge(
        Plan(tuple(tables), tuple(added)),
        tuple(gone),
        tuple(k for k in known if relation(k.piece) in rewritten),
    )


async def apply(target: Connection, merge: Merge) -> None:
    """Write the difference down; call it in a transaction."""
    if merge.rewritten:
        await target.execute(
            "DELETE FROM _tswizard.piece WHERE relation = ANY (%s)",
            (sorted({relation(k.piece) for k in merge.rewritten}),),
        )
    await add(target, merge.added, merge.added.pieces)
    await save_tables(target, merge.added.tables)
    for piece in merge.added.pieces:
        if piece.kind is Kind.COMPRESS:
            await target.execute(_FREE_COMPRESSION, (relation(piece),))
    await set_state(target, [k.piece.id for k in merge.gone], State.GONE)


async def confirmed(target: Connection, ids: Sequence[int], moment: int) -> None:
    """These pieces were found equal at a later moment than they were copied at."""
    await target.execute(
        "UPDATE _tswizard.piece SET moment = %s WHERE id = ANY (%s)", (moment, list(ids))
    )


async def repeat(target: Connection, pieces: Iterable[Piece]) -> None:
    """These pieces must be copied again, in place of what is there; call it in a transaction."""
    some = list(pieces)
    await set_state(target, [piece.id for piece in some], State.WAITING)
    await target.execute(
        "UPDATE _tswizard.piece SET state = 'blocked' "
        "WHERE kind = 'compress' AND state <> 'gone' AND relation = ANY (%s)",
        (sorted({relation(piece) for piece in some}),),
    )


async def forget(target: Connection, pieces: Iterable[Piece]) -> None:
    """These pieces must be copied again, and nothing of them is there any more."""
    some = list(pieces)
    await repeat(target, some)
    await target.execute(
        "UPDATE _tswizard.piece SET moment = NULL, rows = NULL WHERE id = ANY (%s)",
        ([piece.id for piece in some],),
    )
