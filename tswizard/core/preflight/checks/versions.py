"""Versions of PostgreSQL and TimescaleDB, and how the extension is installed."""

from collections.abc import Iterator

from tswizard.core.catalog.inventory import Inventory, Server
from tswizard.core.db.versions import version_key
from tswizard.core.model.finding import Finding
from tswizard.core.model.prepared import Prepared
from tswizard.core.model.wording import plural
from tswizard.core.preflight.check import FULL_ONLY, SPLIT_ONLY, AnyCheck, Check, SourceCheck
from tswizard.core.preflight.wording import fail, passed, some


def can_recreate(prepared: Prepared) -> bool:
    """Is the target empty, may our role drop the extension there, and does it offer the source's
    version?"""
    target = prepared.target_inventory
    wanted = prepared.inventory.server.timescaledb
    offered = wanted in target.server.timescaledb_offered
    return offered and not target.user_objects and _may_drop(prepared)


def _may_drop(prepared: Prepared) -> bool:
    """Only its owner may drop an extension; on Timescale Cloud no user owns it."""
    target = prepared.target_inventory
    owned = all(e.owned for e in target.extensions if e.name == "timescaledb")
    return owned or target.server.role.superuser


def recreates(prepared: Prepared) -> bool:
    """Is the extension on the target recreated at the source's version?"""
    wanted = _wanted(prepared) is not None
    return prepared.answers.recreate_extension and wanted and can_recreate(prepared)


def _wanted(prepared: Prepared) -> str | None:
    """The source's TimescaleDB, where the target has another version of it or none."""
    source = prepared.inventory.server.timescaledb
    return None if source == prepared.target_inventory.server.timescaledb else source


def _postgresql(prepared: Prepared) -> Iterator[Finding]:
    source, target = prepared.inventory.server, prepared.target_inventory.server
    if target.major < source.major:
        yield fail(
            "postgresql-older",
            f"The target's PostgreSQL {target.major} is older than the source's {source.major}.",
            where=prepared.target.label,
            why="A dump is restored into the same or a newer major version; an older one may not "
            "understand it.",
            todo=f"Use a target with PostgreSQL {source.major} or later, or upgrade it first.",
        )
        return
    yield passed(
        "postgresql",
        _versions(source.version.split()[0], target.version.split()[0]),
        where=prepared.target.label,
    )


def _versions(source: str, target: str) -> str:
    if source == target:
        return f"PostgreSQL {source} on source and target."
    return f"PostgreSQL {source} moves to {target}."


def _source_timescaledb(inventory: Inventory, where: str) -> Iterator[Finding]:
    server = inventory.server
    if server.timescaledb is None:
        yield fail(
            "source-timescaledb-missing",
            f"The source database {server.database} has no TimescaleDB.",
            where=where,
            why="There are no hypertables here, so this may be the wrong database.",
            todo="Check the database's name (on MST it is defaultdb); a database without "
            "TimescaleDB needs no more than pg_dump and pg_restore.",
        )


def _equal(prepared: Prepared) -> Iterator[Finding]:
    source = prepared.inventory.server.timescaledb
    if source is not None and _wanted(prepared) is None:
        yield passed(
            "timescaledb",
            f"TimescaleDB {source} on source and target.",
            where=prepared.target.label,
        )


def _recreatable(prepared: Prepared) -> Iterator[Finding]:
    wanted = _wanted(prepared)
    if wanted is None or not can_recreate(prepared):
        return
    target = prepared.target_inventory.server.timescaledb
    if recreates(prepared):
        yield passed(
            "timescaledb",
            f"TimescaleDB on the target will be recreated at {wanted}, the source's version.",
            where=prepared.target.label,
            why=f"It is {target or 'missing'} now; the target is empty and offers {wanted}.",
        )
    else:
        yield from _unequal(prepared, wanted)


def _not_recreatable(prepared: Prepared) -> Iterator[Finding]:
    wanted = _wanted(prepared)
    if wanted is not None and not can_recreate(prepared):
        yield from _unequal(prepared, wanted)


def _unequal(prepared: Prepared, wanted: str) -> Iterator[Finding]:
    target = prepared.target_inventory.server.timescaledb
    if target is None:
        yield fail(
            "target-timescaledb-missing",
            "The target database has no TimescaleDB.",
            where=prepared.target.label,
            why="Restore mode is a function of the extension, so it must be there before the "
            "restore.",
            todo=_to_version(prepared, wanted),
        )
    else:
        yield fail(
            "timescaledb-version",
            f"TimescaleDB is {wanted} on the source and {target} on the target.",
            where=prepared.target.label,
            why="A full migration restores TimescaleDB's own catalog, which only fits its own "
            "version (timescale/timescaledb#7383).",
            todo=_to_version(prepared, wanted),
        )


def _to_version(prepared: Prepared, version: str) -> str:
    server = prepared.target_inventory.server
    offered = server.timescaledb_offered
    if can_recreate(prepared):
        by_hand = f"CREATE EXTENSION timescaledb VERSION '{version}';"
        if server.timescaledb is None:
            return (
                f"Have tswizard create it at {version} (answer: recreate_extension): the target is "
                f"empty and offers that version. Or by hand: {by_hand}"
            )
        return (
            f"Have tswizard recreate it at {version} (answer: recreate_extension): the target is "
            "empty and offers that version. Or by hand: DROP EXTENSION timescaledb; and in a new "
            f"session {by_hand}"
        )
    if version in offered:
        if server.timescaledb is None:
            return f"On the target: CREATE EXTENSION timescaledb VERSION '{version}';"
        why = (
            "the target is not empty"
            if _may_drop(prepared)
            else f"{server.role.name} does not own it"
        )
        return (
            "Use the split method, which needs no equal versions, or a target with TimescaleDB "
            f"{version}. The extension on this target cannot be recreated: {why}."
        )
    target = server.timescaledb or next(reversed(offered), None)
    if target and version_key(version) < version_key(target):
        return _update_source(prepared.inventory.server, version, target)
    return (
        f"The target does not offer {version} but {some(offered[::-1]) or 'no TimescaleDB'}. "
        "Upgrade the target service, or use one that offers it."
    )


