"""Source and target against each other, and both against the answers."""

import asyncio
import shutil
from dataclasses import replace
from typing import Any

import pytest

from tests.support.sample_inventory import (
    CAGG,
    CLOSED,
    HYPERTABLE,
    RETENTION,
    ROLE,
    TABLE,
    empty,
    inventory,
    prepared,
    until_it_connects,
)
from tswizard.core.catalog.inventory import Extension, Inventory
from tswizard.core.catalog.role_model import RoleFacts
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.answers import METHOD_NAMES, MethodName
from tswizard.core.model.finding import Finding, Level


def found(
    source: Inventory | None = None, target: Inventory | None = None, **answers: Any
) -> dict[str, Finding]:
    """By id, for the method that was answered; the full one by default."""
    findings = asyncio.run(until_it_connects(prepared(source, target, **answers)))
    by_id = {finding.id: finding for finding in findings}
    assert len(by_id) == len(findings)
    return by_id


def levels(findings: dict[str, Finding]) -> set[Level]:
    return {finding.level for finding in findings.values()}


def test_a_sample_inventory_passes() -> None:
    findings = found()
    assert levels(findings) == {Level.PASS}
    assert findings["timescaledb"].what == "TimescaleDB 2.23.0 on source and target."
    assert findings["postgresql"].what == "PostgreSQL 15.4 on source and target."


def test_the_same_database_twice_is_all_there_is_to_say() -> None:
    findings = found(target=inventory())
    wrong = [finding.id for finding in findings.values() if finding.level is not Level.PASS]
    assert wrong == ["same-database"]
    assert findings["same-database"].level is Level.FAIL
    assert list(findings)[-1] == "same-database"


def test_two_databases_that_are_only_alike_are_two() -> None:
    assert "same-database" not in found(target=empty(server_database="defaultdb"))


@pytest.mark.parametrize(
    ("source", "target", "id", "level", "named"),
    [
        ({}, {"server_pooler": True}, "target-pooler", Level.FAIL, "pool"),
        ({}, {"server_in_recovery": True}, "target-standby", Level.FAIL, "standby"),
        ({}, {"server_restoring": True}, "target-restoring", Level.FAIL, "restore mode"),
        ({}, {"tables": (TABLE,)}, "target-not-empty", Level.FAIL, "table public.sites"),
        ({}, {"large_objects": 2}, "target-not-empty", Level.FAIL, "2 large objects"),
        (
            {},
            {"extras_objects": ("type public.mood",)},
            "target-not-empty",
            Level.FAIL,
            "type public.mood",
        ),
        ({}, {"server_version_num": 140009}, "postgresql-older", Level.FAIL, "14"),
        (
            {"server_timescaledb_schema": "ts"},
            {},
            "timescaledb-schema",
            Level.FAIL,
            'schema "ts"',
        ),
        ({}, {"server_license": "apache"}, "target-license", Level.FAIL, "1 job"),
        (
            {"roles_granted": ("reporting", "tsdbadmin")},
            {},
            "roles-missing",
            Level.LOOK,
            "reporting",
        ),
        (
            {"owners": ("app", "tsdbadmin")},
            {"roles": ("app", "tsdbadmin", "postgres")},
            "owners-change",
            Level.LOOK,
            "What app owns will belong to tsdbadmin",
        ),
        ({"server_encoding": "SQL_ASCII"}, {}, "encoding", Level.LOOK, "SQL_ASCII"),
        ({}, {"server_encoding": "LATIN1"}, "encoding", Level.LOOK, "LATIN1"),
        ({}, {"server_collate": "C"}, "collation", Level.LOOK, "en_US.UTF-8"),
        ({}, {"extras_locale_provider": "icu"}, "collation", Level.LOOK, "icu"),
        ({"extras_tablespaces": ("fast",)}, {}, "tablespaces", Level.LOOK, "fast"),
    ],
)
def test_each_difference(
    source: dict[str, Any], target: dict[str, Any], id: str, level: Level, named: str
) -> None:
    finding = found(inventory(**source), empty(**target))[id]
    assert finding.level is level
    assert named in finding.what
    assert finding.why
    assert finding.todo


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ({"server_encoding": "LATIN1"}, {}),  # converted on the way, and UTF8 holds it all
        ({}, {"server_version_num": 170005}),
        ({"roles_granted": ("postgres",)}, {}),
        ({"owners": ("gone", "tsdbadmin")}, {}),  # nobody there to own it
        ({"jobs": (), "hypertables": (TABLE,)[:0]}, {"server_license": "apache"}),
        ({}, {"roles": ("tsdbadmin", "postgres", "others")}),
        ({"extras_tablespaces": ("fast",)}, {"extras_all_tablespaces": ("fast", "pg_default")}),
    ],
)
def test_what_is_no_difference(source: dict[str, Any], target: dict[str, Any]) -> None:
    assert levels(found(inventory(**source), empty(**target))) == {Level.PASS}


