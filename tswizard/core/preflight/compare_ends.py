"""Both ends against each other, from their two inventories alone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.db.versions import version_key
from tswizard.core.model.answers import Answers
from tswizard.core.model.finding import Finding
from tswizard.core.model.wording import plural
from tswizard.core.preflight.wording import fail, look, passed, some


@dataclass(frozen=True, slots=True)
class Pair:
    """Source and target with the names that findings give them."""

    source: Inventory
    target: Inventory
    source_label: str
    target_label: str
    answers: Answers

    @property
    def same(self) -> bool:
        """Both endpoints lead to one database."""
        identity = self.source.server.identity
        return bool(identity) and identity == self.target.server.identity

    @property
    def split(self) -> bool:
        """Hypertables are made anew, so TimescaleDB's own catalog does not travel."""
        return self.answers.method == "split"

    @property
    def recreates(self) -> bool:
        """The extension on the target is to be made anew at the source's version."""
        wanted = self.source.server.timescaledb
        differs = wanted != self.target.server.timescaledb
        return self.answers.recreate_extension and differs and self.can_recreate

    @property
    def can_recreate(self) -> bool:
        """The target is empty and offers the source's version."""
        offered = self.target.server.timescaledb_offered
        return not self.target.user_objects and self.source.server.timescaledb in offered


Check = Callable[[Pair], Iterator[Finding]]


def compare(pair: Pair) -> Iterator[Finding]:
    """Every finding that the two inventories give."""
    if pair.same:
        yield fail(
            "same-database",
            "Source and target are the same database.",
            pair.target_label,
            "Both addresses lead to the same database of the same running server.",
            "Give the new, empty service as the target.",
        )
        return
    for check in _CHECKS:
        yield from check(pair)


def _target_connection(pair: Pair) -> Iterator[Finding]:
    server = pair.target.server
    if server.pooler:
        yield fail(
            "target-pooler",
            "The target's address is a connection pool, not the server.",
            pair.target_label,
            "Restore mode and pg_restore need a session of their own, which a pool does not give.",
            "Give the service's own host and port.",
        )
    if server.in_recovery:
        yield fail(
            "target-standby",
            "The target is a standby, which cannot be written to.",
            pair.target_label,
            "pg_is_in_recovery() says so.",
            "Give the primary's address.",
        )
    if server.restoring:
        yield fail(
            "target-restoring",
            "The target is in restore mode (timescaledb.restoring is on).",
            pair.target_label,
            "A restore into it was started and never finished, by hand or by another program.",
            "If that restore is over: SELECT timescaledb_post_restore(); and empty the database. "
            "If it was a run of tswizard, resume that: tswizard runs",
        )


def _empty(pair: Pair) -> Iterator[Finding]:
    target = pair.target
    if not target.user_objects:
        yield passed("target-empty", "The target is empty.", pair.target_label)
        return
    caggs = {c.label for c in target.caggs}
    there = [f"hypertable {h.label}" for h in target.hypertables if h.label not in caggs]
    there += [f"continuous aggregate {label}" for label in sorted(caggs)]
    there += [f"{t.kind} {t.label}" for t in target.tables]
    there += [f"sequence {s.schema}.{s.name}" for s in target.sequences]
    there += target.extras.objects
    yield fail(
        "target-not-empty",
        f"The target is not empty: {some(there)}.",
        pair.target_label,
        "A full restore creates everything anew; what is there already would clash or be mixed "
        "with it. Nothing of it was touched.",
        "Take a new service or another database, or drop these objects yourself.",
        there,
    )


def _postgresql(pair: Pair) -> Iterator[Finding]:
    source, target = pair.source.server, pair.target.server
    if target.major < source.major:
        yield fail(
            "postgresql-older",
            f"The target's PostgreSQL {target.major} is older than the source's {source.major}.",
            pair.target_label,
            "A dump is restored into the same or a newer major version; an older one may not know "
            "what it says.",
            f"Take a target with PostgreSQL {source.major} or later, or upgrade it first.",
        )
        return
    yield passed(
        "postgresql",
        f"PostgreSQL {source.version.split()[0]} moves to {target.version.split()[0]}.",
        pair.target_label,
    )


