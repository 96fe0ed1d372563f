"""The run's record on the target, with which any machine that reaches both databases can resume it.

It is written before the source is touched and after every step. A step whose end was not recorded
is repeated, which every step of a split migration can be. The process that runs the migration
holds a leader lock as long as it lives.
"""

from tswizard.core.db.connection import Connection, connect, connected, value
from tswizard.core.model.plan import Task
from tswizard.core.run.context import StepFailed, failed
from tswizard.core.run.record import record_to_text
from tswizard.core.run.run_folder import RunFolder
from tswizard.core.split.ledger.leader_lock import HeldSession, LeaderLock, acquire
from tswizard.core.split.ledger.plan_store import other_run, read_plan
from tswizard.core.steps.stored_run import (
    StoredRun,
    forget_finished_run,
    read_stored_run,
    write_stored_run,
)

_SAVE = """
UPDATE _tswizard.record SET record = %s, updated_at = pg_catalog.now()
WHERE run = %s AND location = %s
"""

# Does the target hold work of the recorded run: a plan, or a schema that was being restored?
_STARTED = """
SELECT pg_catalog.to_regclass('_tswizard.ledger') IS NOT NULL
  OR pg_catalog.to_regclass('_tswizard.schema_restore') IS NOT NULL
"""


class RunRecordStore:
    """Holds the leader lock of a run and keeps its record on the target up to date."""

    def __init__(self, task: Task, run_folder: RunFolder) -> None:
        self._task = task
        self._run_folder = run_folder
        self._target: Connection | None = None
        self._written = False
        self._outdated = False
        self._session = HeldSession()
        self.refused = False
        """Another process or run has the target: nothing may be changed from here anymore."""

    async def ensure_leader(self) -> None:
        """Hold the leader lock and have the record on the target; cheap if that is so already.

        Raises StepFailed if another process holds the lock or the target is another run's,
        CannotConnect, psycopg.Error.
        """
        if self._target is not None and not await self._session.lives(self._target):
            await self.close()
        if self._target is None and (self._task.concurrent or not self._written):
            await self._open()
        if self._outdated:
            await self.save()

    async def _open(self) -> None:
        target = await connect(self._task.target)
        try:
            await self._acquire(target)
        except BaseException as error:
            self.refused = isinstance(error, StepFailed)
            await target.close()
            raise
        self.refused = False
        if self._task.concurrent:
            self._target = target
        else:  # one backend for all sessions: an open connection blocks the others
            await target.close()

    async def _acquire(self, target: Connection) -> None:
        run, where = self._run_folder.record.id, self._task.target.label
        await forget_finished_run(target, run)
        plan = await read_plan(target)
        if self._task.concurrent and not await acquire(target, LeaderLock.RUN):
            stored = await read_stored_run(target)
            raise failed(
                "target-busy",
                "Another tswizard process is running a migration on this target"
                + (f": {stored.record.id}, in {stored.location}." if stored else "."),
                where=where,
                todo="Wait for it, or add workers with tswizard join.",
            )
        stored = await read_stored_run(target)  # as the lock's last holder left it
        other = plan.run if plan else stored.record.id if stored else run
        if other != run and (await value(target, _STARTED) or _has_paused_jobs(stored)):
            raise other_run(other, where)
        if self._written and stored is not None and stored.location != self._run_folder.location:
            raise failed(
                "taken-over",
                f"This run has since been resumed on {stored.location}.",
                where=where,
                todo="Continue there, or resume it here, which starts from what was done there.",
            )
        await self._write(target)

    async def _write(self, target: Connection) -> None:
        folder = self._run_folder
        run = StoredRun(folder.location, folder.record, self._task.inventory)
        await write_stored_run(target, run)
        self._written, self._outdated = True, False

    async def save(self) -> None:
        """Bring the record on the target up to date. Raises CannotConnect, psycopg.Error."""
        if not self._written or self.refused:
            return
        self._outdated = True
        record = self._run_folder.record
        args = (record_to_text(record), record.id, self._run_folder.location)
        if self._task.concurrent:
            if self._target is None:
                await self._open()
            assert self._target is not None
            await self._target.execute(_SAVE, args)
            self._session.answered()
        else:
            async with connected(self._task.target) as target:
                await target.execute(_SAVE, args)
        self._outdated = False

    async def close(self) -> None:
        """Release the leader lock."""
        if self._target is not None:
            target, self._target = self._target, None
            self._session = HeldSession()
            await target.close()


def _has_paused_jobs(stored: StoredRun | None) -> bool:
    """Has that run paused jobs of its source, which nobody else would resume?"""
    return bool(stored and stored.record.paused_source_jobs)