def test_what_is_on_the_target_is_listed_once() -> None:
    mat = replace(HYPERTABLE, name="_materialized_hypertable_3", cagg="public.daily")
    finding = found(target=empty(hypertables=(HYPERTABLE, mat), caggs=(CAGG,)))["target-not-empty"]
    assert finding.details == ("hypertable public.readings", "continuous aggregate public.daily")


class TestVersions:
    """TimescaleDB must be the same on source and target; where it can be recreated, that is
    offered."""

    def test_offered_and_empty_means_it_can_be_recreated(self) -> None:
        source = inventory(server_timescaledb="2.19.3")
        refused = found(source)["timescaledb-version"]
        assert refused.level is Level.FAIL
        assert "recreate_extension" in refused.todo
        assert refused.answered_by == ("recreate_extension",)
        assert "DROP EXTENSION timescaledb; and in a new session CREATE" in refused.todo
        assert "VERSION '2.19.3'" in refused.todo
        agreed = found(source, recreate_extension=True)
        assert levels(agreed) == {Level.PASS}
        assert "2.19.3" in agreed["timescaledb"].what

    def test_who_does_not_own_it_is_not_told_to_recreate_it(self) -> None:
        source = inventory(server_timescaledb="2.19.3")
        theirs = (Extension(name="timescaledb", version="2.23.0", schema="public", owned=False),)
        for target in (empty(extensions=theirs), empty(extensions=theirs, tables=(TABLE,))):
            todo = found(source, target)["timescaledb-version"].todo
            assert todo.startswith("Use the split method")
            assert todo.endswith("tsdbadmin does not own it.")
        older = found(inventory(server_timescaledb="2.9.1"), empty(extensions=theirs))
        assert "UPDATE TO '2.23.0'" in older["timescaledb-version"].todo

    def test_without_the_extension_it_can_be_created_too(self) -> None:
        target = empty(server_timescaledb=None, server_timescaledb_schema=None)
        missing = found(target=target)["target-timescaledb-missing"]
        assert missing.level is Level.FAIL
        assert "CREATE EXTENSION" in missing.todo and "DROP" not in missing.todo
        assert levels(found(target=target, recreate_extension=True)) == {Level.PASS}

    def test_not_on_a_target_that_holds_something(self) -> None:
        source = inventory(server_timescaledb="2.19.3")
        finding = found(source, empty(tables=(TABLE,)), recreate_extension=True)[
            "timescaledb-version"
        ]
        assert "Use the split method" in finding.todo
        assert "the target is not empty" in finding.todo
        assert not finding.answered_by  # so that no screen offers it

    @pytest.mark.parametrize(
        ("offered", "postgresql", "said"),
        [
            (("2.9.1", "2.23.0"), 150004, "Update the source first"),
            (("2.9.1",), 150004, "nor the source 2.23.0. Use the split method"),
            (("2.9.1",), 140009, "upgrade the source to PostgreSQL 15 first"),
            (("2.9.1", "2.23.0"), 140009, "Update the source first"),
        ],
    )
    def test_an_older_source_is_to_be_updated(
        self, offered: tuple[str, ...], postgresql: int, said: str
    ) -> None:
        source = inventory(
            server_timescaledb="2.9.1",
            server_timescaledb_offered=offered,
            server_version_num=postgresql,
        )
        finding = found(source, recreate_extension=True)["timescaledb-version"]
        assert "UPDATE TO '2.23.0'" in finding.todo
        assert said in finding.todo

    def test_a_newer_source_needs_another_target(self) -> None:
        source = inventory(server_timescaledb="2.28.1")
        finding = found(source, recreate_extension=True)["timescaledb-version"]
        assert "2.23.0" in finding.todo
        assert "UPDATE TO" not in finding.todo

    def test_an_extension_of_somebody_else_is_not_recreated(self) -> None:
        source = inventory(server_timescaledb="2.19.3")
        theirs = (Extension(name="timescaledb", version="2.23.0", schema="public", owned=False),)
        finding = found(source, empty(extensions=theirs), recreate_extension=True)[
            "timescaledb-version"
        ]
        assert finding.level is Level.FAIL
        assert "Use the split method" in finding.todo
        assert f"{ROLE.name} does not own it" in finding.todo
        assert not finding.answered_by
        powerful = empty(extensions=theirs, server_role=replace(ROLE, superuser=True))
        assert levels(found(source, powerful, recreate_extension=True)) == {Level.PASS}


