"""What goes wrong during a copy: one clear finding each, the rest goes on, nothing half-done."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from psycopg.errors import DiskFull

from tests.core.split.world import (
    Ends,
    Heard,
    content,
    copy_everything,
    job,
    migrate,
    routing,
    run,
    superuser,
)
from tests.support.native import community, need_community
from tswizard.core.db.connection import connected, rows, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import explain_error
from tswizard.core.model.finding import Finding, Level
from tswizard.core.run.context import StepFailed
from tswizard.core.run.run_folder import RunFolderError
from tswizard.core.split import reconcile
from tswizard.core.split.coordinator import Coordinator
from tswizard.core.split.copy.copy_job import CopyJob
from tswizard.core.split.copy.reporter import CopyReporter
from tswizard.core.split.copy.staging import Staging
from tswizard.core.split.join import join
from tswizard.core.split.ledger import queue
from tswizard.core.split.ledger.queue import CopyMode, PieceState
from tswizard.core.split.plan import slices
from tswizard.core.split.plan.piece import PieceKind, Stage
from tswizard.core.split.takeover import write_off_files

pytestmark = pytest.mark.native


@asynccontextmanager
async def leading(work: CopyJob, heard: Heard | None = None) -> AsyncIterator[Coordinator]:
    """A session that is closed at the end."""
    coordinator = await Coordinator.start(work, (heard or Heard()).reporter())
    try:
        yield coordinator
    finally:
        await coordinator.close()


async def refused(work: CopyJob, *between: tuple[Endpoint, str]) -> Finding:
    """The finding that ends a copy, when this happens between plan and copy."""
    async with leading(work) as coordinator:
        for end, statement in between:
            await run(end, statement)
        with pytest.raises(StepFailed) as failed:
            await copy_everything(coordinator)
    return failed.value.finding


async def states(end: Endpoint) -> dict[str, set[str]]:
    """States of the pieces of each table."""
    async with connected(end) as target:
        found: dict[str, set[str]] = {}
        for label, state in await rows(target, "SELECT label, state FROM _tswizard.piece"):
            found.setdefault(label, set()).add(state)
    return found


async def mended(ends: Ends, work: CopyJob) -> None:
    """Resumed, everything is there."""
    await migrate(work)
    assert await content(ends.target) == await content(ends.source)


async def test_a_value_the_target_refuses(native_ends: Ends, folder: Path) -> None:
    ends, work = native_ends, job(native_ends, folder)
    check = "ALTER TABLE plain ADD CONSTRAINT small CHECK (id < 4000)"
    finding = await refused(work, (ends.target, check))
    assert finding.id == "value-refused"
    assert "public.plain" in finding.what
    assert "small" in finding.what
    found = await states(ends.target)
    assert found["public.plain"] == {"failed"}
    assert found["public.kinds"] == {"done"}
    async with connected(ends.target) as target:
        assert await value(target, "SELECT count(*) FROM public.plain") == 0
    await run(ends.target, "ALTER TABLE plain DROP CONSTRAINT small")
    await mended(ends, work)


async def test_a_value_that_the_targets_domain_refuses(native_ends: Ends, folder: Path) -> None:
    ends, work = native_ends, job(native_ends, folder)
    narrower = "ALTER DOMAIN percent ADD CONSTRAINT half CHECK (VALUE < 50)"
    finding = await refused(work, (ends.target, narrower))
    assert finding.id == "value-refused"
    assert "public.kinds" in finding.what
    assert "half" in finding.what
    found = await states(ends.target)
    assert found["public.kinds"] == {"failed"}
    assert found["public.plain"] == {"done"}
    await run(ends.target, "ALTER DOMAIN percent DROP CONSTRAINT half")
    await mended(ends, work)


async def test_a_value_that_the_targets_encoding_lacks(native_ends: Ends, folder: Path) -> None:
    ends = native_ends
    name = f"latin_{uuid4().hex[:12]}"
    async with connected(ends.target) as server:
        await server.execute(
            f"CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' "
            "TEMPLATE template0".encode()
        )
        latin = replace(
            ends.target, params=tuple(sorted({**dict(ends.target.params), "dbname": name}.items()))
        )
        table = "CREATE TABLE texts (id int, t text)"
        try:
            await run(latin, "CREATE EXTENSION timescaledb SCHEMA public")
            await run(ends.source, table)
            await run(ends.source, "INSERT INTO texts VALUES (1, 'costs 5 \u20ac')")
            await run(latin, table, "CREATE TABLE base (id int, note text)")
            async with leading(job(Ends(ends.source, latin), folder)) as coordinator:
                with pytest.raises(StepFailed) as failed:
                    await coordinator.copy_stage(Stage.TABLES)
            assert failed.value.finding.id == "pieces-refused"
            found = await states(latin)
            assert found["public.texts"] == {"failed"}
            assert found["public.base"] == {"done"}
            async with connected(latin) as target:
                assert await value(target, "SELECT count(*) FROM public.texts") == 0
                (said,) = await rows(target, _ERROR_OF_TEXTS)
            assert "LATIN1" in said[0]
        finally:
            await server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


_ERROR_OF_TEXTS = "SELECT error FROM _tswizard.piece WHERE label = 'public.texts'"


async def test_no_room_on_the_target(native_ends: Ends, folder: Path) -> None:
    ends, work = native_ends, job(native_ends, folder)
    await run(
        ends.target,
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$",
        "CREATE TRIGGER full_disk BEFORE INSERT ON plain EXECUTE FUNCTION full_disk()",
    )
    finding = await refused(work)
    assert finding.id == "target-full"
    await run(ends.target, "DROP FUNCTION full_disk() CASCADE")
    await mended(ends, work)


async def test_no_room_for_the_targets_chunks(native_ends: Ends, folder: Path) -> None:
    """A full disk is an OperationalError to psycopg, as is a lost connection."""
    await run(native_ends.target, *_NO_ROOM_FOR_CHUNKS)
    async with leading(job(native_ends, folder)) as coordinator:
        with pytest.raises(DiskFull) as caught:
            await coordinator.create_chunks()
    told = explain_error(caught.value)
    assert told.id == "disk-full"
    assert told.what == "The server's disk is full: could not extend file."


_NO_ROOM_FOR_CHUNKS = (
    """
