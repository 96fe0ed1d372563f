"""A split migration is resumed on another machine, which has nothing but the two ends.

A full one is not, as its dump lies on one machine: `test_interrupted`."""

from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from tests.e2e.expected import proved, scheduled
from tests.support.program import Program
from tswizard.core.db.connection import connected, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.demo import EmbeddedPair

pytestmark = pytest.mark.e2e


def machine(folder: Path, pair: EmbeddedPair) -> Program:
    folder.mkdir()
    return Program.make(folder, pair)


async def test_the_machine_that_began_it_is_gone(pair: EmbeddedPair, tmp_path: Path) -> None:
    before = await scheduled(pair)
    first, second = (machine(tmp_path / name, pair) for name in ("first", "second"))
    nothing = await second.call("resume", "--target", pair.target_conninfo)
    assert nothing.code == 4
    assert "There is no run on this target" in nothing.err
    answers = first.answers(pair, method="split", keep_record=True)
    await first.killed_at("▸ Copy hypertables", "--answers", answers)
    assert await scheduled(pair) == []

    given = make_conninfo(pair.target_conninfo, password=pair.target_password)
    ended = await second.call("resume", "--target", given)
    assert ended.code == 0, ended.err
    assert "✓ Dump the schema" not in ended.err  # steps that are done stay done
    assert second.run.name == first.run.name
    report = second.report()
    proved(report)
    assert {step["state"] for step in report["steps"]} <= {"done", "skipped"}
    assert await scheduled(pair) == before
    assert "DROP SCHEMA _tswizard CASCADE;" in (second.run / "report.md").read_text()

    # The record is kept, and the machine that began it learns from there that all is over.
    late = await first.call("resume")
    assert late.code == 3
    assert "has finished (pass)" in late.err
    target = Endpoint.parse(pair.target_conninfo, password=pair.target_password)
    async with connected(target) as connection:
        text = str(await value(connection, "SELECT record || inventory FROM _tswizard.record"))
        text += str(await value(connection, "SELECT source FROM _tswizard.ledger"))
    files = [p for p in tmp_path.rglob("*") if p.is_file() and p.name != "pgpass"]
    text += "".join(p.read_bytes().decode(errors="replace") for p in files)
    assert pair.source_password not in text
    assert pair.target_password not in text