class TestExtensions:
    def source(self, *, used: bool, name: str = "postgis", version: str = "3.4") -> Inventory:
        return inventory(
            extensions=(Extension(name=name, version=version, schema="public", used=used),)
        )

    def test_one_in_use_must_be_offered(self) -> None:
        assert found(self.source(used=True))["extension-missing"].level is Level.FAIL

    def test_one_that_nothing_hangs_on_is_only_named(self) -> None:
        assert found(self.source(used=False))["extension-missing"].level is Level.LOOK

    def test_one_that_is_installed_is_enough(self) -> None:
        target = empty(extensions=(Extension(name="postgis", version="3.4", schema="public"),))
        assert "extension-missing" not in found(self.source(used=True), target)

    def test_an_older_one_needs_a_look(self) -> None:
        source = self.source(used=True, name="citext", version="1.10")
        assert found(source)["extension-older"].level is Level.LOOK
        source = self.source(used=True, name="citext", version="1.6")
        assert "extension-older" not in found(source)


class TestJobs:
    def test_an_owner_that_is_missing_would_lose_all_jobs(self) -> None:
        source = inventory(jobs=(RETENTION, replace(RETENTION, id=1001, owner='o"ps')))
        finding = found(source)["job-owners-missing"]
        assert finding.level is Level.FAIL
        assert finding.todo.endswith('CREATE ROLE "o""ps" LOGIN;')
        assert "roles-missing" not in found(source)

    @pytest.mark.parametrize("method", ["full", "split"])
    def test_an_owner_has_to_log_in(self, method: str) -> None:
        source = inventory(jobs=(replace(RETENTION, owner='o"ps'),))
        roles = ('o"ps', "tsdbadmin")
        target = empty(roles=roles, role_facts=(RoleFacts(name='o"ps', login=False),))
        finding = found(source, target, method=method)["job-owners-without-login"]
        assert finding.level is Level.LOOK
        assert finding.todo.endswith('ALTER ROLE "o""ps" LOGIN;')
        assert "job-owners-without-login" not in found(source, empty(roles=roles), method=method)

    def test_a_role_in_the_config_of_a_job_of_ones_own_is_named(self) -> None:
        config = '{"as": ["gone", {"x": "here"}], "gone": 1, "n": null}'
        job = replace(RETENTION, proc_schema="app", proc_name="act", config=config)
        source = inventory(jobs=(job,), roles=("gone", "here", "tsdbadmin"))
        target = empty(roles=("here", "tsdbadmin"))
        finding = found(source, target)["job-config-roles"]
        assert finding.level is Level.LOOK
        assert finding.details == ("job 1000 (app.act): gone",)
        both = empty(roles=("gone", "here", "tsdbadmin"))
        assert "job-config-roles" not in found(source, both)
        assert "job-config-roles" not in found(inventory(jobs=(replace(job, config=None),)), target)

    def test_before_2_10_an_owner_is_only_a_name(self) -> None:
        source = inventory(jobs=(replace(RETENTION, owner="ops", owner_by_oid=False),))
        assert "job-owners-missing" not in found(source)

    def test_jobs_of_another_role_will_lack_their_tables(self) -> None:
        source = inventory(jobs=(replace(RETENTION, owner="ops"),))
        target = empty(roles=("ops", "tsdbadmin"))
        finding = found(source, target)["job-owners"]
        assert finding.level is Level.LOOK
        assert finding.details == ("job 1000 (retention), owner ops",)

    def test_retention_that_may_run_is_named(self) -> None:
        assert "retention-runs" not in found()
        finding = found(pause_source_jobs=False)["retention-runs"]
        assert finding.level is Level.LOOK
        assert finding.details


