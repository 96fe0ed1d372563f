"""A hundred thousand lines of a restore's log; run as a program, how much memory they take."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.recorded_engine import RecordedEngine, RecordedRun
from tests.support.wizard_story import NOON, SAFE, run_folder, whole
from tests.support.wizard_world import SOURCE, TARGET
from tswizard.core.model.events import Event, LogLine, LogVerdict
from tswizard.tui.app import WizardApp
from tswizard.tui.widgets.runlog import RunLog

LINES = 100_000


def line(number: int) -> LogLine:
    text = f'pg_restore: processing data for table "_timescaledb_internal._hyper_1_{number}_chunk"'
    return LogLine(NOON + number / 100, "pg_restore", text)


def flood() -> Iterator[Event]:
    """Every hundredth line is an error with a verdict."""
    yield whole()[0]
    for number in range(LINES):
        at = NOON + number / 100
        yield LogVerdict(at, SAFE) if number % 100 == 0 else line(number)


class Flood(list[Event]):
    """Made while it is read, as a tool's output is."""

    def __iter__(self) -> Iterator[Event]:
        return flood()


async def main() -> None:
    run = RecordedRun(run_folder(Path("/nonexistent")), Flood())
    app = WizardApp(RecordedEngine(run=run))
    async with app.run_test(size=(120, 35)) as pilot:
        app.show_run(run, (SOURCE, TARGET))
        assert app.feed is not None
        while not (app.feed.over and not app.feed.waiting):
            await asyncio.sleep(0.05)
        await pilot.press("f", "f", "f")
        print(app.screen.query_one(RunLog).line_count)
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    print(re.findall(r"VmHWM:\s+(\d+) kB", status)[0])


if __name__ == "__main__":
    asyncio.run(main())
