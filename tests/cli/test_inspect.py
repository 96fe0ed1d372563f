"""`tswizard inspect`: what it prints, and the keys of its JSON, which do not change."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from scripts import inspect_page
from tests.support.sample_inventory import CAGG, CHUNK, HYPERTABLE, inventory
from tswizard.cli import inspect
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.finding import Finding, Level

KEYS = Path(__file__).with_name("inspect_keys.txt")
ENDPOINT = Endpoint.parse("host=localhost dbname=defaultdb")
MATERIALIZATION = dataclasses.replace(
    HYPERTABLE,
    schema="_timescaledb_internal",
    name="_materialized_hypertable_3",
    cagg="public.daily",
)
HELD = inventory(
    hypertables=(HYPERTABLE, MATERIALIZATION),
    caggs=(CAGG,),
    tiered=True,
    server_restoring=True,
)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect, "read_inventory", _held)


def printed(capsys: pytest.CaptureFixture[str], *, as_json: bool) -> tuple[int, str]:
    code = inspect.inspect(ENDPOINT, as_json=as_json)
    return code, capsys.readouterr().out


def paths() -> Iterator[str]:
    for kind, fields in inspect_page.keys().items():
        yield from (f"{kind}.{name}" for name in fields)


def test_no_key_goes_away_while_the_format_stays() -> None:
    """A key that comes is added to the file; one that goes asks for a higher FORMAT, and then the
    file begins again."""
    number, *names = KEYS.read_text(encoding="utf-8").split()
    assert int(number) == inspect.FORMAT
    gone = set(names) - set(paths())
    assert not gone, f"gone or renamed: {sorted(gone)}"
    new = set(paths()) - set(names)
    assert not new, f"to be added to {KEYS.name}: {sorted(new)}"


def test_every_key_is_described() -> None:
    page = inspect_page.PAGE.read_text(encoding="utf-8")
    assert page == inspect_page.render(), "run: python -m scripts.inspect_page"


@pytest.mark.usefixtures("held")
def test_the_json_has_these_keys_and_no_others(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = printed(capsys, as_json=True)
    assert code == 1
    found = json.loads(out)
    kinds = inspect_page.keys()
    for one, kind in (
        (found, "Inspected"),
        (found["inventory"], "Inventory"),
        (found["inventory"]["server"], "Server"),
        (found["inventory"]["hypertables"][0]["chunks"][0], "Chunk"),
        (found["inventory"]["caggs"][0], "Cagg"),
        (found["findings"][0], "Finding"),
        (found["chunk_buckets"]["public.readings"][0], "ChunkBucket"),
    ):
        assert set(one) == set(kinds[kind])
    assert found["format"] == inspect.FORMAT
    assert set(found["chunk_buckets"]) == {"public.readings", "public.daily"}


@pytest.mark.usefixtures("held")
def test_findings_stand_the_gravest_first(capsys: pytest.CaptureFixture[str]) -> None:
    _code, out = printed(capsys, as_json=True)
    levels = [finding["level"] for finding in json.loads(out)["findings"]]
    weight = ["fail", "look", "pass"]
    assert levels == sorted(levels, key=weight.index)
    assert {"fail", "pass"} <= set(levels)


@pytest.mark.usefixtures("held")
def test_lines_for_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    _code, out = printed(capsys, as_json=False)
    lines = click.unstyle(out).splitlines()
    assert [line for line in lines if line.startswith("hypertable  ")] == [
        "hypertable  public.readings  5.7 MiB  1 chunk, 1 compressed  ()"
    ]
    (cagg,) = [line for line in lines if line.startswith("continuous aggregate  ")]
    assert cagg.endswith("materialized only, 5.7 MiB in 1 chunk, on public.readings")
    assert any("compressed ████████████ 100% of the chunks" in line for line in lines)
    assert max(len(line) for line in lines if "█" in line) < 100


def test_many_chunks_are_no_more_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    chunks = tuple(
        dataclasses.replace(CHUNK, range_start=str(n), range_end=str(n + 1)) for n in range(20_000)
    )
    many = inventory(hypertables=(dataclasses.replace(HYPERTABLE, chunks=chunks),))

    async def read(_endpoint: Endpoint) -> Inventory:
        return many

    monkeypatch.setattr(inspect, "read_inventory", read)
    _code, out = printed(capsys, as_json=False)
    assert len(out.splitlines()) < 60


def test_what_a_finding_calls_below_is_below(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    statements = tuple(f"SELECT compress_chunk('c{n}');" for n in range(21))
    found = Finding(Level.FAIL, "x", "Lost.", todo="By the statements below.", details=statements)
    passed = Finding(Level.PASS, "y", "Fine.", details=("a detail",))
    monkeypatch.setattr(inspect, "findings_of_source", lambda _inventory: (passed, found))
    monkeypatch.setattr(inspect, "read_inventory", _held)
    _, out = printed(capsys, as_json=False)
    lines = out.splitlines()
    at = lines.index("      By the statements below.")
    assert lines[at + 1] == "      - SELECT compress_chunk('c0');"
    assert lines[at + 21 :] == ["      … and 1 more (with --json)", "PASS  Fine."]


async def _held(_endpoint: Endpoint) -> Inventory:
    return HELD
