"""The Check screen in a real terminal, with the report of a recorded run."""

import asyncio
import sys
from pathlib import Path

from tests.support.recorded_engine import RecordedEngine, RecordedRun
from tests.support.wizard_story import outcome, run_folder, whole
from tests.support.wizard_world import SOURCE, TARGET
from tswizard.core.model.finding import Level
from tswizard.core.report.report import write_report
from tswizard.tui.app import WizardApp
from tswizard.tui.terminal import TerminalDriver


async def main() -> int:
    made = outcome(Level.FAIL)
    report = write_report(made, Path(sys.argv[1]))
    run = RecordedRun(run_folder(Path("/nonexistent")), whole("lost"), made)
    app = WizardApp(RecordedEngine(run=run))
    app.driver_class = TerminalDriver

    def begin() -> None:
        app.show_run(run, (SOURCE, TARGET))
        app.show_check(made, str(report))

    app.call_later(begin)
    code = await app.run_async()
    return code if code is not None else (app.return_code or 0)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
