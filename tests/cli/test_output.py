"""What commands write: shown and never obeyed, and not the end of a run when nobody reads it."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.hostile_names import OBEYED
from tests.support.sample_inventory import HYPERTABLE, TABLE, inventory
from tswizard.cli import inspect
from tswizard.cli.output import say, say_finding
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.finding import Finding, Level
from tswizard.exit_codes import Exit

SHOWN = "esc�]2;PWNED��[31mred�[2J�2J�back"


def test_names_in_the_output_are_not_obeyed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def read(_endpoint: Endpoint) -> Inventory:
        held = (replace(HYPERTABLE, name=OBEYED),)
        return inventory(hypertables=held, tables=(replace(TABLE, name=OBEYED),))

    monkeypatch.setattr(inspect, "read_inventory", read)
    inspect.inspect(Endpoint.parse("host=localhost dbname=x"), as_json=False)
    out = capsys.readouterr().out
    assert f"hypertable  public.{SHOWN}" in out
    assert "\x1b" not in out
    assert out.count("\n") > 3


def test_neither_are_those_in_what_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"{OBEYED}\nand more")
    say_finding(Finding(Level.LOOK, "x", OBEYED, why=OBEYED, todo=OBEYED, details=(OBEYED,)))
    err = capsys.readouterr().err
    assert err.startswith(f"{SHOWN}\nand more\n")
    assert "\x1b" not in err


def ended(program: str, *, out: int, err: int) -> int:
    source = f"import sys\nfrom tswizard.cli.output import put, say\n{program}"
    return subprocess.run(
        [sys.executable, "-c", source], stdout=out, stderr=err, check=False
    ).returncode


@pytest.mark.parametrize("stream", ["out", "err"])
def test_a_reader_who_left_ends_nothing(stream: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    streams = {"out": subprocess.DEVNULL, "err": subprocess.DEVNULL} | {stream: writing}
    program = "for _ in range(9000):\n    put('a line\\n')\n    say('a line')\nsys.exit(5)"
    try:
        assert ended(program, **streams) == 5
    finally:
        os.close(writing)


def test_output_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    log = tmp_path / "some.log"
    log.write_text("pg_restore: error: x\n", encoding="utf-8")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tswizard", "classify", str(log)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.stderr == "The output cannot be written: No space left on device.\n"
    assert done.returncode == Exit.REFUSED
