"""Bad input: one clear sentence, an exit code, and nothing changed."""

import json
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from tests.support.program import Ended, Program
from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.demo import EmbeddedPair

pytestmark = pytest.mark.e2e


@pytest.fixture
def program(module_pair: EmbeddedPair, tmp_path: Path) -> Program:
    return Program.make(tmp_path, module_pair)


def refused(ended: Ended, program: Program, *, says: str, code: int = 4) -> None:
    assert ended.code == code, ended.err
    assert says in ended.err
    assert "Traceback" not in ended.err
    assert not program.runs


async def test_wrong_password(program: Program, module_pair: EmbeddedPair) -> None:
    Path(program.env["PGPASSFILE"]).write_text("*:*:*:*:wrong\n")
    ended = await program.call("--answers", program.answers(module_pair))
    refused(ended, program, says="rejected the password for tsdbadmin")


async def test_wrong_host(program: Program, module_pair: EmbeddedPair) -> None:
    source = make_conninfo(module_pair.source_conninfo, host="no-such-host.invalid")
    ended = await program.call(
        "--answers", program.answers_for(source, module_pair.target_conninfo)
    )
    refused(ended, program, says="cannot be resolved")


async def test_nothing_listens(program: Program, module_pair: EmbeddedPair) -> None:
    target = make_conninfo(module_pair.target_conninfo, port=1)
    ended = await program.call(
        "--answers", program.answers_for(module_pair.source_conninfo, target)
    )
    refused(ended, program, says="Connection refused by 127.0.0.1:1/tsdb")


async def test_no_such_database(program: Program, module_pair: EmbeddedPair) -> None:
    target = make_conninfo(module_pair.target_conninfo, dbname="postgres2")
    ended = await program.call(
        "--answers", program.answers_for(module_pair.source_conninfo, target)
    )
    refused(ended, program, says="no such database")


async def test_target_not_empty(program: Program, module_pair: EmbeddedPair) -> None:
    target = Endpoint.parse(module_pair.target_conninfo, password=module_pair.target_password)
    async with connected(target) as connection:
        await connection.execute("CREATE TABLE public.already (here int)")
    try:
        ended = await program.call("--answers", program.answers(module_pair))
        refused(ended, program, says="public.already")
    finally:
        async with connected(target) as connection:
            await connection.execute("DROP TABLE public.already")


async def test_the_target_is_the_source(program: Program, module_pair: EmbeddedPair) -> None:
    source = module_pair.source_conninfo
    ended = await program.call("--answers", program.answers_for(source, source, "defaultdb"))
    refused(ended, program, says="same database")


async def test_no_pg_dump(program: Program, module_pair: EmbeddedPair, tmp_path: Path) -> None:
    program.env["TSWIZARD_PG_BIN"] = str(tmp_path)
    ended = await program.call("--answers", program.answers(module_pair))
    refused(ended, program, says="pg_dump")


async def test_pg_dump_too_old(program: Program, module_pair: EmbeddedPair, tmp_path: Path) -> None:
    for name in ("pg_dump", "pg_restore"):
        tool = tmp_path / "old" / name
        tool.parent.mkdir(exist_ok=True)
        tool.write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) 12.22'\n")
        tool.chmod(0o755)
    program.env["TSWIZARD_PG_BIN"] = str(tmp_path / "old")
    ended = await program.call("--answers", program.answers(module_pair))
    refused(ended, program, says="12.22")


async def test_the_wrong_name_typed(program: Program, module_pair: EmbeddedPair) -> None:
    answers = program.answers_for(
        module_pair.source_conninfo, module_pair.target_conninfo, "defaultdb"
    )
    refused(await program.call("--answers", answers), program, says='called "tsdb"', code=2)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("jbos = 4", "answers.jbos is not a known key. Did you mean answers.jobs?"),
        ('method = "fast"', '"fast" is not one of recommended, full, split'),
        ("jobs = -1", "between 1 and 64 jobs"),
        ('jobs = "4"', "is not a whole number"),
        ("snapshot = 1", "is not true or false"),
        ('staging = "/no/such/folder"', "is not a folder"),
        ("jobs = ", "is not TOML"),
        ('caggs = ["public.nightly"]', 'no continuous aggregate "public.nightly". Did you mean: '),
        ("policies = [7]", "answers.policies: the source has no job 7. Did you mean: 1000"),
    ],
)
async def test_answers_that_cannot_be_used(
    program: Program, module_pair: EmbeddedPair, line: str, says: str
) -> None:
    path = program.answers(module_pair)
    path.write_text(path.read_text() + line + "\n")
    refused(await program.call("--answers", path), program, says=says, code=2)


async def test_a_password_in_the_answers_is_not_asked_for(
    program: Program, module_pair: EmbeddedPair
) -> None:
    path = program.answers(module_pair)
    path.write_text(path.read_text().replace("[source]", '[source]\npassword = "x"'))
    refused(await program.call("--answers", path), program, says="~/.pgpass", code=2)


async def test_not_a_terminal(program: Program) -> None:
    refused(await program.call(), program, says="--answers FILE", code=2)
    refused(await program.call("demo"), program, says="demo --answers FILE", code=2)


async def test_inspect_reads_and_says(program: Program, module_pair: EmbeddedPair) -> None:
    ended = await program.call("inspect", module_pair.source_conninfo, "--json")
    held = json.loads(ended.out)["inventory"]
    assert len(held["hypertables"]) >= 5
    shown = await program.call("inspect", module_pair.source_conninfo)
    assert shown.code == ended.code
    for hypertable in held["hypertables"]:
        if not hypertable["cagg"]:
            assert f"{hypertable['schema']}.{hypertable['name']}" in shown.out
