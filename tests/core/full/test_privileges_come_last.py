"""Privileges are restored behind everything else: an owner may have none on its own tables."""

from pathlib import Path

import pytest

from tests.support.begun_run import fully_migrated
from tests.support.cloudlike import cloudlike_database
from tests.support.native import SOURCE, TARGET, named
from tests.support.revoked_privileges import REVOKED_PRIVILEGES
from tests.support.split_ends import run as run_sql
from tswizard.core.db.connection import connected, value
from tswizard.core.model.finding import Level

_PRIVILEGES = """
SELECT has_table_privilege('public.archive', 'INSERT'), has_schema_privilege('closed', 'CREATE'),
       (SELECT count(*) FROM public.archive), to_regclass('closed.by_y') IS NOT NULL
"""


@pytest.mark.native
async def test_rows_and_indexes_of_who_has_revoked_its_own_privileges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(tmp_path))
    async with (
        cloudlike_database(named(SOURCE)) as source,
        cloudlike_database(named(TARGET)) as target,
    ):
        await run_sql(source, *REVOKED_PRIVILEGES)
        run = await fully_migrated(source, target)
        assert run.outcome is not None
        assert run.outcome.result is Level.PASS, run.outcome.findings
        for end in (source, target):
            async with connected(end) as connection:
                row = await value(connection, f"SELECT row_to_json(x) FROM ({_PRIVILEGES}) x")
            assert list(row.values()) == [False, False, 1000, True]