class TestStandby:
    STANDBY = inventory(server_in_recovery=True)

    def test_it_takes_no_changes(self) -> None:
        paused = found(self.STANDBY)["standby-read-only"]
        assert (paused.level, paused.answered_by) == (Level.FAIL, ("pause_source_jobs",))
        compressed = found(self.STANDBY, pause_source_jobs=False, compress_first=True)
        assert compressed["standby-read-only"].answered_by == ("compress_first",)

    def test_without_wishes_it_only_needs_a_look(self) -> None:
        findings = found(self.STANDBY, pause_source_jobs=False)
        assert "standby-read-only" not in findings
        assert findings["retention-runs"].level is Level.LOOK

    def test_a_split_run_compresses_nothing_there(self) -> None:
        findings = found(self.STANDBY, method="split", pause_source_jobs=False, compress_first=True)
        assert "standby-read-only" not in findings


def test_a_raised_sslmode_is_said() -> None:
    ends = Endpoint.parse("host=db.invalid dbname=a"), CLOSED[0]
    findings = asyncio.run(until_it_connects(prepared(ends=ends)))
    (finding,) = [finding for finding in findings if finding.id == "sslmode-raised"]
    assert finding.where == "db.invalid:5432/a"
    assert finding.level is Level.PASS


class TestMethods:
    """What concerns one method is said for that one, and says so while both are open."""

    SOURCE = inventory(
        server_timescaledb="2.19.3",
        null_compressed=("public.readings",),
        caggs=(replace(CAGG, finalized=False),),
    )

    def test_a_split_run_hears_nothing_of_a_restore_of_compressed_rows(self) -> None:
        full, split = found(self.SOURCE), found(self.SOURCE, method="split")
        only_full = {"null-compressed", "old-continuous-aggregates", "timescaledb-version"}
        assert only_full <= set(full)
        assert only_full.isdisjoint(split)
        assert "2.19.3" in split["timescaledb"].what

    def test_while_both_are_open_each_names_its_method(self) -> None:
        subject = prepared(self.SOURCE)
        findings = asyncio.run(until_it_connects(subject, METHOD_NAMES))
        told = {(finding.id, finding.methods) for finding in findings}
        assert ("null-compressed", ("full",)) in told
        assert ("timescaledb-version", ("full",)) in told
        assert ("timescaledb", ("split",)) in told
        assert ("postgresql", ()) in told
        (lost,) = [finding for finding in findings if finding.id == "null-compressed"]
        assert lost.sentence.startswith("Full: Compressed rows of public.readings")
        assert (lost.concerns("full"), lost.concerns("split")) == (True, False)

    @pytest.mark.parametrize("method", METHOD_NAMES)
    def test_one_open_method_hears_what_both_open_methods_heard_of_it(
        self, method: MethodName, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        disk = shutil.disk_usage(".")  # whose free space others change meanwhile
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: disk)
        subject = prepared(self.SOURCE, method=method)
        alone = asyncio.run(until_it_connects(subject))
        both = asyncio.run(until_it_connects(subject, METHOD_NAMES))
        assert alone == [finding for finding in both if finding.concerns(method)]