CREATE FUNCTION public.fill_disk() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full';
END $$""",
    """
CREATE OR REPLACE FUNCTION _timescaledb_functions.create_chunk(
    hypertable regclass, slices jsonb, schema_name name = NULL, table_name name = NULL,
    chunk_table regclass = NULL)
RETURNS TABLE (chunk_id integer, hypertable_id integer, schema_name name, table_name name,
    relkind "char", slices jsonb, created boolean)
LANGUAGE sql AS $$
    SELECT 1, 1, ''::name, ''::name, 'r'::"char", '{}'::jsonb, true FROM public.fill_disk()
$$""",
)


@pytest.mark.parametrize(
    ("statement", "id", "undo"),
    [
        (
            "ALTER TABLE plain RENAME COLUMN note TO remark",
            "table-altered",
            "ALTER TABLE plain RENAME COLUMN remark TO note",
        ),
        (
            "REVOKE SELECT ON plain FROM CURRENT_USER",
            "table-unreadable",
            "GRANT SELECT ON plain TO CURRENT_USER",
        ),
        (
            "ALTER TABLE plain ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
            "rows-hidden",
            "ALTER TABLE plain DISABLE ROW LEVEL SECURITY",
        ),
    ],
)
async def test_a_table_that_cannot_be_read_as_planned(
    native_ends: Ends, folder: Path, statement: str, id: str, undo: str
) -> None:
    ends, work = native_ends, job(native_ends, folder)
    if id != "table-altered" and await superuser(ends.source):
        pytest.skip("a superuser may read everything")
    finding = await refused(work, (ends.source, statement))
    assert finding.id == id
    assert "public.plain" in finding.what
    assert (await states(ends.target))["public.kinds"] == {"done"}
    await run(ends.source, undo)
    await mended(ends, work)


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
async def test_rewritten_after_the_moment(native_ends: Ends, folder: Path, statement: str) -> None:
    """To an older snapshot such a table looks empty: nobody may believe that."""
    if "compress_chunk" in statement:
        await need_community(native_ends.source, native_ends.target)
    via = "files" if statement.startswith("TRUNCATE") else "stream"
    heard, work = Heard(), job(native_ends, folder, via=via)
    async with leading(work, heard) as coordinator:
        await run(native_ends.source, statement)
        await copy_everything(coordinator)
    assert any("a later moment begins" in line for line in heard.lines)
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
    assert "5000 rows" in finding.what
    assert (await migrate(work)).findings == []


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
    await mended(native_ends, work)


async def test_altered_and_new_on_the_source_when_resumed(native_ends: Ends, folder: Path) -> None:
    """Rows go on in the planned columns until the target has the new ones as well."""
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
    assert "public.later was made on the source" in said
    async with connected(ends.target) as target:
        changed = "SELECT count(*) FROM public.plain WHERE note = 'changed'"
        assert await value(target, changed) == 5000 // 3
    await run(ends.target, alter, create, "ALTER TABLE metrics ADD COLUMN more int")
    heard = await migrate(work)
    assert heard.findings == []
    assert await content(ends.target) == await content(ends.source)


async def test_new_chunks_after_the_copy_are_copied_with_what_settles(
    native_ends: Ends, folder: Path
) -> None:
    ends, work = native_ends, job(native_ends, folder)
    await migrate(work)
    await run(ends.source, "INSERT INTO days VALUES ('2030-01-01', 1), ('2031-01-01', 2)")
    async with leading(work) as coordinator:
        await reconcile.reconcile(coordinator)
    assert await content(ends.target) == await content(ends.source)


async def test_a_big_table_in_slices(
    native_ends: Ends, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "BIG", 1 << 16)
    monkeypatch.setattr(slices, "SLICE", 1 << 15)
    ends, work = native_ends, job(native_ends, folder)
    finding = await refused(work, (ends.source, "VACUUM FULL plain"))
    assert finding.id == "pieces-refused" or finding.id == "table-altered"
    assert await states(ends.target) != {}
    # Half of it under one moment, the rest under the next, with changes in between.
    async with leading(work) as coordinator:
        assert sum(p.kind is PieceKind.SLICE for p in coordinator.plan.pieces) > 5
        coordinator.reporter.stopping.set()
        with pytest.raises(asyncio.CancelledError):
            await coordinator.copy_stage(Stage.TABLES)
    async with leading(work) as coordinator:
        await coordinator.copy_stage(Stage.TABLES)
    await run(ends.source, "UPDATE plain SET note = 'moved' WHERE id % 3 = 0")
    await mended(ends, work)


async def test_slices_by_key(
    native_ends: Ends, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "BIG", 1 << 16)
    monkeypatch.setattr(slices, "SLICE", 1 << 15)
    monkeypatch.setattr(slices, "_PAGES_SCAN", "a plan that no server has")
    await run(native_ends.source, "ALTER TABLE plain ADD PRIMARY KEY (id)")
    work = job(native_ends, folder)
    async with leading(work) as coordinator:
        cut = [p for p in coordinator.plan.pieces if p.kind is PieceKind.SLICE]
        assert len(cut) > 5
        assert not any(piece.by_ctid for piece in cut)
        await copy_everything(coordinator)
    await run(native_ends.source, "UPDATE plain SET note = 'changed' WHERE id = 2500")
    heard = await migrate(work)
    assert any("changed on the source" in line for line in heard.lines)
    assert await content(native_ends.target) == await content(native_ends.source)


@pytest.mark.parametrize("cut", ["whole", "pages", "pages of another file", "key"])
async def test_a_second_copy_into_a_table_that_is_referred_to(
    native_ends: Ends, folder: Path, monkeypatch: pytest.MonkeyPatch, cut: str
) -> None:
    if cut != "whole":
        monkeypatch.setattr(slices, "BIG", 1 << 16)
        monkeypatch.setattr(slices, "SLICE", 1 << 15)
    if cut == "key":
        monkeypatch.setattr(slices, "_PAGES_SCAN", "a plan that no server has")
    ends, work = native_ends, job(native_ends, folder)
    key = "ALTER TABLE plain ADD PRIMARY KEY (id)"
    await run(ends.source, "UPDATE plain SET id = id + 100000 WHERE id = 17", key)
    await migrate(work)
    assert (len(await pieces_of(ends.target, "public.plain")) > 5) == (cut != "whole")
    await run(
        ends.target,
        key,
        "CREATE TABLE refers (id int REFERENCES plain)",
        "INSERT INTO refers VALUES (1), (2)",
    )
    await run(
        ends.source,
        "UPDATE plain SET note = 'changed' WHERE id = 1",
        "DELETE FROM plain WHERE id = 3",
        "INSERT INTO plain (id, note) VALUES (17, 'new')",
    )
    if cut == "pages of another file":
        await run(ends.source, "VACUUM FULL plain")
    for _ in range(2):  # what became one piece stays one
        await migrate(work)
        there = await content(ends.target)
        del there["public.refers"]
        assert there == await content(ends.source)
        whole = len(await pieces_of(ends.target, "public.plain")) == 1
        assert whole == (cut != "key")


async def pieces_of(end: Endpoint, label: str) -> list[str]:
    """States of a table's pieces."""
    async with connected(end) as target:
        query = "SELECT state FROM _tswizard.piece WHERE label = %s"
        return [state for (state,) in await rows(target, query, (label,))]


