"""An error of the program's own: no password in the terminal, and a file to report it with."""

from pathlib import Path

import pytest

from tests.support.recorded_engine import RecordedEngine, RecordedRun
from tests.support.wizard_pilot import app_with, on_screen, until
from tests.support.wizard_story import in_rows, run_folder
from tests.support.wizard_world import SOURCE, TARGET
from tswizard.core.catalog.inventory import Server
from tswizard.core.db.endpoint import Endpoint
from tswizard.exit_codes import Exit
from tswizard.tui.app import WizardApp


class Broken(RecordedEngine):
    """Fails as no engine should, with a password among its local variables and in its message."""

    async def read_server(self, endpoint: Endpoint) -> Server:
        secret = endpoint.password
        raise ValueError(f"neither this: {secret}")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


async def test_a_crash_shows_no_password_and_says_where_it_is_described(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = app_with(Broken(), source=SOURCE)
    with pytest.raises(Exception, match="Worker raised exception"):
        async with app.run_test() as pilot:
            await on_screen(pilot, "WelcomeScreen")
            await pilot.press("enter")
            await until(pilot, lambda: app._exception, what="the crash")
    said = "".join(capsys.readouterr())
    assert "mst-secret" not in said
    assert "Traceback" not in said
    assert "an error of its own" in said
    (file,) = state.glob("error-*.txt")
    assert str(file) in said
    assert file.stat().st_mode & 0o777 == 0o600
    text = file.read_text(encoding="utf-8")
    assert "read_server" in text
    assert "ValueError: neither this: ********" in text
    assert "mst-secret" not in text
    assert app.return_code == Exit.STOPPED


async def test_a_typed_password_is_known_too(state: Path) -> None:
    app = app_with(Broken())
    with pytest.raises(Exception, match="Worker raised exception"):
        async with app.run_test() as pilot:
            await on_screen(pilot, "WelcomeScreen")
            await pilot.press("enter")
            await on_screen(pilot, "SourceScreen")
            await pilot.press(*"host=h user=u password=Sup3rS3cret", "enter")
            await until(pilot, lambda: app._exception, what="the crash")
    (file,) = state.glob("error-*.txt")
    assert "neither this: ********" in file.read_text(encoding="utf-8")


async def test_a_crash_ends_the_run(state: Path) -> None:
    run = RecordedRun(run_folder(), in_rows(), hold_at=(len(in_rows()) - 1,))
    app: WizardApp = app_with(RecordedEngine(run=run))
    with pytest.raises(ZeroDivisionError):
        async with app.run_test() as pilot:
            app.show_run(run, (SOURCE, TARGET))
            await run.held.wait()
            pilot.app.call_later(lambda: 1 // 0)
            await until(pilot, lambda: app._exception, what="the crash")
    assert run.closed
    assert app.return_code == Exit.STOPPED
