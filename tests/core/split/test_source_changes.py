"""The source is written to, altered and rewritten while it is copied and before a resume."""

from pathlib import Path

import pytest

from tests.support.native import community, need_community
from tests.support.split_ends import (
    Ends,
    Heard,
    content,
    copy_everything,
    job,
    leading,
    migrate,
    resumed_equals_source,
    routing,
    run,
    states,
)
from tswizard.core.db.connection import connected, value
from tswizard.core.model.finding import Level
from tswizard.core.split import reconcile

pytestmark = pytest.mark.native


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE plain ALTER COLUMN id TYPE bigint",
        "TRUNCATE plain",
        "DROP TABLE plain; CREATE TABLE plain AS SELECT 1 AS id, NULL::text AS note, now() AS at, "
        "1.0::numeric(12, 3) AS n, 1::float8 AS f, ''::bytea AS b, NULL::jsonb AS j",
        "SELECT compress_chunk(c) "
        "FROM show_chunks('metrics', newer_than => '2024-03-08 00:00+00'::timestamptz) c",
        "SELECT decompress_chunk(c) "
        "FROM show_chunks('metrics', older_than => '2024-03-05 00:00+00'::timestamptz) c",
    ],
)
async def test_rewritten_after_the_snapshot(
    native_ends: Ends, folder: Path, statement: str
) -> None:
    """Under an older snapshot such a table looks empty, which must not be taken for its rows."""
    if "compress_chunk" in statement:
        await need_community(native_ends.source, native_ends.target)
    via = "files" if statement.startswith("TRUNCATE") else "stream"
    heard, work = Heard(), job(native_ends, folder, via=via)
    async with leading(work, heard) as coordinator:
        await run(native_ends.source, statement)
        await copy_everything(coordinator)
    assert any("is invisible to the source snapshot" in line for line in heard.lines)
    wanted, found = [await content(end) for end in (native_ends.source, native_ends.target)]
    compressed = wanted.pop("chunks"), found.pop("chunks")
    assert found == wanted
    assert len(compressed[0]) == len(compressed[1])


async def test_dropped_between_plan_and_copy(native_ends: Ends, folder: Path) -> None:
    heard = Heard()
    async with leading(job(native_ends, folder), heard) as coordinator:
        await run(
            native_ends.source,
            "DROP TABLE plain",
            "SELECT drop_chunks('days', older_than => date '2024-01-11')",
        )
        await copy_everything(coordinator)
    routed = await routing(native_ends.target)
    assert {finding.id for finding in heard.findings} == {"dropped-on-source", *routed}
    said = " ".join(finding.what for finding in heard.findings)
    assert "of public.days" in said
    assert "Table public.plain" in said
    found = await states(native_ends.target)
    assert found["public.plain"] == {"gone"}
    assert found["public.days"] == {"gone", "done"}
    wanted = await content(native_ends.source)
    there = await content(native_ends.target)
    assert there.pop("public.plain")[0] == 0
    assert there["public.days"] == wanted["public.days"]


async def test_dropped_after_the_copy(native_ends: Ends, folder: Path) -> None:
    work = job(native_ends, folder)
    await migrate(work)
    await run(native_ends.source, "DROP TABLE plain")
    heard = await migrate(work)
    (finding,) = heard.findings
    assert finding.id == "dropped-after-copy"
    assert "5,000 rows" in finding.what
    assert (await migrate(work)).findings == []


async def test_a_large_object_that_is_gone_when_resumed(native_ends: Ends, folder: Path) -> None:
    work = job(native_ends, folder)
    await migrate(work)
    await run(
        native_ends.source,
        "SELECT lo_unlink(content) FROM files WHERE name = 'file 9'",
        "DELETE FROM files WHERE name = 'file 9'",
    )
    await resumed_equals_source(native_ends, work)


async def test_new_on_the_source_when_resumed(native_ends: Ends, folder: Path) -> None:
    work = job(native_ends, folder)
    await migrate(work)
    for end in (native_ends.source, native_ends.target):
        await run(end, "CREATE TABLE later (id int)")
    await run(
        native_ends.source,
        "INSERT INTO later SELECT generate_series(1, 10)",
        "INSERT INTO days VALUES ('2030-01-01', 1)",
    )
    if await community(native_ends.source, native_ends.target):
        await run(
            native_ends.source,
            "SELECT count(compress_chunk(c)) "
            "FROM show_chunks('metrics', newer_than => '2024-03-08 00:00+00'::timestamptz) c",
        )
    await resumed_equals_source(native_ends, work)


async def test_altered_and_new_on_the_source_when_resumed(native_ends: Ends, folder: Path) -> None:
    """Rows are copied with the planned columns until the target has the new ones as well."""
    ends, work = native_ends, job(native_ends, folder)
    await migrate(work)
    alter = "ALTER TABLE plain ADD COLUMN more int DEFAULT 7, ALTER COLUMN n TYPE numeric(14, 4)"
    create = "CREATE TABLE later (id int)"
    await run(
        ends.source,
        alter,
        "UPDATE plain SET more = id, note = 'changed' WHERE id % 3 = 0",
        "ALTER TABLE metrics ADD COLUMN more int",
        create,
        "INSERT INTO later SELECT generate_series(1, 10)",
        "INSERT INTO days VALUES ('2030-01-01', 1)",
    )
    heard = await migrate(work)
    assert {f.id for f in heard.findings if f.level is Level.FAIL} == {"table-altered", "table-new"}
    said = " ".join(finding.what for finding in heard.findings)
    assert "public.plain was altered" in said
    assert "more is new, n is numeric(14,4), was numeric(12,3)" in said
    assert "public.later was created on the source" in said
    async with connected(ends.target) as target:
        changed = "SELECT count(*) FROM public.plain WHERE note = 'changed'"
        assert await value(target, changed) == 5000 // 3
    await run(ends.target, alter, create, "ALTER TABLE metrics ADD COLUMN more int")
    heard = await migrate(work)
    assert heard.findings == []
    assert await content(ends.target) == await content(ends.source)


async def test_reconciling_copies_chunks_that_were_created_after_the_copy(
    native_ends: Ends, folder: Path
) -> None:
    ends, work = native_ends, job(native_ends, folder)
    await migrate(work)
    await run(ends.source, "INSERT INTO days VALUES ('2030-01-01', 1), ('2031-01-01', 2)")
    async with leading(work) as coordinator:
        await reconcile.reconcile(coordinator)
    assert await content(ends.target) == await content(ends.source)


async def test_kept_files_are_not_loaded_twice(native_ends: Ends, folder: Path) -> None:
    """A second copy needs a file that was written under its own snapshot."""
    ends, work = native_ends, job(native_ends, folder, via="files", keep_files=True)
    await migrate(work)
    await run(ends.source, "UPDATE plain SET note = 'changed' WHERE id = 1")
    await resumed_equals_source(ends, work)
