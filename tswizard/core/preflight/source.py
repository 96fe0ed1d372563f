"""Hazards of a source by itself, from its inventory alone.

Each check is a function from the inventory to findings; nothing here asks a server.
"""

from collections.abc import Callable, Iterator

from tswizard.core.catalog.inventory import Inventory, TableKind
from tswizard.core.catalog.nulls import FIXED, SECONDS
from tswizard.core.db.versions import version_key
from tswizard.core.model.finding import Finding
from tswizard.core.model.wording import plural, size
from tswizard.core.preflight.not_dumped import not_carried
from tswizard.core.preflight.wording import fail, look, passed, some

Check = Callable[[Inventory, str], Iterator[Finding]]


def findings_of_source(inventory: Inventory, where: str = "the source") -> tuple[Finding, ...]:
    """Everything about this source that a user should know before moving it, gravest first
    within each subject. `where` is how findings name it."""
    return tuple(finding for check in _CHECKS for finding in check(inventory, where))


def _timescaledb(inventory: Inventory, where: str) -> Iterator[Finding]:
    server = inventory.server
    if server.timescaledb is None:
        yield fail(
            "source-timescaledb-missing",
            f"The source database {server.database} has no TimescaleDB.",
            where,
            "There are no hypertables here, so this may be the wrong database.",
            "Check the database's name (on MST it is defaultdb); a database without TimescaleDB "
            "moves with pg_dump and pg_restore alone.",
        )


def _connection(inventory: Inventory, where: str) -> Iterator[Finding]:
    server = inventory.server
    if server.pooler:
        yield fail(
            "source-pooler",
            "The source's address is a connection pool, not the server.",
            where,
            "Its connections are handed from one server session to another, which breaks pg_dump "
            "and its snapshot.",
            "Give the service's own host and port. On MST the pool has a port of its own, and its "
            "name stands where the database's name belongs.",
        )
    if server.restoring:
        yield fail(
            "source-restoring",
            "The source is in restore mode (timescaledb.restoring is on).",
            where,
            "A restore into it was never finished. While the mode is on, jobs stand still and "
            "queries on hypertables can miss rows, so nothing read from it can be trusted.",
            "If no restore is running there: SELECT timescaledb_post_restore(); then try again.",
        )
    if server.in_recovery:
        unlogged = [t.label for t in inventory.tables if t.unlogged]
        lost = f" Rows of unlogged tables are left out there: {some(unlogged)}." if unlogged else ""
        yield look(
            "source-standby",
            "The source is a standby.",
            where,
            "pg_dump works on a standby, but the primary can cancel it when it removes what the "
            f"dump still reads, as retention does.{lost}",
            "Better take the primary. Else pause retention and compression there by hand, and "
            "set max_standby_streaming_delay to -1 on the standby for the time of the dump.",
            unlogged,
        )


def _refused(inventory: Inventory, where: str) -> Iterator[Finding]:
    if inventory.distributed:
        nodes = [h.label for h in inventory.hypertables if h.distributed]
        yield fail(
            "multi-node",
            "The source is a multi-node database.",
            where,
            "Its rows are on data nodes, so a dump of it holds none of them, and TimescaleDB 2.14 "
            "and later know no distributed hypertables.",
            "First turn them into plain hypertables on a single node (copy them with "
            "INSERT … SELECT), then move that.",
            nodes,
        )
    if inventory.tiered:
        tiered = [h.label for h in inventory.hypertables if h.tiered]
        yield fail(
            "tiered-data",
            f"Part of {some(tiered)} is in object storage (tiered).",
            where,
            "Tiered chunks are not in the database's files: a dump holds none of their rows.",
            "Bring them back first: CALL untier_chunk('…') for each chunk in "
            "timescaledb_osm.tiered_chunks, and remove the tiering policy.",
            tiered,
        )


def _rights(inventory: Inventory, where: str) -> Iterator[Finding]:
    role = inventory.server.role
    unreadable = inventory.extras.unreadable
    if unreadable:
        yield fail(
            "source-unreadable",
            f"{role.name} may not read {some(unreadable)}.",
            where,
            "pg_dump stops at the first table or sequence that it may not read "
            "(for TimescaleDB's own tables: timescale/timescaledb#5449).",
            f'Connect as their owner, or grant it: GRANT SELECT ON … TO "{role.name}"; and USAGE '
            "on their schemas.",
            unreadable,
        )
    filtered = inventory.extras.filtered
    if filtered:
        yield fail(
            "source-row-security",
            f"Row security would hide rows of {some(filtered)} from {role.name}.",
            where,
            "pg_dump refuses such tables rather than dump a part of them.",
            f'Connect as their owner, or: ALTER ROLE "{role.name}" BYPASSRLS;',
            filtered,
        )
    if not unreadable and not filtered:
        yield passed("source-rights", f"{role.name} may read everything in the source.", where)


