"""A role that may restore, but not clear what it restored: it is said before, and the finished dump
goes into another target."""

from pathlib import Path

import pytest

from tests.support.cloudlike import (
    ROLE,
    as_superuser,
    cloudlike_database,
    cloudlike_pair,
    filled_template,
)
from tests.support.migrated_cloudlike import finished, jobs
from tests.support.native import TARGET, named
from tests.support.program import Program
from tswizard.core.db.connection import connected, value

pytestmark = pytest.mark.native


async def test_the_old_target_cannot_be_cleared(tmp_path: Path) -> None:
    server = named(TARGET)
    async with (
        filled_template() as template,
        cloudlike_pair(template) as (source, old),
        cloudlike_database(server) as new,
    ):
        async with connected(as_superuser(old, server)) as superuser:
            await superuser.execute(
                f"REVOKE DELETE ON ALL TABLES IN SCHEMA _timescaledb_catalog FROM {ROLE}".encode()
            )
        before = await jobs(source)
        ends = [(end.conninfo, end.password or "") for end in (source, old, new)]
        program = Program.between(tmp_path, *ends)
        name, other = (dict(end.params)["dbname"] for end in (old, new))
        answers = program.answers_for(source.conninfo, old.conninfo, name)
        async with program.started("--answers", answers) as process:
            assert process.stderr is not None
            said = []
            async for line in process.stderr:
                said.append(line.decode())
                if line.decode().startswith("▸ Restore the rows"):
                    break
            process.kill()
            await process.wait()
        assert f"LOOK  {ROLE} cannot clear a half-restored target" in "".join(said)
        listed = await program.call("runs")
        assert "may still be in restore mode" in listed.out
        assert "still paused" in listed.out

        stuck = await program.call("resume", "--unattended", "--confirm", name)
        assert stuck.code == 3
        assert f"tswizard resume {program.run.name} --target CONNINFO" in stuck.err
        assert await jobs(source) == before

        full = await program.call("resume", program.run.name, "--target", source.conninfo)
        assert full.code == 4, full.err  # a target that is not empty is refused as ever
        dumped = (program.run / "dump" / "toc.dat").stat().st_mtime_ns
        kept = (program.run / "dump").rename(tmp_path / "kept")
        lacking = await program.call("resume", program.run.name, "--target", new.conninfo)
        assert lacking.code == 3
        assert "no finished dump" in lacking.err
        kept.rename(program.run / "dump")
        ended = await program.call("resume", "--target", new.conninfo)
        assert ended.code == 0, ended.err
        assert "✓ Dump the source" not in ended.err
        assert dumped
        await finished(program, source, new)
        assert await jobs(source) == before
        todo = (program.run / "report.md").read_text()
        assert f"Remove what an earlier attempt left in {old.label}" in todo
        async with connected(new) as connection:
            assert await value(connection, "SELECT current_database()") == other
