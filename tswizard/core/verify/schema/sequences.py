"""The value of every sequence, which is not in the catalog.

Sequences are not transactional: while the source is in use, its sequences advance after the dump,
whatever the snapshot. So a difference of one that has advanced on the source since the inventory
is explained if the target's value is in between, and only then; one that cycles may have started
over in between. Where the target's is further than the source's, somebody has taken numbers there,
as after a cut-over, and nothing is to be set. TimescaleDB's own advance with
every chunk that is created; they number rows of its catalog, so the target's is right if it is
beyond all of the numbers that are in use there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from psycopg import sql

from tswizard.core.catalog.inventory import Sequence
from tswizard.core.catalog.sequences import read_sequence_values
from tswizard.core.catalog.tables import READABLE, in_user_schema, not_member
from tswizard.core.db.connection import Connection, rows, value

# Sequences of the user, and those of an extension's configuration, which pg_dump dumps too: if
# TimescaleDB's own sequences started over at 1, the next chunk would get the name of the first.
_SEQUENCES = f"""
SELECT n.nspname::text, c.relname::text, s.seqincrement, s.seqcycle,
  pg_catalog.has_schema_privilege(n.oid, 'USAGE')
    AND pg_catalog.has_sequence_privilege(c.oid, 'SELECT')
FROM pg_catalog.pg_sequence s
JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relpersistence <> 't' AND {READABLE} AND {in_user_schema()}
  AND ({not_member("pg_class", "c.oid")}
       OR EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE c.oid = ANY (e.extconfig)))
ORDER BY 1, 2
"""
_NUMBERED = """
SELECT sn.nspname::text, s.relname::text, n.nspname::text, t.relname::text, a.attname::text
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'
JOIN pg_catalog.pg_namespace sn ON sn.oid = s.relnamespace
JOIN pg_catalog.pg_class t ON t.oid = d.refobjid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'a'
  AND sn.nspname LIKE '\\_timescaledb\\_%'
"""
# Until 2.27 it numbers the names of constraints ("12_7_readings_pkey"), which no column holds.
# (timescaledb 2.19, src/chunk_constraint.c, chunk_constraint_choose_name)
_NAMES = ("_timescaledb_catalog", "chunk_constraint_name")
_NAMED = r"""
SELECT max(substring(constraint_name FROM '^\d+_(\d+)_')::bigint)
FROM _timescaledb_catalog.chunk_constraint
"""

Name = tuple[str, str]
"""Schema and name, unquoted."""


@dataclass(frozen=True, slots=True)
class SequenceState:
    """The state of one sequence; both values are None where this role may not read it."""

    increment: int
    last_value: int | None
    is_called: bool | None
    cycle: bool = field(default=False, compare=False)

    @property
    def next(self) -> int | None:
        """The value that nextval would return."""
        if self.last_value is None:
            return None
        return self.last_value + (self.increment if self.is_called else 0)


async def read_sequence_states(connection: Connection) -> dict[Name, SequenceState]:
    """Every sequence of one database, in a few queries."""
    found = await rows(connection, _SEQUENCES)
    values = await read_sequence_values(
        connection, ((schema, name) for schema, name, *_, readable in found if readable)
    )
    return {
        (schema, name): SequenceState(increment, last_value, is_called, cycle)
        for schema, name, increment, cycle, _readable in found
        for last_value, is_called in (values.get((schema, name), (None, None)),)
    }


async def read_numbers_in_use(connection: Connection) -> dict[Name, int]:
    """Of TimescaleDB's own sequences: the highest number that its catalog holds, 0 when it holds
    none."""
    used = {}
    for schema, name, of, table, column in await rows(connection, _NUMBERED):
        highest = sql.SQL("SELECT max({})::bigint FROM {}").format(
            sql.Identifier(column), sql.Identifier(of, table)
        )
        used[schema, name] = await value(connection, highest) or 0
    there = "SELECT pg_catalog.to_regclass(%s) IS NOT NULL"
    if await value(connection, there, (".".join(_NAMES),)):
        used[_NAMES] = await value(connection, _NAMED) or 0
    return used


_State = Literal["behind", "moved", "beyond", "ahead", "unreadable"]
"""`moved`: it has advanced on the source since the dump. `beyond`: it is one of TimescaleDB's own,
and on the target beyond every number in use there. `ahead`: it is further on the target."""


@dataclass(frozen=True, slots=True)
class SequenceDifference:
    name: Name
    state: _State
    source: int | None
    target: int | None
    """What nextval returns next."""


def compare_sequence_states(
    source: Mapping[Name, SequenceState],
    target: Mapping[Name, SequenceState],
    before: Mapping[Name, Sequence],
    used: Mapping[Name, int],
) -> tuple[SequenceDifference, ...]:
    """Sequences whose state differs; a missing one is reported by the comparison of schemas.

    `before` is from the inventory, read before the dump; `used` are the target's numbers in use
    (`read_numbers_in_use`).
    """
    differences = []
    for name, ours in source.items():
        theirs = target.get(name)
        if theirs is None or ours == theirs:
            if theirs is not None and ours.last_value is None:
                differences.append(_difference(name, "unreadable", ours, theirs))
            continue
        if ours.last_value is None or theirs.last_value is None:
            differences.append(_difference(name, "unreadable", ours, theirs))
        elif _in_between(before.get(name), theirs, ours):
            differences.append(_difference(name, "moved", ours, theirs))
        elif name in used and _is_beyond(used[name], theirs, ours):
            differences.append(_difference(name, "beyond", ours, theirs))
        elif _is_ahead(before.get(name), theirs, ours, used.get(name)):
            differences.append(_difference(name, "ahead", ours, theirs))
        else:
            differences.append(_difference(name, "behind", ours, theirs))
    return tuple(differences)


def _difference(
    name: Name,
    state: _State,
    ours: SequenceState,
    theirs: SequenceState,
) -> SequenceDifference:
    return SequenceDifference(name, state, ours.next, theirs.next)


def _in_between(before: Sequence | None, target: SequenceState, now: SequenceState) -> bool:
    if before is None or target.next is None or now.next is None:
        return False
    then = _then(before, now)
    if _started_over(then, now):
        return not _precedes(target.next, then, now) or not _precedes(now.next, target.next, now)
    low, high = sorted((then, now.next))
    moved = then != now.next
    return moved and low <= target.next <= high


def _then(before: Sequence, now: SequenceState) -> int:
    """What nextval would have returned when the source was inspected."""
    return before.last_value + (now.increment if before.is_called else 0)


def _started_over(then: int, now: SequenceState) -> bool:
    """A sequence that cycles has reached its end since."""
    assert now.next is not None
    return now.cycle and _precedes(now.next, then, now)


def _precedes(one: int, other: int, of: SequenceState) -> bool:
    """It comes before the other one in the sequence's direction."""
    return (other - one) * of.increment > 0


def _is_ahead(
    before: Sequence | None, target: SequenceState, now: SequenceState, used: int | None
) -> bool:
    """Which one is further cannot be told of a sequence that has started over. `used` is the
    highest number in use on the target, where that is known."""
    assert target.next is not None
    assert now.next is not None
    if used is not None and target.next <= used:
        return False
    if before is not None and _started_over(_then(before, now), now):
        return False
    return _precedes(now.next, target.next, now)


def _is_beyond(used: int, target: SequenceState, now: SequenceState) -> bool:
    assert target.next is not None
    assert now.next is not None
    return used < target.next < now.next
