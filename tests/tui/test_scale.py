"""Screens of a source with 20,000 chunks and 2,000 tables: what is drawn does not grow with it."""

from dataclasses import replace

import pytest
from textual.widgets import TabbedContent

from tests.support.many_chunks import CHUNKS, HYPERTABLES, TABLES, crowded
from tests.support.recorded_engine import RecordedEngine
from tests.support.wizard_pilot import LARGE, app_with, settled, shown, until
from tests.support.wizard_scenes import split_run, to_inspect, to_run
from tswizard.core.model.events import TableProgress, TableState
from tswizard.tui.run_tables import MOST
from tswizard.tui.screens.run import RunScreen
from tswizard.tui.widgets.table import FittingTable

WIDGETS = 300
TABS = {"hypertables": HYPERTABLES, "tables": TABLES, "jobs": 300}


async def test_inspect_has_a_line_a_table_and_none_a_chunk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    added: list[int] = []
    add_row = FittingTable.add_row

    def counted(self: FittingTable, *args: object, **named: object) -> object:
        added.append(1)
        return add_row(self, *args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(FittingTable, "add_row", counted)
    source = crowded()
    assert sum(len(table.chunks) for table in source.hypertables) == CHUNKS
    app = app_with(RecordedEngine(inventory=source))
    async with app.run_test(size=LARGE) as pilot:
        await to_inspect(pilot)
        for name, count in TABS.items():
            app.screen.query_one(TabbedContent).active = f"tab-{name}"
            await settled(pilot)
            assert app.screen.query_one(f"#{name}", FittingTable).row_count == count
            assert len(app.screen.query("*")) < WIDGETS
        # Each table is made once, when it is first looked at, whatever is pressed then.
        assert len(added) <= sum(TABS.values()) + 100
        added.clear()
        await pilot.press("down", "pagedown", "end", "home", "left", "right")
        await settled(pilot)
        assert added == []


async def test_run_names_the_tables_that_need_attention_and_counts_the_others() -> None:
    engine = split_run()
    app = app_with(engine)
    async with app.run_test(size=LARGE) as pilot:
        await to_run(pilot)
        screen = app.screen
        assert isinstance(screen, RunScreen)
        model = screen.model
        some = next(iter(model.tables.values()))
        model.tables.clear()
        for number in range(TABLES):
            state = TableState.DONE if number % 2 else TableState.WAITING
            progress = replace(some, table=f"public.table_{number}", state=state, failed=0)
            model.apply(progress)
        failed = TableProgress(
            some.at,
            step=some.step,
            table="public.broken",
            done=1,
            total=2,
            rows=1,
            state=TableState.FAILED,
            failed=1,
        )
        model.apply(failed)
        table = screen.query_one(FittingTable)
        await until(pilot, lambda: table.row_count == MOST + 1)
        assert "broken" in str(table.get_row_at(0)[0])
        last = str(table.get_row_at(MOST)[0]).strip()
        assert last == "… and 701 waiting, 1,000 done"
        assert len(screen.query("*")) < WIDGETS
        assert "broken" in shown(pilot)
