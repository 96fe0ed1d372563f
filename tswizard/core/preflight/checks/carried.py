"""What a dump and a restore by themselves would lose or change, and what is done about it: worth
knowing, and no reason to hesitate."""

from collections.abc import Iterator

from tswizard.core.catalog.chunk_buckets import chunk_widths
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.model.finding import Finding
from tswizard.core.model.kept_history import kept_caggs
from tswizard.core.model.prepared import Prepared
from tswizard.core.model.wording import plural
from tswizard.core.preflight.check import FULL_ONLY, SPLIT_ONLY, AnyCheck, Check, SourceCheck
from tswizard.core.preflight.wording import passed, some


def _constraints(inventory: Inventory, where: str) -> Iterator[Finding]:
    own = [c for c in inventory.constraints if not c.incoming]
    if own:
        yield passed(
            "hypertable-constraints",
            f"{plural(len(own), 'constraint')} of hypertables: added from the source's catalog.",
            where=where,
            why="A dump adds them by ALTER TABLE ONLY, which a hypertable refuses "
            "(timescale/timescaledb#4917). Those of compressed hypertables come before their rows.",
            details=[c.label for c in own],
        )
    waiting = [c for c in own if not c.validated]
    if waiting:
        yield passed(
            "not-valid-constraints",
            f"{plural(len(waiting), 'constraint')} NOT VALID: added after the rows, which may "
            "violate them; chunks of these hypertables are compressed only then.",
            where=where,
            details=[c.label for c in waiting],
        )


def _keys_to_hypertables(inventory: Inventory, where: str) -> Iterator[Finding]:
    keys = [c for c in inventory.constraints if c.kind == "f" and c.incoming]
    if keys:
        yield passed(
            "foreign-keys-to-hypertables",
            f"{plural(len(keys), 'foreign key')} to hypertables: added when restore mode is over.",
            where=where,
            why="In restore mode a hypertable shows none of its rows, so the restore itself could "
            "not add them.",
            details=[c.label for c in keys],
        )


def _dependents(inventory: Inventory, where: str) -> Iterator[Finding]:
    found = inventory.cagg_dependents
    if found:
        yield passed(
            "views-on-continuous-aggregates",
            f"{plural(len(found), 'view or routine', 'views and routines')} on continuous "
            "aggregates: restored after the continuous aggregates.",
            where=where,
            why="In the order of the dump they would fail, and nobody would create them again.",
            details=[dependent.label for dependent in found],
        )


def _sequences(inventory: Inventory, where: str) -> Iterator[Finding]:
    found = [s for s in inventory.sequences if s.readable]
    if found:
        yield passed(
            "sequences-set",
            f"{plural(len(found), 'sequence')}: set to the source's values after the rows.",
            where=where,
            why="A dump of the schema leaves them at their start, and the next insert would fail.",
            details=[s.label for s in found],
        )


def _generated(inventory: Inventory, where: str) -> Iterator[Finding]:
    found = inventory.extras.generated
    if found:
        yield passed(
            "generated-columns",
            f"{plural(len(found), 'generated column')}: not copied, computed on the target.",
            where=where,
            details=found,
        )


def _settings(inventory: Inventory, where: str) -> Iterator[Finding]:
    caggs = inventory.caggs
    if not caggs:
        return
    live = sum(not cagg.materialized_only for cagg in caggs)
    packed = sum(cagg.compressed for cagg in caggs)
    yield passed(
        "cagg-settings",
        f"{plural(len(caggs), 'continuous aggregate')} ({live} real-time, {packed} with "
        "compression): recreated with every setting and index.",
        where=where,
        why="Recreated from their definition alone, real-time ones would turn into materialized "
        "only, and compression and indexes would be lost.",
        details=[
            f"{c.label}: {'materialized only' if c.materialized_only else 'real-time'}, "
            f"{plural(len(c.indexes), 'index', 'indexes')}"
            for c in caggs
        ],
    )
    secured = {h.label for h in inventory.hypertables if h.row_security}
    if under := [cagg.label for cagg in caggs if cagg.hypertable in secured]:
        yield passed(
            "cagg-row-security",
            f"{some(under)} on hypertables with row-level security: created before that.",
            where=where,
            why="TimescaleDB creates no continuous aggregate on such a hypertable.",
            details=under,
        )


def _history(prepared: Prepared) -> Iterator[Finding]:
    kept = [
        cagg
        for cagg in kept_caggs(prepared.inventory, prepared.answers)
        if cagg.state is not None and cagg.state.history
    ]
    if kept:
        yield passed(
            "history-kept",
            f"{plural(len(kept), 'continuous aggregate')} with history whose raw rows are gone: "
            "copied as stored.",
            where=prepared.source.label,
            why="Computed from the raw rows they would lose it. Watermarks and valid ranges are "
            "set as on the source, so that no refresh removes it there.",
            details=[cagg.label for cagg in kept],
        )


