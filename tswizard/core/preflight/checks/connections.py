"""How the two databases are reached, and what state their servers are in."""

from collections.abc import Iterator

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.model.finding import Finding
from tswizard.core.model.prepared import Prepared
from tswizard.core.preflight.check import FULL_ONLY, AnyCheck, Check, Side, SourceCheck
from tswizard.core.preflight.wording import fail, look, passed


def _same_database(prepared: Prepared) -> Iterator[Finding]:
    identity = prepared.inventory.server.identity
    if identity and identity == prepared.target_inventory.server.identity:
        yield fail(
            "same-database",
            "Source and target are the same database.",
            where=prepared.target.label,
            why="Both addresses lead to the same database of the same running server.",
            todo="Give the new, empty service as the target.",
        )


def _encryption(prepared: Prepared) -> Iterator[Finding]:
    for endpoint in (prepared.source, prepared.target):
        if endpoint.raised_sslmode:
            yield passed(
                "sslmode-raised",
                f"sslmode is require instead of {endpoint.raised_sslmode}.",
                where=endpoint.label,
                why="The host is not this machine, so rows and passwords go over a network.",
            )


def _source_pooler(inventory: Inventory, where: str) -> Iterator[Finding]:
    if inventory.server.pooler:
        yield fail(
            "source-pooler",
            "The source's address is a connection pool, not the server.",
            where=where,
            why="A pool hands its connections from one server session to another, which breaks "
            "pg_dump and its snapshot.",
            todo="Give the service's own host and port. On MST the pool has a port of its own, and "
            "its name is used in place of the database's name.",
        )


def _target_pooler(prepared: Prepared) -> Iterator[Finding]:
    if prepared.target_inventory.server.pooler:
        yield fail(
            "target-pooler",
            "The target's address is a connection pool, not the server.",
            where=prepared.target.label,
            why="Restore mode and pg_restore need a session of their own, which a pool does not "
            "give.",
            todo="Give the service's own host and port.",
        )


def _source_restoring(inventory: Inventory, where: str) -> Iterator[Finding]:
    if inventory.server.restoring:
        yield fail(
            "source-restoring",
            "The source is in restore mode (timescaledb.restoring is on).",
            where=where,
            why="A restore into it was never finished. In restore mode jobs do not run and "
            "queries on hypertables can miss rows, so nothing read from it can be trusted.",
            todo="If no restore is running there: SELECT timescaledb_post_restore(); then try "
            "again.",
        )


def _target_restoring(prepared: Prepared) -> Iterator[Finding]:
    if prepared.target_inventory.server.restoring:
        yield fail(
            "target-restoring",
            "The target is in restore mode (timescaledb.restoring is on).",
            where=prepared.target.label,
            why="A restore into it was started and never finished, by hand or by another program.",
            todo="Run tswizard runs: if it lists a run for this target, tswizard resume RUN. If "
            "not, and no restore is running: SELECT timescaledb_post_restore(); then empty the "
            "database.",
        )


def _source_standby(inventory: Inventory, where: str) -> Iterator[Finding]:
    if inventory.server.in_recovery:
        yield look(
            "source-standby",
            "The source is a standby.",
            where=where,
            why="Reading from a standby works, but a query is canceled when the primary removes "
            "what it still reads, as retention does.",
            todo="Use the primary if you can. Otherwise pause retention and compression there by "
            "hand, and set max_standby_streaming_delay to -1 on the standby while the run reads "
            "it.",
        )


def _target_standby(prepared: Prepared) -> Iterator[Finding]:
    if prepared.target_inventory.server.in_recovery:
        yield fail(
            "target-standby",
            "The target is a standby, which cannot be written to.",
            where=prepared.target.label,
            why="pg_is_in_recovery() returns true.",
            todo="Give the primary's address.",
        )


def _standby_jobs(prepared: Prepared) -> Iterator[Finding]:
    if prepared.inventory.server.in_recovery and prepared.answers.pause_source_jobs:
        yield _read_only(prepared, "pause its jobs", "pause_source_jobs")


def _standby_chunks(prepared: Prepared) -> Iterator[Finding]:
    if prepared.inventory.server.in_recovery and prepared.answers.compress_first:
        yield _read_only(prepared, "compress its chunks", "compress_first")


def _read_only(prepared: Prepared, wish: str, answer: str) -> Finding:
    return fail(
        "standby-read-only",
        f"The source is a standby: tswizard cannot {wish}.",
        where=prepared.source.label,
        why="A standby is read-only.",
        todo=f"Leave that out (answer: {answer}), and do it on the primary by hand if you want it; "
        "or use the primary as the source.",
    )


CONNECTION_CHECKS: tuple[AnyCheck, ...] = (
    Check(
        gives=("same-database",),
        run=_same_database,
        blocks_trials=(Side.SOURCE, Side.TARGET),
        conclusive=True,
    ),
    Check(gives=("sslmode-raised",), run=_encryption),
    SourceCheck(gives=("source-pooler",), run=_source_pooler, blocks_trials=(Side.SOURCE,)),
    Check(gives=("target-pooler",), run=_target_pooler, blocks_trials=(Side.TARGET,)),
    SourceCheck(gives=("source-restoring",), run=_source_restoring),
    Check(gives=("target-restoring",), run=_target_restoring, blocks_trials=(Side.TARGET,)),
    SourceCheck(gives=("source-standby",), run=_source_standby, settled_by_check=True),
    Check(gives=("target-standby",), run=_target_standby, blocks_trials=(Side.TARGET,)),
    Check(gives=("standby-read-only",), run=_standby_jobs, answered_by=("pause_source_jobs",)),
    Check(
        gives=("standby-read-only",),
        run=_standby_chunks,
        methods=FULL_ONLY,
        answered_by=("compress_first",),
    ),
)
