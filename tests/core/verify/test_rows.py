"""Single rows of the target are changed by hand, and every change is seen."""

from dataclasses import replace

import pytest
import pytest_asyncio
from psycopg import sql

from tests.support.migrated_pair import Migrated, changed
from tswizard.core.catalog.catalog_shape import read_shape
from tswizard.core.db.connection import connected, value
from tswizard.core.model.events import TableState
from tswizard.core.model.finding import Level
from tswizard.core.verify.rows.compare import RowComparison, SetResult, no_pause
from tswizard.core.verify.rows.findings import Evidence, rows_findings
from tswizard.core.verify.rows.row_sets import RowSet, SetKind, read_sets

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="package")]


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def sets(migrated: Migrated) -> dict[str, RowSet]:
    async with connected(migrated.source) as connection:
        found = await read_sets(connection, await read_shape(connection))
    return {rows.name: rows for rows in found}


async def compared(migrated: Migrated, *some: RowSet) -> tuple[SetResult, ...]:
    comparison = RowComparison(migrated.job, some, lambda _progress: None, no_pause)
    await comparison.run()
    return comparison.results


async def test_everything_of_the_sample_is_equal(
    migrated: Migrated, sets: dict[str, RowSet]
) -> None:
    results = await compared(migrated, *sets.values())
    assert [r.rows.name for r in results if not r.equal] == []
    others = {SetKind.CONFIGURATION, SetKind.RECOMPUTED}
    assert {r.rows.kind for r in results} == set(SetKind) - others
    async with connected(migrated.source) as connection:
        for name in ("public.conditions", "public.events", "more.things", "more.doubled"):
            only = sql.SQL("ONLY " if name.startswith("more") else "")
            count = await value(
                connection,
                sql.SQL("SELECT count(*) FROM {}{}").format(only, sql.Identifier(*name.split("."))),
            )
            assert next(r.source_rows for r in results if r.rows.name == name) == count


@pytest.mark.parametrize(
    ("table", "statement"),
    [
        ("more.things", "DELETE FROM more.things WHERE id = 7"),
        ("more.things", "INSERT INTO more.things (id) VALUES (999)"),
        ("more.things", "UPDATE more.things SET note = '' WHERE note IS NULL AND id = 1"),
        ("more.things", "UPDATE more.things SET note = NULL WHERE note = '' AND id = 4"),
        ("more.things", "UPDATE more.things SET f = 0 WHERE id = 100"),  # was -0
        ("more.things", "UPDATE more.things SET f = f + 1e-15 WHERE id = 1"),
        ("more.things", "UPDATE more.things SET n = 3.0 WHERE id = 3"),  # was 3
        ("more.things", "UPDATE more.things SET mood = 'high' WHERE id = 5"),
        ("more.things", "UPDATE more.things SET at = at + interval '1 microsecond' WHERE id = 5"),
        ("more.things", "UPDATE more.things SET pairs = ARRAY[pairs[1], NULL] WHERE id = 5"),
        ("more.things", "UPDATE more.things SET code = code || ' ' WHERE id = 5"),
        # the note of one row to another: every column's own sum stays the same
        (
            "more.things",
            "UPDATE more.things t SET note = o.note FROM more.things o "
            "WHERE (t.id, o.id) IN ((2, 3), (3, 2))",
        ),
        ("more.doubled", "DELETE FROM ONLY more.doubled WHERE ctid = '(0,1)'"),
        ("more.doubled", "INSERT INTO more.doubled VALUES (1, 'x')"),
        # two equal rows become two other equal rows: XOR would not see it
        ("more.doubled", "UPDATE ONLY more.doubled SET b = 'z' WHERE a = 1"),
        ("more.doubled", "UPDATE ONLY more.doubled SET b = CASE a WHEN 3 THEN '' END WHERE a > 2"),
    ],
)
async def test_a_change_of_one_value_is_seen(
    migrated: Migrated, sets: dict[str, RowSet], table: str, statement: str
) -> None:
    async with changed(migrated, table, statement):
        (result,) = await compared(migrated, sets[table])
    assert not result.equal
    assert result.state is TableState.DIFFERS
    (again,) = await compared(migrated, sets[table])
    assert again.equal


