"""Kinds of jobs that TimescaleDB schedules, and what each is to a migration.

A policy runs a procedure of the extension (`policy_*`, in `_timescaledb_functions`, before 2.12 in
`_timescaledb_internal`: sql/policy_internal.sql of timescale/timescaledb); a job made with
`add_job` runs one of the user. A new kind of policy is a row of POLICY_KINDS.
"""

from dataclasses import dataclass

_SCHEMAS = ("_timescaledb_functions", "_timescaledb_internal")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyKind:
    """One kind of job."""

    name: str
    """What people call it: `retention` policy, `refresh` policy."""
    procedures: tuple[str, ...]
    """Unqualified names of the procedures that it runs; none for the user's own."""
    paused_on_source: bool
    """It drops or rewrites chunks: it is paused on the source while that is read."""
    drops_chunks: bool
    enable_order: int
    """On the target, jobs of a lower number are enabled first."""
    default_names: tuple[str, ...]
    """What TimescaleDB calls such a job, in any version, when nobody gave it a name."""


REFRESH = PolicyKind(
    name="refresh",
    procedures=("policy_refresh_continuous_aggregate",),
    paused_on_source=False,
    drops_chunks=False,
    enable_order=0,
    default_names=("Refresh Continuous Aggregate Policy",),
)
COMPRESSION = PolicyKind(
    name="compression",
    procedures=("policy_compression", "policy_recompression"),
    paused_on_source=True,
    drops_chunks=False,
    enable_order=0,
    default_names=("Compression Policy", "Columnstore Policy", "Recompression Policy"),
)
REORDER = PolicyKind(
    name="reorder",
    procedures=("policy_reorder",),
    paused_on_source=True,
    drops_chunks=False,
    enable_order=0,
    default_names=("Reorder Policy",),
)
RETENTION = PolicyKind(
    name="retention",
    procedures=("policy_retention",),
    paused_on_source=True,
    drops_chunks=True,
    # Last, so that nothing is deleted before whatever reads it works again.
    enable_order=1,
    default_names=("Retention Policy",),
)
INVALIDATIONS = PolicyKind(
    name="invalidation processing",
    # Since 2.22, of hypertables whose writes continuous aggregates learn of from the WAL.
    procedures=("policy_process_hypertable_invalidations",),
    paused_on_source=False,
    drops_chunks=False,
    enable_order=0,
    default_names=("Process Hypertable Invalidations Policy",),
)
COMPACTION = PolicyKind(
    name="compaction",
    # Since 2.29.
    procedures=("policy_compaction",),
    paused_on_source=True,
    drops_chunks=False,
    enable_order=0,
    default_names=("Compaction Policy",),
)
USER_DEFINED = PolicyKind(
    name="user-defined",
    procedures=(),
    paused_on_source=False,
    drops_chunks=False,
    enable_order=0,
    default_names=("User-Defined Action",),
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
