"""The check as a whole, on a target that is as it should be and on one that is not."""

import pytest

from tests.support.migrated_pair import Migrated, changed
from tswizard.core.catalog.catalog_shape import read_shape
from tswizard.core.model.finding import Level
from tswizard.core.verify import VerifyProgress, VerifyStopped, verify
from tswizard.core.verify.rows.findings import misplaced_findings
from tswizard.core.verify.rows.root_table_rows import misplaced

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="package"),
    pytest.mark.usefixtures("as_it_was"),
]


async def test_a_faithful_target_passes(migrated: Migrated) -> None:
    seen: list[VerifyProgress] = []
    good = await verify(migrated.job, seen.append)
    assert [(f.what, f.details) for f in good.findings if f.level is not Level.PASS] == []
    assert all(table.equal for table in good.tables)
    assert seen[-1].done == seen[-1].total > 0
    assert {p.table for p in seen if p.table} == {table.name for table in good.tables}
    assert [p.done for p in seen] == sorted(p.done for p in seen)


async def test_a_row_and_a_sequence_by_hand_fail(migrated: Migrated) -> None:
    stood = next(s.last_value for s in migrated.inventory.sequences if s.name == "ticket_seq")
    async with changed(
        migrated, "more.things", "DELETE FROM more.things WHERE id = 12"
    ) as connection:
        await connection.execute("SELECT setval('public.ticket_seq', 1)")
        bad = await verify(migrated.job, lambda _progress: None)
        await connection.execute("SELECT setval('public.ticket_seq', %s)", (stood,))
    wrong = {f.id: f for f in bad.findings if f.level is not Level.PASS}
    assert wrong.keys() == {"rows", "rows-differ", "schema-sequence-value"}
    assert {f.level for f in wrong.values()} == {Level.FAIL}
    assert wrong["rows-differ"].what == (
        "more.things: 53 rows on the source, 52 on the target; 1 missing"
    )
    (statement,) = wrong["schema-sequence-value"].details
    assert statement.startswith(f'SELECT setval(\'"public"."ticket_seq"\', {stood + 5}, false);')
    table = next(t for t in bad.tables if t.name == "more.things")
    assert (table.source_rows, table.target_rows, table.equal) == (53, 52, False)


async def test_rows_in_a_root_table_are_found(migrated: Migrated) -> None:
    """No query sees them: TimescaleDB reads a hypertable's chunks only."""
    async with migrated.target_connection() as connection:
        async with connection.transaction():
            await connection.execute("SET LOCAL timescaledb.restoring = 'on'")
            await connection.execute("ALTER TABLE public.daily_costs DISABLE TRIGGER USER")
            await connection.execute("INSERT INTO public.daily_costs VALUES ('2026-01-01', 1, 2)")
            await connection.execute("ALTER TABLE public.daily_costs ENABLE TRIGGER USER")
        found = await misplaced(connection, await read_shape(connection))
        async with connection.transaction():
            await connection.execute("SET LOCAL timescaledb.restoring = 'on'")
            await connection.execute("DELETE FROM ONLY public.daily_costs")
        await connection.execute("VACUUM public.daily_costs")
    (finding,) = misplaced_findings({}, found, migrated.job)
    assert finding.level is Level.FAIL
    assert finding.what.startswith("public.daily_costs: 1 row in the hypertable's root table")


async def test_a_target_in_restore_mode_is_not_compared(migrated: Migrated) -> None:
    """Rows of compressed chunks would seem lost."""
    async with migrated.target_connection() as connection:
        await connection.execute("ALTER DATABASE tsdb SET timescaledb.restoring = 'on'")
        try:
            with pytest.raises(VerifyStopped, match="restore mode") as stopped:
                await verify(migrated.job, lambda _progress: None)
        finally:
            await connection.execute("ALTER DATABASE tsdb RESET timescaledb.restoring")
    assert stopped.value.finding.level is Level.FAIL
