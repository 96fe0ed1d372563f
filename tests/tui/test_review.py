"""Review of a split migration: the real statements, and long lists that stay short."""

from textual.widgets import Static

from tests.tui.scenes import SMALL, split_planned, split_reviewed, until
from tests.tui.test_flow import app_with, shown


async def test_review_of_many_hypertables_stays_short_and_copies_all() -> None:
    app = app_with(split_planned())
    async with app.run_test(size=SMALL) as pilot:
        await split_reviewed(pilot)
        text = shown(pilot)
        assert "5  Create hypertables" in text and "by_range" in text
        card = app.focused
        assert card is not None
        lines = str(card.query_one(".step-commands", Static).render()).splitlines()
        assert lines[-1] == "… and 188 more like these; press y to copy all"
        await pilot.press("y")
        await until(pilot, lambda: "sensor_189" in app.clipboard)
        assert app.clipboard.count('create_hypertable"') == 193