async def test_files_that_are_kept_are_not_copied_twice(native_ends: Ends, folder: Path) -> None:
    """A second copy needs a file of its own moment."""
    ends, work = native_ends, job(native_ends, folder, via="files", keep_files=True)
    await migrate(work)
    await run(ends.source, "UPDATE plain SET note = 'changed' WHERE id = 1")
    await mended(ends, work)


async def test_connections_that_break(native_ends: Ends, folder: Path) -> None:
    ends, heard, broken = native_ends, Heard(), 0
    async with leading(job(ends, folder, width="1 hour"), heard) as coordinator:
        copying = asyncio.create_task(copy_everything(coordinator))
        for number in range(1, 6):
            async with connected(ends.target) as target, asyncio.timeout(60):
                while await value(target, _DONE) < number * 50:
                    await asyncio.sleep(0.01)
            for end in (ends.source, ends.target):
                async with connected(end) as connection:
                    broken += len(await rows(connection, _BREAK))
        await copying
    assert broken > 20
    assert any("again in" in line for line in heard.lines)
    assert any("another begins" in line for line in heard.lines)
    assert await content(ends.target) == await content(ends.source)


_DONE = "SELECT count(*) FROM _tswizard.piece WHERE state = 'done'"
_BREAK = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


@pytest.mark.usefixtures("no_lock_timeout")
async def test_two_that_lead_and_another_run(native_ends: Ends, folder: Path) -> None:
    async with leading(job(native_ends, folder)):
        with pytest.raises(StepFailed) as failed:
            await Coordinator.start(job(native_ends, folder), Heard().reporter())
        assert failed.value.finding.id == "target-busy"
        with pytest.raises(StepFailed) as failed:
            await Coordinator.start(job(native_ends, folder, "run-2"), Heard().reporter())
        assert failed.value.finding.id == "target-taken"
        assert "run-1" in failed.value.finding.what