# The oldest PostgreSQL that a version of TimescaleDB is made for, by the first of these versions
# (CMakeLists.txt and .github/ci_settings.py of 2.9.3 to 2.29.0).
_OLDEST_POSTGRESQL = (((2, 29), 16), ((2, 20), 15), ((2, 16), 14), ((2, 12), 13))


def _update_source(source: Server, version: str, target: str) -> str:
    update = (
        f"ALTER EXTENSION timescaledb UPDATE TO '{target}'; as the first statement of a new session"
    )
    if target in source.timescaledb_offered:
        return f"The target does not offer {version}. Update the source first: {update}."
    split = "Use the split method, for which the versions may differ"
    oldest = next((pg for since, pg in _OLDEST_POSTGRESQL if version_key(target) >= since), 0)
    if source.major < oldest:
        return (
            f"The target does not offer {version}, and {target} needs PostgreSQL {oldest}; the "
            f"source has {source.major}. {split}; or upgrade the source to PostgreSQL {oldest} "
            f"first, then {update}."
        )
    return (
        f"The target does not offer {version}, nor the source {target}. {split}; or install "
        f"{target} on the source's server first, then {update}."
    )


def _may_differ(prepared: Prepared) -> Iterator[Finding]:
    wanted = _wanted(prepared)
    target = prepared.target_inventory.server.timescaledb
    if wanted is None:
        return
    if target is None:
        yield fail(
            "target-timescaledb-missing",
            "The target database has no TimescaleDB.",
            where=prepared.target.label,
            why="The extension creates the hypertables, so it must be there.",
            todo="On the target: CREATE EXTENSION timescaledb;",
        )
        return
    yield passed(
        "timescaledb",
        f"TimescaleDB {wanted} on the source, {target} on the target.",
        where=prepared.target.label,
        why="A split migration recreates hypertables, so the versions may differ.",
    )


def _schema(prepared: Prepared) -> Iterator[Finding]:
    source = prepared.inventory.server.timescaledb_schema
    target = prepared.target_inventory.server.timescaledb_schema or "public"
    if source is not None and source != target:
        yield fail(
            "timescaledb-schema",
            f'TimescaleDB is installed in schema "{source}" on the source and in "{target}" on the '
            "target.",
            where=prepared.target.label,
            why=f"Views and defaults of the dump call {source}.time_bucket and the like, which "
            "would not be found. Timescale Cloud has the extension in public only.",
            todo="Use a target where the extension may be created in that schema.",
        )


def _license_for_all(prepared: Prepared) -> Iterator[Finding]:
    source = prepared.inventory
    counted = (
        (len(source.caggs), "continuous aggregate", ""),
        (_with_compression(source), "hypertable with compression", "hypertables with compression"),
        (len(source.jobs), "job", ""),
    )
    used = [plural(number, one, many) for number, one, many in counted if number]
    if used:
        yield from _apache_only(prepared, f"the source uses {', '.join(used)}")


def _license_for_compression(prepared: Prepared) -> Iterator[Finding]:
    compressed = _with_compression(prepared.inventory)
    if compressed:
        tables = plural(compressed, "hypertable")
        yield from _apache_only(prepared, f"{tables} cannot be compressed there")


def _with_compression(inventory: Inventory) -> int:
    return sum(h.compression is not None for h in inventory.hypertables)


def _apache_only(prepared: Prepared, consequence: str) -> Iterator[Finding]:
    if prepared.target_inventory.server.license == "apache":
        yield fail(
            "target-license",
            f"The target's TimescaleDB has the Apache license only; {consequence}.",
            where=prepared.target.label,
            why="timescaledb.license is apache there, which leaves these features out.",
            todo="Use a target with the community license (timescaledb.license = timescale); "
            "Timescale Cloud has it.",
        )


VERSION_CHECKS: tuple[AnyCheck, ...] = (
    Check(gives=("postgresql", "postgresql-older"), run=_postgresql),
    SourceCheck(gives=("source-timescaledb-missing",), run=_source_timescaledb),
    Check(gives=("timescaledb",), run=_equal),
    Check(
        gives=("timescaledb", "timescaledb-version", "target-timescaledb-missing"),
        run=_recreatable,
        methods=FULL_ONLY,
        answered_by=("recreate_extension",),
    ),
    Check(
        gives=("timescaledb-version", "target-timescaledb-missing"),
        run=_not_recreatable,
        methods=FULL_ONLY,
    ),
    Check(gives=("timescaledb", "target-timescaledb-missing"), run=_may_differ, methods=SPLIT_ONLY),
    Check(gives=("timescaledb-schema",), run=_schema),
    Check(gives=("target-license",), run=_license_for_all, methods=FULL_ONLY),
    Check(gives=("target-license",), run=_license_for_compression, methods=SPLIT_ONLY),
)
