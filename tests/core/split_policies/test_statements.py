"""Statements that recreate jobs, before any target is asked."""

import json
from dataclasses import replace

import pytest

from tests.support.sample_inventory import RETENTION, inventory
from tests.support.sample_task import task
from tswizard.core.catalog.inventory import Job
from tswizard.core.catalog.policy_kinds import INVALIDATIONS, POLICY_KINDS, PolicyKind
from tswizard.core.split.policies.recreate import ordered_jobs
from tswizard.core.split.policies.statements import LATEST_API, job_statement


def job_of(kind: PolicyKind, config: dict[str, object] | None = None, id: int = 1000) -> Job:
    """A job of this kind on a table with a time column of an integer type."""
    schema, name = ("_timescaledb_functions", kind.procedures[0]) if kind.procedures else ("a", "b")
    job = replace(RETENTION, id=id, proc_schema=schema, proc_name=name, on=("public", "by number"))
    return replace(job, config=json.dumps(config or {}))


@pytest.mark.parametrize("kind", POLICY_KINDS, ids=lambda kind: kind.name)
def test_a_job_of_every_kind_has_a_statement_or_a_reason(kind: PolicyKind) -> None:
    """The reason is never the target's version: nobody has asked it yet."""
    statement = job_statement(job_of(kind), inventory(), LATEST_API)
    if kind is INVALIDATIONS:
        assert statement.why == "TimescaleDB no longer supports this kind of policy."
        return
    assert statement.why == ""
    assert statement.create.startswith("SELECT (")
    added = kind.added_by.name if kind.added_by else "add_job"
    assert f'"public"."{added}"(' in statement.create
    for required in kind.added_by.required if kind.added_by else ():
        assert f"{required} => NULL" in statement.create


def test_settings_are_given_as_what_they_are() -> None:
    by_name = {kind.name: kind for kind in POLICY_KINDS}
    compacting = {"hypertable_id": 7, "max_chunks": 2, "inactive_for": "01:00:00", "other": True}
    statement = job_statement(job_of(by_name["compaction"], compacting), inventory(), LATEST_API)
    assert "max_chunks => 2" in statement.create
    assert "inactive_for => INTERVAL '01:00:00'" in statement.create
    assert json.loads(statement.config) == {"other": True}
    statement = job_statement(
        job_of(by_name["retention"], {"drop_after": 5}), inventory(), LATEST_API
    )
    assert "drop_after => '5'::bigint" in statement.create


def test_jobs_are_recreated_by_the_order_of_their_kinds() -> None:
    kinds = [kind for kind in POLICY_KINDS if kind is not INVALIDATIONS]
    jobs = tuple(job_of(kind, id=2000 + number) for number, kind in enumerate(kinds))
    held = task()
    ordered = ordered_jobs(replace(held, inventory=replace(held.inventory, jobs=jobs)))
    assert [job.kind.name for job in ordered] == [
        "refresh",
        "compression",
        "reorder",
        "compaction",
        "user-defined",
        "retention",
    ]


@pytest.mark.parametrize(
    ("kind", "version", "kept"),
    [
        ("refresh", (2, 17, 2), set()),
        ("refresh", (2, 18, 0), {"include_tiered_data"}),
        ("refresh", (2, 19, 0), {"include_tiered_data", "buckets_per_batch"}),
        (
            "refresh",
            (2, 21, 0),
            {
                "include_tiered_data",
                "buckets_per_batch",
                "refresh_newest_first",
                "process_hypertable_invalidations",
            },
        ),
        (
            "refresh",
            (2, 27, 0),
            {
                "include_tiered_data",
                "buckets_per_batch",
                "refresh_newest_first",
                "compress_after_refresh",
            },
        ),
    ],
)
def test_a_target_gets_the_settings_that_it_knows(
    kind: str, version: tuple[int, ...], kept: set[str]
) -> None:
    by_name = {kind.name: kind for kind in POLICY_KINDS}
    config: dict[str, object] = {
        "start_offset": 9,
        "end_offset": 1,
        "include_tiered_data": True,
        "buckets_per_batch": 5,
        "refresh_newest_first": False,
        "process_hypertable_invalidations": True,
        "compress_after_refresh": True,
    }
    api = replace(LATEST_API, version=version)
    statement = job_statement(job_of(by_name[kind], config), inventory(), api)
    given = f"{statement.create} {statement.config}"
    settings = set(config) - {"start_offset", "end_offset"}
    assert {key for key in settings if key in given} == kept
    assert {text.partition(" = ")[0] for text in statement.dropped} == settings - kept
    assert "start_offset" in given
    assert statement.unsure == ()


def test_a_setting_that_nobody_knows_is_given_and_named_to_an_older_target() -> None:
    by_name = {kind.name: kind for kind in POLICY_KINDS}
    job = job_of(by_name["retention"], {"drop_after": 5, "of_tomorrow": [1]})
    source = inventory(server_timescaledb="2.28.3")
    older = job_statement(job, source, replace(LATEST_API, version=(2, 27, 2)))
    assert older.unsure == ("of_tomorrow = [1]",)
    assert json.loads(older.config) == {"of_tomorrow": [1]}
    assert job_statement(job, source, replace(LATEST_API, version=(2, 28, 3))).unsure == ()


def test_retention_by_creation_is_not_checked_where_its_check_knows_no_such_age() -> None:
    by_name = {kind.name: kind for kind in POLICY_KINDS}
    api = replace(
        LATEST_API,
        arguments={
            **LATEST_API.arguments,
            "alter_job": LATEST_API.arguments["alter_job"] | {"check_config"},
        },
    )
    created = job_of(by_name["retention"], {"drop_created_before": "9 days"})
    for job, version, unchecked in (
        (created, (2, 26, 2), True),
        (created, (2, 26, 3), False),
        (job_of(by_name["retention"], {"drop_after": "9 days"}), (2, 19, 3), False),
    ):
        statement = job_statement(job, inventory(), replace(api, version=version))
        assert ("check_config => 0::pg_catalog.regproc" in statement.create) == unchecked