def _invalid(inventory: Inventory, where: str) -> Iterator[Finding]:
    pending = [
        f"{cagg.label}: {plural(len(cagg.state.invalid), 'range')}"
        for cagg in inventory.caggs
        if cagg.state is not None and cagg.state.invalid
    ]
    if pending:
        yield passed(
            "cagg-invalid-ranges",
            f"{plural(len(pending), 'continuous aggregate')} with ranges not refreshed yet: they "
            "stay invalid on the target, and the next refresh computes them.",
            where=where,
            details=pending,
        )


def _chunks(inventory: Inventory, where: str) -> Iterator[Finding]:
    own = [h for h in inventory.hypertables if h.cagg is None]
    several = [(h, number) for h in own if (number := chunk_widths(h)) > 1]
    if several:
        yield passed(
            "chunk-intervals",
            f"{some([h.label for h, _ in several])}: chunks with an earlier chunk interval keep "
            "it.",
            where=where,
            why="Only the current interval is a setting; rows inserted into a new hypertable would "
            "get chunks of that one.",
            details=[f"{h.label}: {number} widths" for h, number in several],
        )
    partial = [(h, sum(c.partial for c in h.chunks)) for h in own]
    partial = [(h, number) for h, number in partial if number]
    if partial:
        mixed = plural(
            sum(n for _, n in partial),
            "compressed chunk that also holds",
            "compressed chunks that also hold",
        )
        yield passed(
            "partial-chunks",
            f"{mixed} uncompressed rows: all rows are copied.",
            where=where,
            details=[f"{h.label}: {plural(n, 'chunk')}" for h, n in partial],
        )
    functions = [
        f"{h.label}: {d.column} by {d.partitioning_function}"
        for h in own
        for d in h.dimensions
        if d.partitioning_function
    ]
    if functions:
        yield passed(
            "partitioning-functions",
            f"{plural(len(functions), 'dimension')} with a partitioning function of yours: "
            "recreated with it.",
            where=where,
            details=functions,
        )


def _jobs_paused(prepared: Prepared) -> Iterator[Finding]:
    if not prepared.answers.pause_source_jobs:
        return
    jobs = [j for j in prepared.inventory.jobs if j.scheduled and j.kind.paused_on_source]
    if jobs:
        counted = plural(
            len(jobs),
            "job of the source that drops or rewrites chunks",
            "jobs of the source that drop or rewrite chunks",
        )
        yield passed(
            "source-jobs-paused",
            f"{counted}: paused until the check is over.",
            where=prepared.source.label,
            why="A chunk that is dropped or rewritten while it is read is lost, and a lock that a "
            "job wants ends a parallel dump.",
            details=[f"job {job.id} {job.what} on {job.target or 'nothing'}" for job in jobs],
        )


def _jobs_start(inventory: Inventory, where: str) -> Iterator[Finding]:
    jobs = [job for job in inventory.jobs if job.scheduled]
    if jobs:
        yield passed(
            "restored-jobs-paused",
            f"{plural(len(jobs), 'job')}: paused in the transaction that leaves restore mode.",
            where=where,
            why="They would start at that moment, and retention could drop what nobody has "
            "compared yet.",
            details=[f"job {job.id} {job.what} on {job.target or 'nothing'}" for job in jobs],
        )


CARRIED_CHECKS: tuple[AnyCheck, ...] = (
    SourceCheck(
        gives=("hypertable-constraints", "not-valid-constraints"),
        run=_constraints,
        methods=SPLIT_ONLY,
    ),
    SourceCheck(
        gives=("foreign-keys-to-hypertables",), run=_keys_to_hypertables, methods=FULL_ONLY
    ),
    SourceCheck(gives=("views-on-continuous-aggregates",), run=_dependents, methods=SPLIT_ONLY),
    SourceCheck(gives=("cagg-settings", "cagg-row-security"), run=_settings, methods=SPLIT_ONLY),
    SourceCheck(gives=("cagg-invalid-ranges",), run=_invalid, methods=SPLIT_ONLY),
    Check(gives=("history-kept",), run=_history, methods=SPLIT_ONLY),
    SourceCheck(
        gives=("chunk-intervals", "partial-chunks", "partitioning-functions"),
        run=_chunks,
        methods=SPLIT_ONLY,
    ),
    SourceCheck(gives=("sequences-set",), run=_sequences, methods=SPLIT_ONLY),
    SourceCheck(gives=("generated-columns",), run=_generated, methods=SPLIT_ONLY),
    Check(gives=("source-jobs-paused",), run=_jobs_paused),
    SourceCheck(gives=("restored-jobs-paused",), run=_jobs_start, methods=FULL_ONLY),
)
