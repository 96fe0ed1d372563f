"""What fails during a copy has one clear finding; all else is copied, and nothing by halves."""

import asyncio
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from psycopg.errors import DiskFull

from tests.support.split_ends import (
    Ends,
    Heard,
    content,
    copy_everything,
    job,
    leading,
    migrate,
    refused,
    resumed_equals_source,
    run,
    states,
    superuser,
)
from tswizard.core.db.connection import connected, rows, value
from tswizard.core.db.errors import explain_error
from tswizard.core.model.events import Event, TableProgress, TableState
from tswizard.core.run.context import StepFailed
from tswizard.core.split import reconcile
from tswizard.core.split.coordinator import Coordinator
from tswizard.core.split.ledger import queue
from tswizard.core.split.ledger.queue import CopyMode
from tswizard.core.split.plan.piece import PieceState, Stage
from tswizard.core.split.reconcile import PieceComparison

pytestmark = pytest.mark.native


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
    await resumed_equals_source(ends, work)


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
    await resumed_equals_source(ends, work)


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


async def test_a_full_disk_on_the_target(native_ends: Ends, folder: Path) -> None:
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
    await resumed_equals_source(ends, work)


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
    await resumed_equals_source(ends, work)


async def test_connections_that_break(native_ends: Ends, folder: Path) -> None:
    ends, heard, broken = native_ends, Heard(), 0
    async with leading(job(ends, folder, width="1 hour"), heard) as coordinator:
        copying = asyncio.create_task(copy_everything(coordinator))
        for number in range(1, 6):
            async with connected(ends.target) as target, asyncio.timeout(600):
                while await value(target, _DONE) < number * 50:
                    await asyncio.sleep(0.01)
            for end in (ends.source, ends.target):
                async with connected(end) as connection:
                    broken += len(await rows(connection, _BREAK))
        await copying
    assert broken > 20
    assert any("retrying in" in line for line in heard.lines)
    assert any("the source snapshot was lost" in line for line in heard.lines)
    assert await content(ends.target) == await content(ends.source)


@pytest.mark.parametrize(
    ("owner", "moment"), [(PieceComparison, "_compare"), (reconcile, "_record")]
)
async def test_connections_that_break_while_rows_are_compared(
    native_ends: Ends, folder: Path, monkeypatch: pytest.MonkeyPatch, owner: object, moment: str
) -> None:
    ends, work, heard, whole = native_ends, job(native_ends, folder), Heard(), True
    async with leading(work) as coordinator:
        await copy_everything(coordinator)
    await run(ends.source, "UPDATE plain SET note = 'changed' WHERE id < 100")
    go_on = getattr(owner, moment)

    async def breaking(*args: object) -> object:
        nonlocal whole
        if whole:  # the first that comes by, for others
            whole = False
            for end in (ends.source, ends.target):
                async with connected(end) as connection:
                    assert await rows(connection, _BREAK)
        return await go_on(*args)

    monkeypatch.setattr(owner, moment, breaking)
    async with leading(work, heard) as coordinator:
        await copy_everything(coordinator)
    assert any("the source snapshot was lost" in line for line in heard.lines)
    assert any("changed on the source" in line for line in heard.lines)
    assert await content(ends.target) == await content(ends.source)


_DONE = "SELECT count(*) FROM _tswizard.piece WHERE state = 'done'"


_BREAK = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


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


async def test_an_invalid_time_range_per_piece(native_ends: Ends, folder: Path) -> None:
    with pytest.raises(StepFailed) as failed:
        await Coordinator.start(job(native_ends, folder, width="1 fortnight"), Heard().reporter())
    assert failed.value.finding.id == "piece-width"
    assert "1 fortnight" in failed.value.finding.what


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
    assert sum("writing it again" in line for line in heard.lines) >= 2
    assert await content(ends.target) == await content(ends.source)
    async with connected(ends.target) as target:
        assert {k.state for k in await queue.read_pieces(target)} == {PieceState.DONE}


async def test_canceled(native_ends: Ends, folder: Path) -> None:
    work, copies = job(native_ends, folder), asyncio.Event()

    def watch(event: Event) -> None:
        if isinstance(event, TableProgress) and event.state is TableState.WORKING:
            copies.set()

    async with leading(work) as coordinator:
        coordinator.reporter.put = watch
        copying = asyncio.create_task(coordinator.copy_stage(Stage.TABLES))
        async with asyncio.timeout(600):
            await copies.wait()
        copying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await copying
    async with connected(native_ends.source) as source, asyncio.timeout(600):
        while await rows(source, _OTHERS):
            await asyncio.sleep(0.01)
    await resumed_equals_source(native_ends, work)


_OTHERS = """
SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND backend_type = 'client backend'
"""


async def test_a_full_disk_when_chunks_are_created(native_ends: Ends, folder: Path) -> None:
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
