"""Review of a split migration: the real statements, and long lists that stay short."""

from textual.widgets import Static

from tests.support.recorded_engine import RecordedEngine
from tests.support.wizard_pilot import SMALL, app_with, shown, until
from tests.support.wizard_scenes import split_reviewed
from tests.support.wizard_world import INVENTORY
from tswizard.core.db.errors import CannotConnect


async def test_review_of_many_hypertables_stays_short_and_copies_all() -> None:
    app = app_with(RecordedEngine())
    async with app.run_test(size=SMALL) as pilot:
        await split_reviewed(pilot)
        text = shown(pilot)
        assert "5  Create hypertables" in text and "by_range" in text
        assert "are not migrated: stop the writers first." in " ".join(text.split())
        card = app.focused
        assert card is not None
        lines = str(card.query_one(".step-commands", Static).render()).splitlines()
        own = [table for table in INVENTORY.hypertables if table.cagg is None]
        created = len(own) + 1 + 190
        # One line says what they are; six commands are shown.
        more = f"… and {created + 1 - 6} more like these; Shift+Tab to this step, then y copies all"
        assert lines[-1] == more
        await pilot.press("y")
        await until(pilot, lambda: "sensor_189" in app.clipboard)
        assert app.clipboard.count('create_hypertable"') == created


async def test_a_key_writes_the_runbook_while_the_name_is_typed() -> None:
    engine = RecordedEngine()
    app = app_with(engine)
    async with app.run_test(size=SMALL) as pilot:
        await split_reviewed(pilot)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "Written: runbook.md and migrate.sh in " in shown(pilot))
        ((decided, folder),) = engine.runbooks
        assert decided.answers.method == "split"
        assert folder.name == "tswizard-runbook" and folder.is_absolute()

        engine.no_runbook = OSError(13, "Permission denied")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "cannot be written: Permission denied." in shown(pilot))
        engine.no_runbook = CannotConnect("The target is gone.", "Start it.")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "was not written. The target is gone." in shown(pilot))
        assert not engine.started
