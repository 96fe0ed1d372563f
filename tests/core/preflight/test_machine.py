"""This machine: client tools and disk space."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.sample_inventory import CHUNK, HYPERTABLE, empty, inventory, prepared, tools
from tswizard.core.db.client_tools import ClientTools
from tswizard.core.db.endpoint import Endpoint, needs_tls
from tswizard.core.model.answers import METHOD_NAMES
from tswizard.core.model.disk_estimate import (
    Bounds,
    dump_bounds,
    row_file_bounds,
    target_bytes,
)
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.wording import size
from tswizard.core.preflight.check import Check
from tswizard.core.preflight.checks import client_tools, disk_space


def tool_finding(
    *there: ClientTools,
    chosen: ClientTools | None,
    need_tls: bool = False,
    target: int = 15,
    chunks: int = 1,
) -> Finding:
    ends = [Endpoint.parse(f"host=127.0.0.1{' sslmode=require' if need_tls else ''}")] * 2
    subject = replace(
        prepared(
            inventory(hypertables=(replace(HYPERTABLE, chunks=(CHUNK,) * chunks),)),
            target=empty(server_version_num=target * 10000),
            ends=(ends[0], ends[1]),
        ),
        found=there,
        tools=chosen,
    )
    (check, _psql) = client_tools.CLIENT_TOOL_CHECKS
    assert isinstance(check, Check)
    (finding,) = check.run(subject)
    return finding


def test_a_client_that_serves() -> None:
    finding = tool_finding(tools(14), tools(15), chosen=tools(15))
    assert (finding.level, finding.id) == (Level.PASS, "client-tools")
    assert "15.4" in finding.what
    assert finding.why == ""


def test_a_newer_client_into_an_older_target_is_explained() -> None:
    assert "transaction_timeout" in tool_finding(tools(17), chosen=tools(17)).why
    assert tool_finding(tools(17), chosen=tools(17), target=17).why == ""


def test_with_many_chunks_a_newer_client_is_advised() -> None:
    assert "quicker" in tool_finding(tools(16), chosen=tools(16), target=16, chunks=2000).why
    assert tool_finding(tools(17), chosen=tools(17), target=17, chunks=2000).why == ""


@pytest.mark.parametrize(
    ("there", "id"),
    [
        ((), "client-tools-missing"),
        ((tools(13), tools(14)), "client-tools-old"),
        ((tools(14), tools(16, tls=False)), "client-tools-tls"),
    ],
)
def test_no_client_that_serves(there: tuple[ClientTools, ...], id: str) -> None:
    finding = tool_finding(*there, chosen=None, need_tls=True)
    assert (finding.level, finding.id) == (Level.FAIL, id)
    assert "postgresql-client-15" in finding.todo


def test_a_wrong_choice_does_not_pass() -> None:
    old = tool_finding(tools(14), tools(16), chosen=tools(14))
    assert (old.level, old.id) == (Level.FAIL, "client-tools-old")
    plain = tools(16, tls=False)
    assert tool_finding(plain, chosen=plain, need_tls=True).id == "client-tools-tls"


def test_tls_is_needed_where_an_endpoint_asks_for_it() -> None:
    here, there = Endpoint.parse("host=127.0.0.1"), Endpoint.parse("host=db.example.com")
    assert not needs_tls(here, here)
    assert needs_tls(here, there)
    assert needs_tls(Endpoint.parse("host=127.0.0.1 sslmode=require"), here)


class _Disk:
    def __init__(self, free: int) -> None:
        self.free = free


def space_here(
    monkeypatch: pytest.MonkeyPatch, folder: Path, free: int, **answers: Any
) -> list[Finding]:
    """What is said of a disk with so many bytes free."""
    monkeypatch.setattr("shutil.disk_usage", lambda _path: _Disk(free))
    subject = prepared(staging=folder, **answers)
    return [
        finding
        for check in disk_space.DISK_SPACE_CHECKS
        if isinstance(check, Check) and subject.answers.method in check.methods
        for finding in check.run(subject)
    ]


@pytest.mark.parametrize(
    ("bounds", "answers"),
    [
        (dump_bounds(inventory()), {}),
        (row_file_bounds(inventory()), {"method": "split", "via": "files"}),
    ],
)
def test_disk_space_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bounds: Bounds, answers: dict[str, str]
) -> None:
    least, most = bounds.least, bounds.most
    assert 0 < least < most
    missing = tmp_path / "not" / "there" / "yet"
    for free, level in (
        (most, Level.PASS),
        (most - 1, Level.LOOK),
        (least, Level.LOOK),
        (least - 1, Level.FAIL),
    ):
        (finding,) = space_here(monkeypatch, missing, free, **answers)
        assert (finding.level, finding.id) == (level, "staging-space")
        assert finding.where == str(tmp_path)
        assert size(most) in finding.what


def test_streamed_rows_take_no_disk_space_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert space_here(monkeypatch, tmp_path, 0, method="split") == []


def test_compressed_chunks_do_not_shrink_again() -> None:
    packed = inventory(tables=())
    chunk = replace(CHUNK, compressed=False)
    loose = replace(packed, hypertables=(replace(HYPERTABLE, chunks=(chunk,)),))
    assert dump_bounds(packed).least > dump_bounds(loose).least
    assert dump_bounds(packed).most == dump_bounds(loose).most
    assert row_file_bounds(packed).most > row_file_bounds(loose).most


@pytest.mark.parametrize("method", METHOD_NAMES)
def test_a_staging_that_is_no_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, method: str
) -> None:
    file = tmp_path / "file"
    file.touch()
    (finding,) = space_here(monkeypatch, file / "below", 1 << 40, method=method)
    assert (finding.level, finding.id) == (Level.FAIL, "staging-folder")
    assert str(file) in finding.what


BIG = prepared(inventory(hypertables=(replace(HYPERTABLE, bytes=100 << 30),)))


@pytest.mark.parametrize(
    ("free", "level"),
    [(None, Level.LOOK), (99 << 30, Level.FAIL), (110 << 30, Level.LOOK), (999 << 30, Level.PASS)],
)
def test_disk_space_on_the_target(free: int | None, level: Level) -> None:
    finding = disk_space.target_space(BIG, free)
    assert (finding.id, finding.level) == ("target-space", level)
    assert size(target_bytes(BIG.inventory)) == "130.0 GiB"
    assert "130.0 GiB" in finding.what


def test_a_small_database_fits_everywhere() -> None:
    assert disk_space.target_space(prepared(), None).level is Level.PASS
