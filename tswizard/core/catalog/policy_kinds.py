"""Kinds of jobs that TimescaleDB schedules, and what each is to a migration.

A policy runs a procedure of the extension (`policy_*`, in `_timescaledb_functions`, before 2.12 in
`_timescaledb_internal`: sql/policy_internal.sql of timescale/timescaledb); a job made with
`add_job` runs one of the user. A new kind of policy is a row of POLICY_KINDS: pausing on the
source, recreation, order, words and which targets cannot have it follow from it.
"""

from dataclasses import dataclass

_SCHEMAS = ("_timescaledb_functions", "_timescaledb_internal")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFunction:
    """The public function that adds a policy to a relation and gives the new job's id.

    Every key of a job's config that is one of its arguments is handed to it.
    """

    name: str
    takes: tuple[str, ...]
    """Its arguments besides the relation, in the newest version: for showing a statement before
    the target is asked which ones its version has."""
    offsets: tuple[str, ...] = ()
    """Those that are an interval, or a number of the time column's type."""
    intervals: tuple[str, ...] = ()
    """Those that are an interval, whatever the type of the time column."""
    required: tuple[str, ...] = ()
    """Those without a default, which are NULL where the config does not have them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyKind:
    """One kind of job."""

    name: str
    """What people call it: `retention` policy, `refresh` policy."""
    procedures: tuple[str, ...]
    """Unqualified names of the procedures that it runs; none for the user's own."""
    default_names: tuple[str, ...]
    """What TimescaleDB calls such a job, in any version, when nobody gave it a name."""
    paused_on_source: bool = False
    """It drops or rewrites chunks: it is paused on the source while that is read."""
    drops_chunks: bool = False
    order: int = 2
    """On the target, jobs of a lower number are recreated first, and enabled first."""
    since: tuple[int, int] | None = None
    """The version of TimescaleDB that it came with; None if every supported one has had it."""
    added_by: PolicyFunction | None = None
    """None where the newest version has no such policy, and for the user's own jobs."""


_SCHEDULE = ("schedule_interval", "initial_start", "timezone")

REFRESH = PolicyKind(
    name="refresh",
    procedures=("policy_refresh_continuous_aggregate",),
    default_names=("Refresh Continuous Aggregate Policy",),
    # Before compression: on a continuous aggregate that wants one (up to 2.27.1).
    order=0,
    added_by=PolicyFunction(
        name="add_continuous_aggregate_policy",
        takes=(
            *_SCHEDULE,
            "start_offset",
            "end_offset",
            "include_tiered_data",
            "buckets_per_batch",
            "max_batches_per_execution",
            "refresh_newest_first",
        ),
        offsets=("start_offset", "end_offset"),
        required=("start_offset", "end_offset"),
    ),
)
COMPRESSION = PolicyKind(
    name="compression",
    procedures=("policy_compression", "policy_recompression"),
    default_names=("Compression Policy", "Columnstore Policy", "Recompression Policy"),
    paused_on_source=True,
    order=1,
    added_by=PolicyFunction(
        name="add_compression_policy",
        takes=(*_SCHEDULE, "compress_after", "compress_created_before"),
        offsets=("compress_after",),
        intervals=("compress_created_before",),
    ),
)
REORDER = PolicyKind(
    name="reorder",
    procedures=("policy_reorder",),
    default_names=("Reorder Policy",),
    paused_on_source=True,
    added_by=PolicyFunction(
        name="add_reorder_policy", takes=("index_name", "initial_start", "timezone")
    ),
)
RETENTION = PolicyKind(
    name="retention",
    procedures=("policy_retention",),
    default_names=("Retention Policy",),
    paused_on_source=True,
    drops_chunks=True,
    # Last, so that nothing is deleted before whatever reads it works again.
    order=3,
    added_by=PolicyFunction(
        name="add_retention_policy",
        takes=(*_SCHEDULE, "drop_after", "drop_created_before"),
        offsets=("drop_after",),
        intervals=("drop_created_before",),
        required=("drop_after",),
    ),
)
INVALIDATIONS = PolicyKind(
    name="invalidation processing",
    # From 2.22 to 2.26, of hypertables whose writes continuous aggregates learn of from the WAL.
    procedures=("policy_process_hypertable_invalidations",),
    default_names=("Process Hypertable Invalidations Policy",),
)
COMPACTION = PolicyKind(
    name="compaction",
    procedures=("policy_compaction",),
    default_names=("Compaction Policy",),
    paused_on_source=True,
    since=(2, 29),  # tsl/test/sql/compaction_policy.sql of timescale/timescaledb
    added_by=PolicyFunction(
        name="add_compaction_policy",
        takes=(*_SCHEDULE, "max_chunks", "max_batches", "inactive_for"),
        intervals=("inactive_for",),
    ),
)
USER_DEFINED = PolicyKind(
    name="user-defined", procedures=(), default_names=("User-Defined Action",)
)

POLICY_KINDS = (RETENTION, COMPRESSION, REORDER, REFRESH, INVALIDATIONS, COMPACTION, USER_DEFINED)
"""Every kind."""

PAUSED_ON_SOURCE = ", ".join(kind.name for kind in POLICY_KINDS if kind.paused_on_source)
"""In words: the kinds that are paused on the source while it is read."""

_BY_PROCEDURE = {procedure: kind for kind in POLICY_KINDS for procedure in kind.procedures}


def policy_kind(schema: str, procedure: str) -> PolicyKind:
    """The kind of a job that runs this procedure; USER_DEFINED where no policy does."""
    if schema not in _SCHEMAS:
        return USER_DEFINED
    return _BY_PROCEDURE.get(procedure, USER_DEFINED)
