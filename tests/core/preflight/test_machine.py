"""This machine: client tools and disk room."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.sample_inventory import CHUNK, HYPERTABLE, SERVER, inventory, tools
from tswizard.core.db.client_tools import ClientTools
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.finding import Finding, Level
from tswizard.core.preflight.disk_space import check_staging, check_target_room, dump_bounds
from tswizard.core.preflight.tools import check_tools, needs_tls


def tool_finding(
    *there: ClientTools, chosen: ClientTools | None, need_tls: bool = False, target: int = 15
) -> Finding:
    server = replace(SERVER, version_num=target * 10000)
    (finding,) = check_tools(there, chosen, SERVER, server, need_tls=need_tls)
    return finding


def test_a_client_that_serves() -> None:
    finding = tool_finding(tools(14), tools(15), chosen=tools(15))
    assert (finding.level, finding.id) == (Level.PASS, "client-tools")
    assert "15.4" in finding.what
    assert finding.why == ""


def test_a_newer_client_into_an_older_target_is_explained() -> None:
    assert "transaction_timeout" in tool_finding(tools(17), chosen=tools(17)).why
    assert tool_finding(tools(17), chosen=tools(17), target=17).why == ""


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


def staging(monkeypatch: pytest.MonkeyPatch, folder: Path, free: int) -> Finding:
    monkeypatch.setattr("shutil.disk_usage", lambda _path: _Disk(free))
    (finding,) = check_staging(inventory(), folder)
    return finding


def test_room_for_the_dump(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    least, most = dump_bounds(inventory())
    assert 0 < least < most
    unmade = tmp_path / "not" / "made" / "yet"
    assert staging(monkeypatch, unmade, most).level is Level.PASS
    tight = staging(monkeypatch, unmade, most - 1)
    assert (tight.level, tight.id, tight.where) == (Level.LOOK, "staging-room", str(tmp_path))
    assert staging(monkeypatch, unmade, least).level is Level.LOOK
    assert staging(monkeypatch, unmade, least - 1).level is Level.FAIL


def test_compressed_chunks_do_not_shrink_again() -> None:
    packed = inventory(tables=())
    chunk = replace(CHUNK, compressed=False)
    loose = replace(packed, hypertables=(replace(HYPERTABLE, chunks=(chunk,)),))
    assert dump_bounds(packed)[0] > dump_bounds(loose)[0]


def test_a_staging_that_is_no_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    (finding,) = check_staging(inventory(), file / "below")
    assert (finding.level, finding.id) == (Level.FAIL, "staging-folder")
    assert str(file) in finding.what


BIG = inventory(hypertables=(replace(HYPERTABLE, bytes=100 << 30),))


@pytest.mark.parametrize(
    ("free", "level"),
    [(None, Level.LOOK), (99 << 30, Level.FAIL), (110 << 30, Level.LOOK), (999 << 30, Level.PASS)],
)
def test_room_on_the_target(free: int | None, level: Level) -> None:
    (finding,) = check_target_room(BIG, "tgt", free)
    assert (finding.id, finding.level) == ("target-room", level)
    assert "130.0 GiB" in finding.what


def test_a_small_database_fits_everywhere() -> None:
    (finding,) = check_target_room(inventory(), "tgt", None)
    assert finding.level is Level.PASS
