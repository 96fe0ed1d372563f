"""Databases that a plain dump and restore would lose rows or values of, by both methods."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.support.native import databases
from tests.support.program import Program
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.catalog.read import read_inventory
from tswizard.core.db.connection import connected, rows
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.finding import Level
from tswizard.core.preflight import findings_of_source

pytestmark = [pytest.mark.native, pytest.mark.asyncio(loop_scope="module")]

_SCRIPT = Path(__file__).parents[1] / "support" / "hazards.sql"


@dataclass(frozen=True)
class Ends:
    """A source with every hazard, and an empty target."""

    source: Endpoint
    target: Endpoint
    folder: Path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ends(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ends]:
    async with databases(community=True) as (source, target):
        async with connected(source) as connection:
            await connection.execute(_SCRIPT.read_text(encoding="utf-8").encode())
        yield Ends(source, target, tmp_path_factory.mktemp("hazards"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def inventory(ends: Ends) -> Inventory:
    return await read_inventory(ends.source)


async def run(ends: Ends, folder: Path, **answers: Any) -> tuple[int, Program]:
    """A whole unattended run; its exit code, and the program with its report."""
    sides = [(end.conninfo, end.password or "") for end in (ends.source, ends.target)]
    program = Program.between(folder, *sides)
    source, target = (end.conninfo for end in (ends.source, ends.target))
    answers |= {"confirm": ends.target.get("dbname")}
    file = program.answers_for(source, target, **answers)
    ended = await program.call("--answers", file)
    return ended.code, program


async def content(end: Endpoint, table: str) -> list[tuple[Any, ...]]:
    async with connected(end) as connection:
        return await rows(connection, f"SELECT t::text FROM {table} t ORDER BY 1")


async def test_everything_is_found_before_anything_runs(inventory: Inventory) -> None:
    hazards = inventory.hazards
    assert [h.label for h in hazards.hashed_by_oid] == ["depot.scans"]
    tried = {(t.table, t.name): t for t in hazards.expressions}
    assert set(tried) == {
        ("parcels", "parcels_code_check"),
        ("parcels", "number"),
        ("parcels", "parcels_by_number"),
        ("labels", "code"),
        ("labels", "labels_by_number"),
        ("gates", "known"),
        ("offers", "open"),
    }
    assert {t.path for t in tried.values() if t.error} == {"depot, public"}
    assert {key for key, t in tried.items() if not t.error} == {
        ("gates", "known"),
        ("offers", "open"),
    }
    assert tried["offers", "open"].violated
    assert not tried["gates", "known"].violated
    assert {"_timescaledb_backup", "timescaledb_tools"} <= set(inventory.schemas)


async def test_full_is_refused_where_it_would_lose_rows(inventory: Inventory) -> None:
    fails = {f.id for f in findings_of_source(inventory, methods=["full"]) if f.level is Level.FAIL}
    assert {"hashed-by-oid", "search-path-needed", "check-violated"} <= fails
    fails = {
        f.id for f in findings_of_source(inventory, methods=["split"]) if f.level is Level.FAIL
    }
    assert fails == set()


async def test_split_brings_all_of_it(ends: Ends, tmp_path: Path) -> None:
    code, program = await run(ends, tmp_path, method="split")
    report = program.report()
    looks = {f["id"] for f in report["findings"] if f["level"] == "look"}
    assert [f for f in report["findings"] if f["level"] == "fail"] == []
    assert {"hashed-by-oid-routed", "check-stays-not-valid"} <= looks
    assert code == 1
    for table in (
        "depot.scans",
        "depot.parcels",
        "depot.labels",
        "depot.gates",
        "depot.offers",
        "depot.per_dock",
        "depot.heaviest",
        "depot.numbers",
        "_timescaledb_backup.kept",
    ):
        assert await content(ends.target, table) == await content(ends.source, table) != []
    async with connected(ends.target) as target:
        indexes = await rows(
            target,
            "SELECT indexname FROM pg_indexes WHERE schemaname = 'depot' AND "
            "indexname LIKE '%%by_number' ORDER BY 1",
            (),
        )
        assert indexes == [("labels_by_number",), ("parcels_by_number",)]
        checks = await rows(
            target,
            "SELECT conname, convalidated, obj_description(oid) FROM pg_constraint WHERE conrelid "
            "IN ('depot.gates'::regclass, 'depot.offers'::regclass) AND contype = 'c' ORDER BY 1",
        )
        assert checks == [("known", True, "no gate without a site"), ("open", False, None)]
        compressed = await rows(
            target,
            "SELECT count(*) FROM timescaledb_information.chunks WHERE hypertable_name = 'scans' "
            "AND is_compressed",
        )
        assert compressed[0][0] > 0