async def test_moving_a_row_to_an_heir_is_seen(migrated: Migrated, sets: dict[str, RowSet]) -> None:
    async with changed(
        migrated,
        "more.doubled",
        "DELETE FROM ONLY more.doubled WHERE a = 2",
        "INSERT INTO more.child VALUES (2, 'y')",
    ) as connection:
        results = await compared(migrated, sets["more.doubled"], sets["more.child"])
        await connection.execute("DELETE FROM more.child WHERE a = 2")
    assert [r.equal for r in results] == [False, False]


async def test_the_chunks_behind_a_difference_are_named(
    migrated: Migrated, sets: dict[str, RowSet]
) -> None:
    """Of a hypertable that is compared in one go, only the ranges that differ are told."""
    rows = sets["public.fill_levels"]
    victim = rows.chunks[3]
    async with connected(migrated.target) as connection:
        deleted = await (
            await connection.execute(
                sql.SQL("DELETE FROM {} WHERE ctid = '(0,1)' RETURNING *").format(
                    sql.Identifier(victim.schema, victim.name)
                )
            )
        ).fetchall()
        (result,) = await compared(migrated, rows)
        await connection.execute(
            sql.SQL("INSERT INTO public.fill_levels VALUES (%s, %s, %s, %s)"), deleted[0]
        )
    (part,) = result.differing
    assert part.chunks == (f"{victim.schema}.{victim.name}",)
    assert part.source_rows - part.target_rows == 1
    assert part.range == f"[{victim.range_start}, {rows.chunks[4].range_start})"
    assert result.source_rows - result.target_rows == 1
    finding = next(
        f
        for f in rows_findings((result,), Evidence(job=migrated.job, counters=None, newer={}))
        if f.id == "rows-differ"
    )
    assert finding.level is Level.FAIL
    assert "public.fill_levels" in finding.what
    assert "1 missing" in finding.what
    assert victim.name in finding.details[0]


async def test_rows_outside_every_chunk_of_the_source_are_seen(
    migrated: Migrated, sets: dict[str, RowSet]
) -> None:
    async with connected(migrated.target) as connection:
        for at in ("1999-01-01", "2999-01-01", "infinity"):
            await connection.execute("INSERT INTO public.door_openings VALUES (%s, 1, NULL)", (at,))
            (result,) = await compared(migrated, sets["public.door_openings"])
            assert not result.equal, at
            await connection.execute("DELETE FROM public.door_openings WHERE opened = %s", (at,))
        for span in (
            "older_than => timestamptz '2000-01-01'",
            "newer_than => timestamptz '2900-01-01'",
        ):
            await connection.execute(f"SELECT public.drop_chunks('public.door_openings', {span})")
    (again,) = await compared(migrated, sets["public.door_openings"])
    assert again.equal


async def test_counting_sees_less_and_says_so(migrated: Migrated, sets: dict[str, RowSet]) -> None:
    job = replace(migrated.job, verify="count")
    async with changed(migrated, "more.things", "UPDATE more.things SET f = 5 WHERE id = 1"):
        comparison = RowComparison(job, (sets["more.things"],), lambda _progress: None, no_pause)
        await comparison.run()
    assert comparison.results[0].equal
    (finding,) = rows_findings(comparison.results, Evidence(job=job, counters=None, newer={}))
    assert "counted only, as you chose" in finding.what


async def test_a_table_that_the_target_lacks_is_lost(
    migrated: Migrated, sets: dict[str, RowSet]
) -> None:
    gone = replace(sets["more.things"], table="thinks", name="more.thinks")
    results = await compared(migrated, gone)
    assert results[0].unreadable[0].server == "source"
    async with connected(migrated.target) as connection:
        await connection.execute("ALTER TABLE more.things RENAME TO hidden")
        results = await compared(migrated, sets["more.things"])
        await connection.execute("ALTER TABLE more.hidden RENAME TO things")
    findings = rows_findings(results, Evidence(job=migrated.job, counters=None, newer={}))
    assert findings[1].id == "rows-lost"
    assert "53 rows are lost" in findings[1].what
