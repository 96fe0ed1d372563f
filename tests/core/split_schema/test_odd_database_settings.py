"""A schema is restored the same whatever the two databases have set."""

from pathlib import Path

import pytest

from tests.support.compared_ends import Comparer, differing
from tests.support.hard_schema import SCHEMAS, Ends
from tests.support.odd_settings import set_oddly
from tests.support.schema_steps import run_all
from tests.support.step_context import step_context
from tswizard.core.model.finding import Level


@pytest.mark.native
async def test_everything_arrives(native_ends: Ends, tmp_path: Path) -> None:
    await set_oddly(native_ends.source, native_ends.target)
    async with step_context(tmp_path, native_ends.source, native_ends.target) as run:
        await run_all(run, schemas=SCHEMAS)
        assert [f for f in run.findings if f.level is Level.FAIL] == []
        assert [j.message for j in run.troubles] == []
        assert await differing(await Comparer.of(run), native_ends.target) == set()
