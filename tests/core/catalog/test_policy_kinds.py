"""Kinds of jobs: each procedure of a policy has one kind, and what is the user's has its own."""

from dataclasses import replace

import pytest

from tests.support import sample_inventory
from tswizard.core.catalog.policy_kinds import (
    COMPACTION,
    COMPRESSION,
    INVALIDATIONS,
    PAUSED_ON_SOURCE,
    POLICY_KINDS,
    REFRESH,
    REORDER,
    RETENTION,
    USER_DEFINED,
    PolicyKind,
    policy_kind,
)


@pytest.mark.parametrize("schema", ["_timescaledb_functions", "_timescaledb_internal"])
@pytest.mark.parametrize(
    ("procedure", "kind"),
    [
        ("policy_retention", RETENTION),
        ("policy_compression", COMPRESSION),
        ("policy_recompression", COMPRESSION),
        ("policy_reorder", REORDER),
        ("policy_refresh_continuous_aggregate", REFRESH),
        ("policy_process_hypertable_invalidations", INVALIDATIONS),
        ("policy_compaction", COMPACTION),
        ("policy_of_a_later_version", USER_DEFINED),
    ],
)
def test_kind_by_procedure(schema: str, procedure: str, kind: PolicyKind) -> None:
    assert policy_kind(schema, procedure) is kind


def test_a_procedure_of_the_user_is_no_policy() -> None:
    assert policy_kind("public", "policy_retention") is USER_DEFINED
    assert (
        replace(sample_inventory.RETENTION, proc_schema="ops", proc_name="tidy").what == "ops.tidy"
    )


def test_no_procedure_has_two_kinds() -> None:
    procedures = [procedure for kind in POLICY_KINDS for procedure in kind.procedures]
    assert len(procedures) == len(set(procedures))


def test_what_drops_chunks_is_paused_and_comes_last() -> None:
    dropping = [kind for kind in POLICY_KINDS if kind.drops_chunks]
    others = [kind for kind in POLICY_KINDS if not kind.drops_chunks]
    assert dropping == [RETENTION]
    assert all(kind.paused_on_source for kind in dropping)
    assert min(kind.order for kind in dropping) > max(kind.order for kind in others)
    assert PAUSED_ON_SOURCE == "retention, compression, reorder, compaction"


def test_every_kind_has_a_case_above() -> None:
    (cases,) = (
        mark.args[1]
        for mark in test_kind_by_procedure.pytestmark  # type: ignore[attr-defined]
        if mark.args[0] == ("procedure", "kind")
    )
    assert {kind for _, kind in cases} == set(POLICY_KINDS)


def test_the_function_that_adds_a_policy_takes_what_is_said_of_its_arguments() -> None:
    for function in (kind.added_by for kind in POLICY_KINDS):
        if function is not None:
            said = {*function.offsets, *function.intervals, *function.required}
            assert said <= set(function.takes)
