"""A grown installation's continuous aggregates and jobs arrive whole, compared apart from the
engine."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.caggs import estate_ends, program_for, refresh_everything
from tests.support.whole_database import (
    ROWS,
    Picture,
    differences,
    picture,
    same_version,
    stored_rows,
)
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
    assert await stored_rows(target, since="2023-08-01") == await stored_rows(
        source, since="2023-08-01"
    )