async def test_a_ledger_from_a_newer_version(native_ends: Ends, folder: Path) -> None:
    async with leading(job(native_ends, folder)):
        pass
    await run(native_ends.target, "UPDATE _tswizard.ledger SET format = 99")
    with pytest.raises(StepFailed) as failed:
        await Coordinator.start(job(native_ends, folder), Heard().reporter())
    assert failed.value.finding.id == "ledger-version"


async def test_a_schema_that_is_not_ours(native_ends: Ends, folder: Path) -> None:
    await run(
        native_ends.target, "CREATE SCHEMA _tswizard", "CREATE TABLE _tswizard.piece (mine int)"
    )
    with pytest.raises(StepFailed) as failed:
        await Coordinator.start(job(native_ends, folder), Heard().reporter())
    assert failed.value.finding.id == "schema-taken"
    async with connected(native_ends.target) as target:
        assert await rows(target, "SELECT * FROM _tswizard.piece") == []


async def test_a_width_that_is_none(native_ends: Ends, folder: Path) -> None:
    with pytest.raises(StepFailed) as failed:
        await Coordinator.start(job(native_ends, folder, width="1 fortnight"), Heard().reporter())
    assert failed.value.finding.id == "piece-width"
    assert "1 fortnight" in failed.value.finding.what


