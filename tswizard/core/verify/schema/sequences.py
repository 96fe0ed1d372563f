"""The value of every sequence, which is not in the catalog.

Sequences are not transactional: while the source is in use, its sequences advance after the dump,
whatever the snapshot. So a difference of one that has advanced on the source since the inventory
is explained if the target's value is in between, and only then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tswizard.core.catalog.inventory import Sequence
from tswizard.core.catalog.sequences import read_sequence_values
from tswizard.core.catalog.tables import READABLE, in_user_schema, not_member
from tswizard.core.db.connection import Connection, rows

# Sequences of the user, and those of an extension's configuration, which pg_dump dumps too: if
# TimescaleDB's own sequences started over at 1, the next chunk would get the name of the first.
_SEQUENCES = f"""
SELECT n.nspname::text, c.relname::text, s.seqincrement,
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

Name = tuple[str, str]
"""Schema and name, unquoted."""


@dataclass(frozen=True, slots=True)
class SequenceState:
    """The state of one sequence; both values are None where this role may not read it."""

    increment: int
    last_value: int | None
    is_called: bool | None

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
        connection, ((schema, name) for schema, name, _increment, readable in found if readable)
    )
    return {
        (schema, name): SequenceState(increment, *values.get((schema, name), (None, None)))
        for schema, name, increment, _readable in found
    }


@dataclass(frozen=True, slots=True)
class SequenceDifference:
    name: Name
    state: Literal["behind", "moved", "unreadable"]
    """`moved`: it has advanced on the source since the dump."""
    source: int | None
    target: int | None
    """What nextval returns next."""


def compare_sequence_states(
    source: Mapping[Name, SequenceState],
    target: Mapping[Name, SequenceState],
    before: Mapping[Name, Sequence],
) -> tuple[SequenceDifference, ...]:
    """Sequences whose state differs; a missing one is reported by the comparison of schemas.

    `before` is from the inventory, read before the dump.
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
        else:
            differences.append(_difference(name, "behind", ours, theirs))
    return tuple(differences)


def _difference(
    name: Name,
    state: Literal["behind", "moved", "unreadable"],
    ours: SequenceState,
    theirs: SequenceState,
) -> SequenceDifference:
    return SequenceDifference(name, state, ours.next, theirs.next)


def _in_between(before: Sequence | None, target: SequenceState, now: SequenceState) -> bool:
    if before is None or target.next is None or now.next is None:
        return False
    then = SequenceState(now.increment, before.last_value, before.is_called).next
    assert then is not None
    low, high = sorted((then, now.next))
    moved = then != now.next
    return moved and low <= target.next <= high