def _timescaledb(pair: Pair) -> Iterator[Finding]:
    source, target = pair.source.server.timescaledb, pair.target.server.timescaledb
    if pair.split and target is not None:
        yield passed(
            "timescaledb",
            f"TimescaleDB {source} on the source, {target} here.",
            pair.target_label,
            "A split migration makes hypertables anew and needs no equal versions.",
        )
        return
    if source is None or (source == target):
        if source:
            yield passed("timescaledb", f"TimescaleDB {source} on both ends.", pair.target_label)
        return
    if pair.recreates:
        yield passed(
            "timescaledb",
            f"TimescaleDB on the target will be made anew at {source}, the source's version.",
            pair.target_label,
            f"It is {target or 'missing'} now; the target is empty and offers {source}.",
        )
        yield from _may_drop(pair)
        return
    id, what = "timescaledb-version", f"TimescaleDB is {source} on the source and {target} here."
    why = (
        "A full migration restores TimescaleDB's own catalog, which fits its own version only "
        "(timescale/timescaledb#7383)."
    )
    if target is None:
        id, what = "target-timescaledb-missing", "The target database has no TimescaleDB."
        why = "Restore mode is a function of the extension, so it must be there before the dump."
        if pair.split:
            why = "Hypertables are made by the extension, so it must be there."
            todo = "On the target: CREATE EXTENSION timescaledb;"
            yield fail(id, what, pair.target_label, why, todo)
            return
    yield fail(id, what, pair.target_label, why, _same_version(pair, source))


def _may_drop(pair: Pair) -> Iterator[Finding]:
    role = pair.target.server.role
    closed = [e for e in pair.target.extensions if e.name == "timescaledb" and not e.owned]
    if closed and not role.superuser:
        yield look(
            "recreate-rights",
            f"{role.name} does not own the extension on the target and may not be let drop it.",
            pair.target_label,
            "DROP EXTENSION takes its owner. If it is refused, the run stops at its first step "
            "with nothing changed.",
            "Have somebody who may make it anew at the source's version, before the run.",
        )


def _same_version(pair: Pair, version: str) -> str:
    if pair.can_recreate:
        return (
            "Answer recreate_extension with yes: the target is empty and offers that version, "
            "so tswizard makes the extension anew at it. Or by hand: DROP EXTENSION "
            f"timescaledb; and in a new session CREATE EXTENSION timescaledb VERSION '{version}';"
        )
    offered = pair.target.server.timescaledb_offered
    if version in offered:
        return f"The target offers {version}: empty the target, then take recreate_extension."
    target = pair.target.server.timescaledb or (offered[-1] if offered else "")
    if target and version_key(version) < version_key(target):
        return (
            f"The target does not offer {version}. Update the source first: ALTER EXTENSION "
            f"timescaledb UPDATE TO '{target}'; as the first statement of a new session."
        )
    return (
        f"The target does not offer {version} but {some(offered[::-1]) or 'no TimescaleDB'}. "
        "Upgrade the target service, or take one that offers it."
    )


def _schema(pair: Pair) -> Iterator[Finding]:
    source = pair.source.server.timescaledb_schema
    target = pair.target.server.timescaledb_schema or "public"
    if source is not None and source != target:
        yield fail(
            "timescaledb-schema",
            f'TimescaleDB lives in schema "{source}" on the source and in "{target}" here.',
            pair.target_label,
            f"Views, aggregates and defaults of the dump call {source}.time_bucket and the like, "
            "which would not be found. Timescale Cloud has the extension in public only.",
            "Take a target where the extension may be created in that schema.",
        )


def _licence(pair: Pair) -> Iterator[Finding]:
    licence = pair.target.server.license
    if licence != "apache":
        return
    source = pair.source
    used = []
    if source.caggs and not pair.split:
        used.append(plural(len(source.caggs), "continuous aggregate"))
    compressed = sum(h.compression is not None for h in source.hypertables)
    if compressed:
        used.append(plural(compressed, "hypertable") + " with compression")
    if source.jobs and not pair.split:
        used.append(plural(len(source.jobs), "job"))
    if used:
        yield fail(
            "target-licence",
            f"The target's TimescaleDB has the Apache licence only; the source uses "
            f"{', '.join(used)}.",
            pair.target_label,
            "timescaledb.license is apache there, so these are not supported.",
            "Take a target with the community licence (timescaledb.license = timescale); "
            "Timescale Cloud has it.",
        )


def _extensions(pair: Pair) -> Iterator[Finding]:
    offered = {extension.name: extension for extension in pair.target.offered}
    installed = {extension.name for extension in pair.target.extensions}
    for extension in pair.source.extensions:
        if extension.name == "timescaledb" or extension.name in installed:
            continue
        if extension.name not in offered:
            tell = fail if extension.used else look
            yield tell(
                "extension-missing",
                f"The target does not offer the extension {extension.name} {extension.version}.",
                pair.target_label,
                "Objects of the source use it and could not be restored."
                if extension.used
                else "Nothing in the source's catalog depends on it; functions may still call it.",
                f"Take a target that offers it, or drop it on the source if it is not needed: "
                f'DROP EXTENSION "{extension.name}";',
            )
            continue
        newest = offered[extension.name].default
        if version_key(newest) < version_key(extension.version):
            yield look(
                "extension-older",
                f"The extension {extension.name} is {extension.version} on the source; the target "
                f"would install {newest}.",
                pair.target_label,
                "A dump names no versions of extensions, so the target takes its own.",
                "Check that what you use of it is in that version.",
            )