def _null_compressed(inventory: Inventory, where: str) -> Iterator[Finding]:
    version = inventory.server.timescaledb or ""
    certain, unchecked = inventory.null_compressed, inventory.null_unchecked
    cause = (
        f"TimescaleDB {version} stores a compressed column that is all NULL in a form that it "
        "cannot restore: COPY fails and the chunk arrives empty (timescale/timescaledb#8893, "
        f"fixed by #8153 in {FIXED})."
    )
    cure = (
        f"Update TimescaleDB on the source to {FIXED} or later first, and take the same version on "
        "the target; or decompress their chunks before the dump (decompress_chunk)."
    )
    if certain:
        yield look(
            "null-compressed",
            f"Compressed rows of {some(certain)} will be lost by the restore.",
            where,
            cause,
            cure,
            certain,
        )
    if unchecked:
        yield look(
            "null-compressed-unknown",
            f"Compressed rows of {some(unchecked)} may be lost by the restore.",
            where,
            f"{cause} Looking through them took more than {SECONDS} s, so it is not known "
            "whether they hold such columns.",
            cure,
            unchecked,
        )


def _chunk_skipping(inventory: Inventory, where: str) -> Iterator[Finding]:
    version = inventory.server.timescaledb
    names = inventory.extras.skipping
    if names and version and version_key(version) < (2, 20, 3):
        yield look(
            "chunk-skipping",
            f"Chunk skipping on {some(names)} will not be restored.",
            where,
            f"TimescaleDB {version} keeps it in a row that breaks a foreign key of its own "
            "catalog (chunk_column_stats; timescale/timescaledb#8130, fixed in 2.20.3). No rows "
            "of yours are lost.",
            "Update the source to 2.20.3 or later first; or switch it off there with "
            "disable_chunk_skipping, and on again on the target with enable_chunk_skipping.",
            names,
        )


def _old_caggs(inventory: Inventory, where: str) -> Iterator[Finding]:
    old = [c.label for c in inventory.caggs if not c.finalized]
    if old:
        yield look(
            "old-aggregates",
            f"{some(old)}: continuous aggregate of the old format (finalized = false).",
            where,
            "A full migration carries it as it is, but later versions of TimescaleDB refuse it, "
            "so the target could not be updated.",
            "Better turn it into the new format on the source first: CALL cagg_migrate('…');",
            old,
        )


def _locks(inventory: Inventory, where: str) -> Iterator[Finding]:
    compressed = sum(
        c.compressed_table is not None for h in inventory.hypertables for c in h.chunks
    )
    chunks = sum(len(h.chunks) for h in inventory.hypertables)
    needed = len(inventory.tables) + len(inventory.hypertables) + chunks + compressed
    slots = inventory.extras.lock_slots
    if needed <= slots or not slots:
        return
    tell = fail if needed > 2 * slots else look
    yield tell(
        "source-locks",
        f"A dump locks {plural(needed, 'table')} at once; the source has room for about "
        f"{plural(slots, 'lock')}.",
        where,
        'pg_dump would stop with "out of shared memory … increase max_locks_per_transaction".',
        "Raise max_locks_per_transaction on the source to at least "
        f"{-(-needed // slots)} times its present value; that needs a restart.",
    )


def _notes(inventory: Inventory, where: str) -> Iterator[Finding]:
    if inventory.large_objects:
        yield passed(
            "large-objects",
            f"{plural(inventory.large_objects, 'large object')} will come across with the dump.",
            where,
        )
    unlogged = [t.label for t in inventory.tables if t.unlogged]
    if unlogged and not inventory.server.in_recovery:
        yield passed(
            "unlogged-tables",
            f"{some(unlogged)}: unlogged, and will be so on the target; rows come across too.",
            where,
        )
    foreign = [t.label for t in inventory.tables if t.kind is TableKind.FOREIGN]
    if foreign:
        yield passed(
            "foreign-tables",
            f"{some(foreign)}: foreign; the definition moves, the rows stay where they are.",
            where,
        )
    own = sum(h.cagg is None for h in inventory.hypertables)
    yield passed(
        "source-size",
        f"{plural(own, 'hypertable')}, {plural(len(inventory.caggs), 'continuous aggregate')}, "
        f"{plural(len(inventory.tables), 'table')}, {plural(len(inventory.jobs), 'job')}: "
        f"{size(inventory.stored_bytes)} as stored.",
        where,
    )


_CHECKS: tuple[Check, ...] = (
    _connection,
    _timescaledb,
    _refused,
    _rights,
    _null_compressed,
    _chunk_skipping,
    _old_caggs,
    _locks,
    not_carried,
    _notes,
)
