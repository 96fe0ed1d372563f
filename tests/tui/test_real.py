"""The wizard by its keys on the real engine and the embedded pair of servers."""

from pathlib import Path

import psycopg
import pytest
from textual.pilot import Pilot

from tests.support.wizard_pilot import SMALL, at, notice, on_screen, shown, until
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import CannotConnect
from tswizard.core.run.run_folder import all_runs
from tswizard.demo import EmbeddedPair
from tswizard.demo.progress import OnProgress
from tswizard.exit_codes import Exit
from tswizard.tui.app import WizardApp
from tswizard.tui.screens.run import RunScreen
from tswizard.wizard.core_engine import CoreEngine, explained

SLOW = 600.0
"""Seconds that a step of the real thing may take on a busy machine."""


async def reach(pilot: Pilot[int], text: str) -> None:
    """Wait for a text on the screen."""
    await until(pilot, lambda: text in shown(pilot), what=text, seconds=SLOW)


@pytest.mark.e2e
async def test_a_whole_migration_stopped_resumed_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(tmp_path))
    async with EmbeddedPair.prepare_and_start() as pair:

        async def prepare(on_progress: OnProgress) -> tuple[Endpoint, Endpoint]:
            return (
                Endpoint.parse(pair.source_conninfo, password=pair.source_password),
                Endpoint.parse(pair.target_conninfo, password=pair.target_password),
            )

        app = WizardApp(CoreEngine(), demo=True, prepare=prepare)
        async with app.run_test(size=SMALL) as pilot:
            await reach(pilot, "migrate the sample database")
            for screen in ("SourceScreen", "TargetScreen"):
                await pilot.press("enter")
                await on_screen(pilot, screen)
                await reach(pilot, "Connected")
            await pilot.press("enter")
            await on_screen(pilot, "InspectScreen")
            await reach(pilot, "Enter continues")
            await pilot.press("enter")
            await on_screen(pilot, "MethodScreen")
            await at(pilot, "#verify", "down")  # only counted: it is the screens that are tested
            await pilot.press("enter")
            await on_screen(pilot, "ObjectsScreen")
            await reach(pilot, "CREATE MATERIALIZED VIEW")
            await pilot.press("enter")
            await on_screen(pilot, "ReviewScreen")
            await reach(pilot, "Disk on this machine")
            await pilot.press(*"tsdb", "enter")
            await on_screen(pilot, "RunScreen")
            await stop_in_restore(pilot)
            await pilot.press("enter")
            await on_screen(pilot, "ResumeScreen")
            await pilot.press("enter")
            asks, over = "To continue, type tsdb", "Enter shows the checklist"
            await until(
                pilot,
                lambda: asks in shown(pilot) or over in shown(pilot),
                what="the question",
                seconds=SLOW,
            )
            if asks in shown(pilot):  # on a busy machine the stop may come behind the restore
                await pilot.press(*"tsdb", "enter")
            await reach(pilot, over)
            await pilot.press("enter")
            await on_screen(pilot, "CheckScreen")
            assert "✓ PASS   Everything arrived." in shown(pilot)
            assert pair.source_password not in shown(pilot)
            await pilot.press("ctrl+q")
    assert app.return_value == Exit.PASSED
    (run,) = all_runs()
    assert run.record.answers.verify == "count"
    assert f"Report: {run.path / 'report.md'}" in app.farewell


async def stop_in_restore(pilot: Pilot[int]) -> None:
    """Stop now, while the target is being filled."""
    screen = pilot.app.screen
    assert isinstance(screen, RunScreen)

    def restoring() -> bool:
        current = screen.model.current
        return current is not None and current.id in ("restore-catalog", "restore-rows")

    await until(pilot, restoring, what="the restore", seconds=SLOW)
    await pilot.press("s", "down", "down", "enter")
    await on_screen(pilot, "RunScreen")
    await until(pilot, lambda: "Stopped" in notice(pilot), what="the stop", seconds=SLOW)


def test_what_a_server_refuses_is_a_sentence() -> None:
    with (
        pytest.raises(CannotConnect, match=r"^The server's disk is full: boom\. Free"),
        explained(),
    ):
        raise psycopg.errors.DiskFull("boom")
