"""A migration by its runbook's script, and what tswizard's own check says of it."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tests.support.step_context import step_context
from tswizard.core.catalog.read import read_inventory
from tswizard.core.db.client_tools import choose, find_tools
from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.full.check import check_restored
from tswizard.core.model.answers import Answers
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.plan import Task
from tswizard.core.prepare import prepare, shown_task
from tswizard.core.runbook import WrittenRunbook, write_runbook
from tswizard.core.split.check import check_split


async def planned(source: Endpoint, target: Endpoint, answers: Answers) -> Task:
    """The task that Review shows."""
    inventory, there = await read_inventory(source), await read_inventory(target)
    return shown_task(
        prepare(
            source=source,
            target=target,
            inventory=inventory,
            target_inventory=there,
            answers=answers,
        )
    )


async def carried_out(
    folder: Path, source: Endpoint, target: Endpoint, answers: Answers
) -> tuple[WrittenRunbook, str]:
    """Write the runbook and run its script with bash; both, and what the script said."""
    written = await write_runbook(await planned(source, target, answers))
    _text, script = written.save(folder / "runbook")
    said = await run_script(script, by_hand_environment(folder, source, target))
    return written, said


async def run_script(script: Path, environment: Mapping[str, str]) -> str:
    """What it said; it has to end well."""
    process = await asyncio.create_subprocess_exec(
        "bash",
        script,
        env=environment,
        cwd=script.parent,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    return out.decode()


def by_hand_environment(folder: Path, source: Endpoint, target: Endpoint) -> dict[str, str]:
    """SOURCE, TARGET and a passfile; of tswizard nothing, and client tools that serve."""
    tools = choose(find_tools(), 17, need_tls=False)
    assert tools is not None
    passfile = folder / "by-hand.pgpass"
    passfile.write_text(
        "".join(
            f"{e.host}:{e.get('port')}:*:{e.get('user')}:{e.password}\n" for e in (source, target)
        )
    )
    passfile.chmod(0o600)
    return {
        "PATH": f"{tools.folder}:{os.environ['PATH']}",
        "HOME": str(folder),
        "PGPASSFILE": str(passfile),
        "WORK": str(folder / "work"),
        "SOURCE": source.conninfo,
        "TARGET": target.conninfo,
    }


async def differences(
    folder: Path, source: Endpoint, target: Endpoint, answers: Answers
) -> dict[str, Finding]:
    """What tswizard's check of this method finds wrong, by id. Of tables only those may differ that
    are recomputed."""
    async with step_context(folder, source, target) as run:
        run.ctx.task = replace(run.ctx.task, answers=answers)
        await (check_split if answers.method == "split" else check_restored)(run.ctx)
        tables = run.ctx.run_folder.record.tables
        assert tables
        unequal = [t.name for t in tables if not t.equal and not answers.recomputes(t.name)]
        assert unequal == []
        return {f.id: f for f in run.findings if f.level in (Level.LOOK, Level.FAIL)}


async def job_states(endpoint: Endpoint) -> list[tuple[str, str, bool]]:
    """Each job of the user: what it does, to what, and is it on?"""
    query = (
        "SELECT proc_name, COALESCE(hypertable_name, ''), scheduled "
        "FROM timescaledb_information.jobs WHERE job_id >= 1000"
    )
    async with connected(endpoint) as connection:
        cursor = await connection.execute(query)
        return sorted(await cursor.fetchall())