async def test_a_helper_from_another_process(native_ends: Ends, folder: Path) -> None:
    work, helper = job(native_ends, folder, jobs=1, width="1 hour"), Heard()
    async with leading(work) as coordinator:
        helping = asyncio.create_task(_join(work, helper.reporter(), folder / "other"))
        await copy_everything(coordinator)
        assert await helping == 0
    assert helper.events
    assert await content(native_ends.target) == await content(native_ends.source)


async def test_a_helper_without_a_leader(native_ends: Ends, folder: Path) -> None:
    work, helper = job(native_ends, folder), Heard()
    async with leading(work) as coordinator:
        pieces = len(coordinator.plan.pieces)
    assert await _join(work, helper.reporter(), folder / "other") == pieces
    assert any("nobody leads" in line for line in helper.lines)


async def _join(work: CopyJob, reporter: CopyReporter, folder: Path) -> int:
    return await join(work.source, work.target, work.psql, reporter, jobs=1, staging=folder)


async def test_a_file_that_was_damaged_between_the_halves(native_ends: Ends, folder: Path) -> None:
    ends, work, heard = native_ends, job(native_ends, folder, via="files"), Heard()
    async with leading(work) as coordinator:
        for stage in (Stage.TABLES, Stage.CHUNKS):
            await coordinator.run_pass(stage, CopyMode.EXPORT)
    files = sorted((folder / "staging").glob("*.copy"))
    assert len(files) > 50
    damaged = bytearray(files[0].read_bytes())
    damaged[len(damaged) // 2] ^= 1
    files[0].write_bytes(damaged)
    files[1].unlink()
    files[2].write_bytes(files[2].read_bytes()[:-30])
    await migrate(work, heard)
    assert sum("it is made again" in line for line in heard.lines) >= 2
    assert await content(ends.target) == await content(ends.source)
    async with connected(ends.target) as target:
        assert {k.state for k in await queue.read_pieces(target)} == {PieceState.DONE}


async def test_the_machine_that_held_the_files_is_lost(native_ends: Ends, folder: Path) -> None:
    ends = native_ends
    work = job(ends, folder, via="files")
    async with leading(work) as coordinator:
        await coordinator.run_pass(Stage.TABLES, CopyMode.EXPORT)
    lost = Staging(folder / "staging").location
    here = replace(work, staging=folder / "another machine's")
    with pytest.raises(StepFailed) as failed:
        await migrate(here)
    assert failed.value.finding.id == "files-elsewhere"
    assert f"resume --lost {lost}," in failed.value.finding.todo
    with pytest.raises(RunFolderError, match=f"lies at nowhere:/; files lie at .*{lost}"):
        await write_off_files(ends.target, "nowhere:/")
    assert await write_off_files(ends.target, lost) > 10
    await mended(ends, here)


async def test_stopped_and_cancelled(native_ends: Ends, folder: Path) -> None:
    work = job(native_ends, folder, width="1 hour")
    async with leading(work) as coordinator:
        copying = asyncio.create_task(coordinator.copy_stage(Stage.TABLES))
        await asyncio.sleep(0)
        copying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await copying
    async with connected(native_ends.source) as source:
        async with asyncio.timeout(120):
            while await rows(source, _READING):
                await asyncio.sleep(0.01)
    await mended(native_ends, work)


_READING = """
SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND backend_type = 'client backend'
"""
