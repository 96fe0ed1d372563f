"""What has happened on the source since the snapshot that dump and check share."""

from collections.abc import Mapping
from dataclasses import dataclass

from tswizard.core.model.finding import Finding
from tswizard.core.verify.database_reader import DatabaseReader, open_reader
from tswizard.core.verify.request import VerifyJob
from tswizard.core.verify.rows.compare import SetResult
from tswizard.core.verify.rows.row_sets import RowSet, SetName
from tswizard.core.verify.rows.written_since import WritesSince, newer_rows
from tswizard.core.verify.schema.newer_objects import newer_objects
from tswizard.core.verify.schema.read import Object, ObjectKey, read_own_objects


@dataclass(frozen=True, slots=True)
class SourceThen:
    """The source as the snapshot shows it."""

    objects: Mapping[ObjectKey, Object]
    """Without those of internal relations."""
    sets: tuple[RowSet, ...]
    """All, whether or not they are compared."""


async def read_changes(
    job: VerifyJob, then: SourceThen, results: tuple[SetResult, ...]
) -> tuple[tuple[Finding, ...], dict[SetName, WritesSince]]:
    """Objects that have changed, and rows that were written. Nothing without a snapshot, nor when
    nothing was committed since. Raises psycopg.Error, VerifyStopped."""
    if job.snapshot is None:
        return (), {}
    async with (
        open_reader("source", job.source, job.snapshot) as before,
        open_reader("source", job.source) as now,
    ):
        if not job.inventory.server.in_recovery and await _commits(before) == await _commits(now):
            return (), {}
        findings = newer_objects(then.objects, await now.run(read_own_objects), job.source.label)
        newer = await newer_rows(job, results, then.sets, (before, now), altered=bool(findings))
        return findings, newer


# A standby's snapshot does not list the transactions that were running on its primary.
_COMMITS = "SELECT pg_catalog.txid_current_snapshot()::text"


async def _commits(reader: DatabaseReader) -> str:
    """Equal for two sessions if no transaction has written anything between their snapshots, in
    any database of the server."""
    return str((await reader.fetch(_COMMITS))[0][0])
