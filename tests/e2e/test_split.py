"""The split method moves everything; killed, it is resumed."""

import asyncio
from pathlib import Path

import pytest

from tests.e2e.expected import names_a_chunk_created_since, proved
from tests.support.program import Program
from tswizard.core.db.connection import connected, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.demo import EmbeddedPair

pytestmark = pytest.mark.e2e


async def test_everything_arrives_though_each_server_dies_in_the_copy(
    pair: EmbeddedPair, tmp_path: Path
) -> None:
    """The run waits until it is there again and continues by itself. Checked once more, only what
    the source has created since is to be looked at."""
    program = Program.make(tmp_path, pair)
    async with program.started("--answers", program.answers(pair, method="split")) as process:
        # Both at once: the copy that is left may be over before a second one could be killed.
        await more_chunks(pair)
        pair.target.kill()
        pair.source.kill()
        await program.log_says("; retrying in ")
        await pair.target.start()
        await pair.source.start()
        _, err = await process.communicate()
        assert process.returncode == 0, err.decode()
    proved(program.report())
    target = Endpoint.parse(pair.target_conninfo, password=pair.target_password)
    async with connected(target) as connection:
        assert await value(connection, "SELECT to_regnamespace('_tswizard')") is None
    source = Endpoint.parse(pair.source_conninfo, password=pair.source_password)
    await names_a_chunk_created_since(program, source)


async def more_chunks(pair: EmbeddedPair) -> None:
    """Wait until another piece of a hypertable is on the target. Most of them are still to come."""
    target = Endpoint.parse(pair.target_conninfo, password=pair.target_password)
    async with connected(target) as connection, asyncio.timeout(600):
        while await value(connection, "SELECT to_regclass('_tswizard.piece')") is None:
            await asyncio.sleep(0.01)
        done = "SELECT count(*) FROM _tswizard.piece WHERE kind = 'chunk' AND state = 'done'"
        before = int(await value(connection, done))
        while int(await value(connection, done)) <= before:
            await asyncio.sleep(0.01)


# In tables that keys point to and from, that have a trigger, that are partitioned, that are
# secured by rows; in a compressed chunk, in a new one, for a new parent; and a sequence moves.
_MEANWHILE = (
    "UPDATE sites SET name = name || '!' WHERE site_id = 3",
    "INSERT INTO sites VALUES (13, 'site 13')",
    "INSERT INTO sensors (site_id, kind, serial_number, installed) "
    "VALUES (13, 'humidity', 'SN-new', '2026-01-01')",
    "INSERT INTO conditions VALUES ('2026-01-02 00:01+00', 1, 20.5, 50)",
    "INSERT INTO conditions SELECT '2026-03-02 00:00+00', max(sensor_id), 21, 50 FROM sensors",
    "INSERT INTO fill_levels VALUES ('2026-03-02 00:00+00', 1, 55.5)",
    "DELETE FROM visits WHERE visited = '2025-11-20'",
    "DELETE FROM operators WHERE operator_id = 103",
    "SET timescaledb.max_tuples_decompressed_per_dml_transaction = 0",
    "DELETE FROM conditions WHERE sensor_id = 60",
    "DELETE FROM sensors WHERE sensor_id = 60",
    # What the target's is filled from, so that both say the same.
    "REFRESH MATERIALIZED VIEW warmest",
)


async def test_killed_while_files_are_written_and_in_the_last_steps_of_a_source_that_lives_on(
    pair: EmbeddedPair, tmp_path: Path
) -> None:
    """In the other way of copying it is another machine that resumes: `test_elsewhere`."""
    program = Program.make(tmp_path, pair)
    answers = program.answers(pair, method="split", via="files")
    await program.killed_at("▸ Write the files", "--answers", answers)
    await program.killed_at("▸ Analyze the target", "resume")
    source = Endpoint.parse(pair.source_conninfo, password=pair.source_password)
    async with connected(source) as connection:
        await connection.execute("SET search_path = public")
        for statement in _MEANWHILE:
            await connection.execute(statement.encode())
    ended = await program.call("resume")
    assert ended.code == 0, ended.err
    assert "changed on the source since they were copied" in (program.run / "log.txt").read_text()
    proved(program.report())
