"""Primary keys that precede their hypertables' chunks, and runs that began otherwise."""

from dataclasses import replace

import pytest

from tests.support.begun_run import begun, carried_out
from tests.support.native import community, databases
from tests.support.sample_inventory import CHUNK, HYPERTABLE, SERVER, inventory
from tests.support.split_ends import run as run_sql
from tswizard.core.catalog.inventory import Constraint
from tswizard.core.db.connection import connected, value
from tswizard.core.model.answers import Answers
from tswizard.core.model.finding import Level
from tswizard.core.resume import reopen
from tswizard.core.split.schema import early_keys as module
from tswizard.core.split.schema.early_keys import early_keys
from tswizard.core.split.schema.preview import preview_constraints, preview_early_keys

KEY = Constraint(
    oid=1,
    schema="public",
    table="readings",
    name="readings_pkey",
    kind="p",
    definition='PRIMARY KEY ("time")',
    validated=True,
    storage=None,
    incoming=False,
)


@pytest.mark.parametrize(
    ("version", "chunks", "early"),
    [
        ("2.17.2", 5000, False),
        ("2.18.0", 50, True),
        ("2.18.0", 49, False),
        ("2.26.4", 50, True),
        ("2.27.0", 499, False),
        ("2.27.0", 500, True),
    ],
)
def test_keys_come_first_where_the_square_counts(version: str, chunks: int, *, early: bool) -> None:
    table = replace(HYPERTABLE, chunks=(CHUNK,) * chunks, compression=None)
    source = inventory(hypertables=(table,), constraints=(KEY, replace(KEY, name="u", kind="u")))
    target = replace(SERVER, timescaledb=version)
    found = [key.name for key in early_keys(source.constraints, source, target)]
    assert found == ([KEY.name] if early else [])
    text = "\n".join(preview_early_keys(source, target))
    assert ("readings_pkey" in text) == early
    assert not early or f"{chunks:,} chunks" in text
    after = "\n".join(preview_constraints(source, target, first=False))
    assert ("readings_pkey" in after) != early
    assert '"u"' in after


_READINGS = (
    "CREATE TABLE readings (time timestamptz NOT NULL, device int NOT NULL, value float8, "
    "PRIMARY KEY (time, device))",
    "SELECT create_hypertable('readings', 'time', chunk_time_interval => interval '1 day')",
    "INSERT INTO readings SELECT t, d, 1 FROM generate_series('2026-01-01'::timestamptz, "
    "'2026-01-04', '6 hours') t, generate_series(1, 3) d",
)
_COMPRESSED = (
    "ALTER TABLE readings SET (timescaledb.compress, timescaledb.compress_segmentby = 'device')",
    "SELECT count(compress_chunk(c)) FROM show_chunks('readings', older_than => "
    "'2026-01-03'::timestamptz) c",
)
_HAS_KEY = """SELECT count(*) FROM pg_constraint
WHERE conrelid = 'public.readings'::regclass AND contype = 'p'"""
_CHUNKS = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'public.readings'::regclass"


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two chunks are many, on every version."""
    monkeypatch.setattr(module, "_SQUARE_SINCE", (0,))
    monkeypatch.setattr(module, "_MANY_FOR_MEMORY", 2)
    monkeypatch.setattr(module, "_MANY_FOR_TIME", 2)


_ANSWERS = Answers(method="split", jobs=2)


@pytest.fixture
def state(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(tmp_path))


@pytest.mark.native
@pytest.mark.usefixtures("many", "state")
async def test_the_key_is_there_before_the_first_chunk() -> None:
    async with databases() as (source, target):
        await run_sql(source, *_READINGS)
        run = await begun(source, target, _ANSWERS)
        await carried_out(run, until="chunks")
        async with connected(target) as connection:
            assert await value(connection, _HAS_KEY) == 1
            assert await value(connection, _CHUNKS) == 0
        again = await reopen(run.run_folder, source, target)
        await carried_out(again)
        assert again.outcome is not None
        assert again.outcome.result is not Level.FAIL
        assert not [f for f in again.run_folder.record.findings if f.level is Level.FAIL]


@pytest.mark.native
@pytest.mark.usefixtures("state")
async def test_chunks_of_an_earlier_version_start_over(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    async with databases() as (source, target):
        compressed = _COMPRESSED if await community(source, target) else ()
        await run_sql(source, *_READINGS, *compressed)
        monkeypatch.setattr(module, "_MANY_FOR_MEMORY", 99)
        run = await begun(source, target, _ANSWERS)
        assert "primary-keys" not in [step.name for step in run.run_folder.record.steps]
        # Where compression is set, the key would have come before the rows.
        await carried_out(run, until="constraints-before" if compressed else "constraints-after")
        async with connected(target) as connection:
            assert await value(connection, _HAS_KEY) == 0
            assert await value(connection, _CHUNKS) == 4
        request.getfixturevalue("many")
        again = await reopen(run.run_folder, source, target)
        names = [step.name for step in again.run_folder.record.steps]
        assert names.index("primary-keys") + 1 == names.index("chunks")
        await carried_out(again)
        assert again.outcome is not None
        assert not [f for f in again.run_folder.record.findings if f.level is Level.FAIL]
        async with connected(target) as connection:
            assert await value(connection, _HAS_KEY) == 1
            assert await value(connection, "SELECT count(*) FROM public.readings") == 39
