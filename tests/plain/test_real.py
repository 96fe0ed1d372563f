"""The wizard line by line on the real engine and the embedded pair of servers."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.line_terminal import LineTerminal, line_terminal
from tests.support.program import Program
from tswizard.core.db.connection import connected, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.demo import EmbeddedPair

pytestmark = pytest.mark.e2e


class Answering:
    """A user of the wizard on this pair, without a passfile."""

    def __init__(self, folder: Path, pair: EmbeddedPair) -> None:
        self.pair = pair
        self.program = Program.make(folder, pair)
        (folder / "pgpass").write_text("")
        self.env = {**self.program.env, "ACCESSIBLE": ""}

    def connect(self, terminal: LineTerminal) -> None:
        terminal.answer("Source database (", self.pair.source_conninfo)
        terminal.answer("Source password (", self.pair.source_password)
        terminal.answer("Target database (", self.pair.target_conninfo)
        terminal.answer("Target password (", self.pair.target_password)

    def answer_again(self, terminal: LineTerminal) -> None:
        """Passwords of a resumed run."""
        terminal.answer("/defaultdb (empty", self.pair.source_password)
        terminal.answer("/tsdb (empty", self.pair.target_password)

    def assert_secret(self, terminal: LineTerminal) -> None:
        for password in (self.pair.source_password, self.pair.target_password):
            assert password not in terminal.raw

    def report(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads((self.program.run / "report.json").read_text())
        return data


async def target_value(pair: EmbeddedPair, query: str) -> object:
    target = Endpoint.parse(pair.target_conninfo, password=pair.target_password)
    async with connected(target) as connection:
        return await value(connection, query)


async def test_full_on_a_dumb_terminal_with_steps_back_and_a_wrong_password(
    pair: EmbeddedPair, tmp_path: Path
) -> None:
    user = Answering(tmp_path, pair)

    def drive() -> None:
        with line_terminal("--plain", env=user.env, term="dumb") as terminal:
            terminal.answer("Source database (", pair.source_conninfo)
            terminal.answer("Source password (", "not the password")
            terminal.see("rejected the password")
            terminal.answer("Source password (", pair.source_password)
            terminal.answer("Target database (", pair.source_conninfo)
            terminal.answer("Target password (", pair.source_password)
            terminal.see("This is the source itself.")
            terminal.answer("Target database (", "back")
            terminal.answer("Source password (")
            terminal.answer("Target database (", pair.target_conninfo)
            terminal.answer("Target password (", pair.target_password)
            terminal.answer("What next", "back target")
            terminal.answer("Target database (")
            terminal.answer("Target password (")
            terminal.choose("What next", "continue to Method")
            to_method(terminal)
            terminal.answer("Migration method", "back")
            terminal.answer("Time samples of the source first", "back")
            terminal.choose("What next", "continue to Method")
            to_method(terminal, timed=False)
            terminal.choose("Migration method", "Full")
            terminal.choose("Setting to change", "How rows are compared")
            terminal.answer("How rows are compared", "2")
            terminal.answer("Setting to change")
            terminal.answer("Continuous aggregates to migrate", "3")
            terminal.choose("Continuous aggregates to migrate: ", "ticked: public.events_hourly")
            terminal.see("Left out with it: 1 policy.")
            terminal.answer("Continuous aggregates to migrate: ")
            terminal.answer("Policies and jobs to migrate", "back")
            terminal.answer("Continuous aggregates to migrate")
            terminal.answer("Continuous aggregates to migrate: ")
            terminal.answer("Policies and jobs to migrate")
            terminal.see("Left out, as you chose: 1 continuous aggregate: public.events_hourly")
            terminal.answer("Type the name", "tsdb")
            terminal.see("Everything arrived.")
            terminal.choose("What next", "show the details")
            terminal.answer("Number of the line", "1")
            terminal.answer("Number of the line")
            terminal.answer("What next")
            assert terminal.ended() == 0
            user.assert_secret(terminal)
            assert "\x1b" not in terminal.raw

    await asyncio.to_thread(drive)
    report = user.report()
    assert (report["result"], report["method"]) == ("pass", "full")
    assert await target_value(pair, "SELECT to_regclass('public.events_hourly')") is None


async def test_split_by_keys_stopped_with_ctrl_c_killed_and_resumed(
    pair: EmbeddedPair, tmp_path: Path
) -> None:
    user = Answering(tmp_path, pair)

    def drive() -> None:
        with line_terminal("--plain", env=user.env) as terminal:
            user.connect(terminal)
            terminal.choose("show the extensions", "continue to Method")
            to_method(terminal)
            terminal.choose("Split: the schema, then", "Split")
            terminal.answer("continue with these settings")
            terminal.answer("choose one by one")
            terminal.answer("keep them as they are stored")
            terminal.answer("choose one by one")
            terminal.answer("Type the name", "tsdb")
            terminal.see("Copy hypertables")
            terminal.interrupt()
            terminal.choose("stop now", "stop now")
            terminal.see("Completed work is kept.")
            terminal.choose("resume it now", "resume it now")
            user.answer_again(terminal)
            terminal.see("Check everything")
            terminal.kill()
            user.assert_secret(terminal)
        with line_terminal("resume", "--plain", env=user.env, term="dumb") as terminal:
            user.answer_again(terminal)
            terminal.see("Everything arrived.")
            terminal.answer("What next")
            assert terminal.ended() == 0
            user.assert_secret(terminal)

    await asyncio.to_thread(drive)
    report = user.report()
    assert (report["result"], report["method"]) == ("pass", "split")
    assert all(table["equal"] for table in report["tables"])
    assert await target_value(pair, "SELECT to_regnamespace('_tswizard')") is None


def to_method(terminal: LineTerminal, *, timed: bool = True) -> None:
    """From Inspect to the question of the method; samples are timed or not, the way in is not."""
    terminal.answer("Time samples of the source first", "y" if timed else "n")
    if timed:
        terminal.answer("Time writing to the target as well", "n")
        terminal.see("Recommended: ")
    terminal.choose("explain every figure", "continue to the method")
