"""A grown installation's continuous aggregates and jobs arrive whole, compared apart from the
engine."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.caggs import estate_ends, program_for, refresh_everything
from tests.support.program import Program
from tests.support.whole_database import (
    ROWS,
    Picture,
    differences,
    picture,
    same_version,
    stored_rows,
)
from tswizard.core.db.connection import connected, rows
from tswizard.core.db.endpoint import Endpoint

pytestmark = pytest.mark.native

Ends = tuple[Endpoint, Endpoint]


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    async with estate_ends() as found:
        yield found


async def migrate(folder: Path, ends: Ends, **given: Any) -> Picture:
    """The source as it was before; the run has to pass."""
    same = await same_version(*ends)
    before = await picture(ends[0]) if same else await picture(ends[0], ROWS)
    program = program_for(folder, *ends, **given)
    ended = await program.call("--answers", program.folder / "answers.toml")
    assert ended.code == 0, f"{ended.out}\n{ended.err}"
    return before


_LONG_FLOAT = re.compile(r"\d+\.\d{10,}")


def rounded(stored: dict[str, list[str]]) -> dict[str, list[str]]:
    """Without the last digits of floats: those of a sum hang on the order in which it is made."""

    def shorter(found: re.Match[str]) -> str:
        return f"{float(found[0]):.10g}"

    return {
        name: [_LONG_FLOAT.sub(shorter, row) for row in rows_] for name, rows_ in stored.items()
    }


async def test_nothing_differs_and_a_full_refresh_keeps_what_the_raw_rows_cannot_give(
    ends: Ends, tmp_path: Path
) -> None:
    source, target = ends
    before = await migrate(tmp_path, ends)
    same = await same_version(*ends)
    now = await picture(target) if same else await picture(target, ROWS)
    assert not differences(before, now)
    kept = await stored_rows(target, before="2023-06-01")
    await refresh_everything(target)
    assert await stored_rows(target, before="2023-06-01") == kept
    # What a refresh of the source computes from its raw rows, it computes on the target.
    await refresh_everything(source)
    there = await stored_rows(target, since="2023-08-01")
    assert rounded(there) == rounded(await stored_rows(source, since="2023-08-01"))


async def test_the_full_method_brings_the_same(ends: Ends, tmp_path: Path) -> None:
    if not await same_version(*ends):
        pytest.skip("a full migration needs one version")
    before = await migrate(tmp_path, ends, method="full")
    assert not differences(before, await picture(ends[1]))


_CAGGS = ("estate.daily", "estate.weekly")
_READ_THEM = ("estate.device_days", "estate.of_matview", "estate.empty_one", "estate.daily_rows")
_JOBS = {
    ("policy_refresh_continuous_aggregate", 'Odd "Schema".Monthly, Berlin'),
    ("policy_retention", "estate.hourly"),
}


@pytest.mark.parametrize("method", ["split", "full"])
async def test_what_is_left_out_is_all_that_is_missing_and_all_of_it_is_named(
    ends: Ends, tmp_path: Path, method: str
) -> None:
    source, target = ends
    if not await same_version(*ends):
        pytest.skip("objects are compared between equal versions")
    caggs, jobs = await all_but(source)
    before = await migrate(tmp_path, ends, method=method, caggs=caggs, policies=jobs)
    missing = {text.partition("\n")[0] for text in differences(before, await picture(target))}
    left_out = {key for key in missing if any(name in key for name in (*_CAGGS, *_READ_THEM))}
    # Without a continuous aggregate on it, its changes are logged no more.
    no_trigger = {key for key in missing if key.startswith(("chunk ", "materialization "))}
    own_jobs = {key for key in missing if any(what in key and on in key for what, on in _JOBS)}
    assert missing == left_out | no_trigger | own_jobs
    assert len(own_jobs) == 2
    assert all("hourly" in key for key in no_trigger - left_out)
    for name in (*_CAGGS, *_READ_THEM[:-1]):
        assert f"relation {name}" in missing
    report = json.dumps(Program.between(tmp_path).report(), ensure_ascii=False)
    for name in (*_CAGGS, *_READ_THEM):
        assert name in report, name
    assert all(f"{what} on" in report for what in ("retention", "refresh"))


async def all_but(source: Endpoint) -> tuple[list[str], list[int]]:
    """All continuous aggregates but estate.daily and what stands on it, all jobs but two."""
    async with connected(source) as connection:
        caggs = [name for (name,) in await rows(connection, _ALL_CAGGS)]
        jobs = await rows(connection, _ALL_JOBS)
    return (
        [name for name in caggs if name not in _CAGGS],
        [id for id, what, on in jobs if (what, on) not in _JOBS],
    )


_ALL_CAGGS = """
SELECT user_view_schema || '.' || user_view_name FROM _timescaledb_catalog.continuous_agg
"""
_ALL_JOBS = """
SELECT j.id, j.proc_name::text, g.user_view_schema || '.' || g.user_view_name
FROM _timescaledb_config.bgw_job j
LEFT JOIN _timescaledb_catalog.continuous_agg g ON g.mat_hypertable_id = j.hypertable_id
WHERE j.id >= 1000
"""
