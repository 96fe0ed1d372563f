"""Entries of the dump sent to the target by ourselves, many in one round trip.

pg_restore waits for each of its statements. What it would send is known beforehand: its own script.
So the script's entries are carried out many in a transaction, each behind a savepoint.
What the server does not take without a word (an error, a warning) is undone, and left to pg_restore
together with all that depends on it: there it is judged as any other message of pg_restore.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from pathlib import Path
from typing import Any

from psycopg import OperationalError
from psycopg.errors import Diagnostic
from psycopg.generators import fetch, send

from tswizard.core.db.concurrency import together
from tswizard.core.db.connection import Connection
from tswizard.core.dump.entry_script import EntryScript, read_entry_script
from tswizard.core.dump.toc import DumpEntry
from tswizard.core.model.wording import plural
from tswizard.core.run.context import Context

ENTRIES_AT_ONCE = 100
"""In one transaction, with the locks of all: a table with a key and a sequence takes about ten, and
a server has 6,400 by default (max_locks_per_transaction times max_connections)."""

_LOTS_READ = 100
"""So many lots' SQL is held at a time: for 20,000 chunks all of it would be 50 MB."""

SENT_AT_ONCE = (
    f"-- tswizard sends the SQL of this command itself, up to {ENTRIES_AT_ONCE} entries per "
    "transaction. Only what the target refuses or warns about, and large indexes, is left to "
    "pg_restore:"
)
"""How Review shows it, before pg_restore's command."""


def lots_of(entries: Sequence[DumpEntry]) -> list[Sequence[DumpEntry]]:
    """What is sent in one transaction each, in order."""
    return [entries[n : n + ENTRIES_AT_ONCE] for n in range(0, len(entries), ENTRIES_AT_ONCE)]


async def send_entries(
    ctx: Context,
    targets: Sequence[Connection],
    dump: Path,
    lots: Sequence[Sequence[DumpEntry]],
    done: Callable[[int], None],
) -> frozenset[int]:
    """Create what these entries of a dump are, each lot in a transaction, as far as the target
    takes it without a word; their IDs. `done` is told how many were committed.

    `targets` are connections that work at once: where there are several, no lot depends on another
    one or locks what another one does. Raises StepFailed when the dump cannot be read,
    psycopg.Error when a connection is lost.
    """
    sender = _Sender(ctx, dump, done)
    # Each time its SQL is read, pg_restore reads the dump's whole table of contents.
    for first in range(0, len(lots), _LOTS_READ):
        await sender.send(targets, lots[first : first + _LOTS_READ])
    if sender.left:
        ctx.say(f"left to pg_restore: {plural(len(sender.left), 'entry', 'entries')}")
    return frozenset(sender.sent)


class _Sender:
    """What was sent of a dump so far, and what was not."""

    def __init__(self, ctx: Context, dump: Path, done: Callable[[int], None]) -> None:
        self._ctx = ctx
        self._dump = dump
        self._done = done
        inventory = ctx.task.inventory
        self._schemas = (*inventory.schemas, *inventory.extension_schemas)
        self._reading = asyncio.Lock()
        self.left: set[int] = set()
        self.sent: set[int] = set()

    async def send(
        self, targets: Sequence[Connection], lots: Sequence[Sequence[DumpEntry]]
    ) -> None:
        whole = await self._script([entry for lot in lots for entry in lot])
        waiting = deque(lots)

        async def work(target: Connection) -> None:
            while waiting:
                lot = waiting.popleft()
                await self._ctx.unpaused()
                await self._send(target, lot, whole if whole.texts else await self._script(lot))

        await together(work(target) for target in targets)

    async def _script(self, entries: Sequence[DumpEntry]) -> EntryScript:
        async with self._reading:
            return await read_entry_script(self._ctx, self._dump, entries)

    async def _send(
        self, target: Connection, lot: Sequence[DumpEntry], script: EntryScript
    ) -> None:
        self.left.update(entry.id for entry in lot if entry.id not in script.texts)
        for entry in lot:
            self._ctx.say(f"creating {entry.label(self._schemas)}")
        taken = await _Lot(target, script, self.left).send(lot)
        self.sent.update(entry.id for entry in taken)
        self._done(len(taken))


class _Lot:
    """Entries that are sent in one transaction."""

    def __init__(self, target: Connection, script: EntryScript, left: set[int]) -> None:
        self._target = target
        self._script = script
        self._left = left
        """IDs of entries that are left to pg_restore. What depends on one is as well."""
        self._released = 0
        """Entries of what was sent last that are complete."""
        self._spoken_of: set[int] = set()
        """Places in it of entries that the server has said something about."""

    async def send(self, lot: Sequence[DumpEntry]) -> list[DumpEntry]:
        """Carry out what can be, and commit it. Raises psycopg.Error."""
        while wanted := self._wanted(lot):
            taken, noted = await self._try(wanted)
            if not noted and await self._ends("COMMIT"):
                return taken
            # Only without these is it what pg_restore would do first.
            self._left.update(entry.id for entry in noted or taken)
            await self._ends("ROLLBACK")
        return []

    def _wanted(self, entries: Sequence[DumpEntry]) -> list[DumpEntry]:
        wanted = []
        for entry in entries:
            if entry.id in self._left or entry.depends_on & self._left:
                self._left.add(entry.id)
            else:
                wanted.append(entry)
        return wanted

    async def _try(self, wanted: list[DumpEntry]) -> tuple[list[DumpEntry], list[DumpEntry]]:
        """Carry them out in a transaction that stays open: those that are done, and those of them
        that the server had something to say about."""
        taken: list[DumpEntry] = []
        noted: list[DumpEntry] = []
        opening = ["BEGIN", *self._script.settings]
        while wanted:
            await self._run([*opening, *(part for entry in wanted for part in self._parts(entry))])
            taken += wanted[: self._released]
            noted += [wanted[place] for place in sorted(self._spoken_of) if place < self._released]
            if self._released < len(wanted):
                self._left.add(wanted[self._released].id)
            wanted = self._wanted(wanted[self._released + 1 :])
            opening = ["ROLLBACK TO SAVEPOINT entry"]
        return taken, noted

    def _parts(self, entry: DumpEntry) -> tuple[str, ...]:
        return "SAVEPOINT entry", self._script.texts[entry.id], "RELEASE SAVEPOINT entry"

    async def _ends(self, statement: str) -> bool:
        """End the transaction; whether it ended like that."""
        return statement in await self._run([statement])

    async def _run(self, statements: Iterable[str]) -> list[str]:
        """Send them at once; what the server has done. It does none behind one that it refuses."""
        self._released, self._spoken_of = 0, set()
        target = self._target
        target.add_notice_handler(self._note)
        try:
            async with target.lock:
                done = await target.wait(self._exchange(";\n".join(statements).encode()))
        finally:
            target.remove_notice_handler(self._note)
        if target.closed:
            raise OperationalError("the connection is lost")
        return done

    def _exchange(self, text: bytes) -> Generator[Any, Any, list[str]]:
        """psycopg's own query gives up all results where one of them is an error."""
        pgconn = self._target.pgconn
        pgconn.send_query(text)
        yield from send(pgconn)
        done: list[str] = []
        while (result := (yield from fetch(pgconn))) is not None:
            done.append((result.command_status or b"").decode())
            self._released += done[-1] == "RELEASE"
        return done

    def _note(self, _said: Diagnostic) -> None:
        self._spoken_of.add(self._released)
