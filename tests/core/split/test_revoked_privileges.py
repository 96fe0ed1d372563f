"""An owner may have revoked privileges on its own tables and schemas from itself."""

from pathlib import Path

import pytest

from tests.support.begun_run import begun, carried_out
from tests.support.cloudlike import ROLE, cloudlike_database
from tests.support.native import SOURCE, TARGET, named
from tests.support.revoked_privileges import REVOKED_PRIVILEGES
from tests.support.split_ends import run as run_sql
from tswizard.core.db.connection import connected, rows
from tswizard.core.model.answers import Answers
from tswizard.core.model.finding import Level
from tswizard.core.resume import reopen

pytestmark = pytest.mark.native

_HYPERTABLE = (
    "CREATE TABLE public.old (at timestamptz NOT NULL, value int)",
    "SELECT create_hypertable('public.old', 'at')",
    "INSERT INTO public.old SELECT '2024-01-01 00:00+00'::timestamptz + i * interval '1 hour', i "
    "FROM generate_series(1, 500) i",
    f"REVOKE INSERT ON public.old FROM {ROLE}",
)

_PRIVILEGES = """
SELECT has_table_privilege('public.archive', 'INSERT'), has_table_privilege('public.old', 'INSERT'),
  (SELECT bool_or(has_table_privilege(c, 'INSERT')) FROM public.show_chunks('public.old') c),
  has_schema_privilege('closed', 'CREATE'), (SELECT count(*) FROM public.archive),
  (SELECT count(*) FROM public.old), to_regclass('closed.by_y') IS NOT NULL
"""


async def test_rows_arrive_also_those_that_change_before_a_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(tmp_path))
    async with (
        cloudlike_database(named(SOURCE)) as source,
        cloudlike_database(named(TARGET)) as target,
    ):
        await run_sql(source, *REVOKED_PRIVILEGES, *_HYPERTABLE)
        run = await begun(source, target, Answers(method="split"))
        run = await carried_out(run, until="analyze")
        assert run.outcome is None
        await run_sql(
            source,
            f"GRANT INSERT ON public.archive, public.old TO {ROLE}",
            "INSERT INTO public.archive VALUES (1001)",
            "INSERT INTO public.old VALUES ('2024-01-02 00:30+00', 0)",
            f"REVOKE INSERT ON public.archive, public.old FROM {ROLE}",
        )
        run = await carried_out(await reopen(run.run_folder, source, target))
        assert run.outcome is not None
        assert run.outcome.result is Level.PASS, run.outcome.findings
        for end in (source, target):
            async with connected(end) as connection:
                found = await rows(connection, _PRIVILEGES)
            assert found == [(False, False, False, False, 1001, 501, True)]