def _roles(pair: Pair) -> Iterator[Finding]:
    have = set(pair.target.roles)
    owners = {job.owner for job in pair.source.jobs if job.owner_by_oid} - have
    if owners and not pair.split:
        names = sorted(owners)
        jobs = sum(job.owner in owners for job in pair.source.jobs)
        yield fail(
            "job-owners-missing",
            f"The target lacks {some(names)}, owner of {plural(jobs, 'job')} of the source.",
            pair.target_label,
            "TimescaleDB stores a job's owner as a role, so the restore of its job table fails "
            "as a whole and all jobs and policies are lost.",
            "Create them on the target (without passwords; set those yourself): "
            + " ".join(_create(names)),
            _create(names),
        )
    told = set() if pair.split else owners
    missing = sorted(set(pair.source.roles_granted) - have - told)
    if missing:
        yield look(
            "roles-missing",
            f"Roles that the source names and the target lacks: {some(missing)}.",
            pair.target_label,
            "Each of their grants becomes an error of the restore, and is then missing. What they "
            "own will belong to the role that restores.",
            "Create them on the target before (without passwords; set those yourself): "
            + " ".join(_create(missing)),
            _create(missing),
        )


def _create(names: list[str]) -> tuple[str, ...]:
    quoted = (name.replace('"', '""') for name in names)
    return tuple(f'CREATE ROLE "{name}" NOLOGIN;' for name in quoted)


def _job_owners(pair: Pair) -> Iterator[Finding]:
    role = pair.target.server.role
    have = set(pair.target.roles)
    others = sorted({j.owner for j in pair.source.jobs} & have - {role.name})
    if others and not role.superuser and not pair.split:
        jobs = [f"job {j.id} ({j.what}), owner {j.owner}" for j in pair.source.jobs]
        yield look(
            "job-owners",
            f"Some jobs belong to {some(others)}; what they work on will belong to {role.name}.",
            pair.target_label,
            "A restore without owners gives every table to the role that restores, and a job may "
            "only work on what its owner owns.",
            "After the run, give those jobs or tables to the right role (ALTER TABLE … OWNER TO).",
            [text for text, job in zip(jobs, pair.source.jobs, strict=True) if job.owner in others],
        )


def _text(pair: Pair) -> Iterator[Finding]:
    source, target = pair.source.server, pair.target.server
    if source.encoding != target.encoding:
        cause = (
            "The source's SQL_ASCII keeps bytes as they came, so nobody has checked them."
            if source.encoding == "SQL_ASCII"
            else "Text is converted on the way; a character that the target cannot hold is an "
            "error, and its table stays empty."
        )
        if source.encoding == "SQL_ASCII" or target.encoding != "UTF8":
            yield look(
                "encoding",
                f"Encoding: {source.encoding} on the source, {target.encoding} here.",
                pair.target_label,
                cause,
                f"Better take a target database with encoding {source.encoding}"
                + ("." if source.encoding == "UTF8" else ", or UTF8 after checking the text."),
            )
    ours = (source.collate, source.ctype, pair.source.extras.locale_provider)
    theirs = (target.collate, target.ctype, pair.target.extras.locale_provider)
    if ours[0] != theirs[0] or (ours[2] and theirs[2] and ours[2] != theirs[2]):
        yield look(
            "collation",
            f"Text sorts by {_locale(ours)} on the source and by {_locale(theirs)} here.",
            pair.target_label,
            "ORDER BY, ranges and LIKE on text can give other results than before. Rows are the "
            "same, and indexes are built anew.",
            "If it matters, create the target database with the source's collation.",
        )


def _locale(locale: tuple[str, str, str]) -> str:
    return f"{locale[0]} ({locale[2]})" if locale[2] else locale[0]


def _tablespaces(pair: Pair) -> Iterator[Finding]:
    missing = sorted(set(pair.source.extras.tablespaces) - set(pair.target.extras.all_tablespaces))
    if missing:
        yield look(
            "tablespaces",
            f"Tablespaces that the target lacks: {some(missing)}.",
            pair.target_label,
            "What lies in them on the source goes to the target's default tablespace, and each "
            "mention becomes an error of the restore. Timescale Cloud has no tablespaces.",
            "Nothing, unless you need them: then create them on the target first.",
            missing,
        )


_CHECKS: tuple[Check, ...] = (
    _target_connection,
    _empty,
    _postgresql,
    _timescaledb,
    _schema,
    _licence,
    _extensions,
    _roles,
    _job_owners,
    _text,
    _tablespaces,
)
