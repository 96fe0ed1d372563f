"""The wizard in a real terminal on a recorded engine, with a real child process in its run.

Prints the child's process id into the file that it is given, so that a test can see it end.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from tests.support.recorded_engine import RecordedEngine, RecordedRun
from tests.support.wizard_story import in_rows, run_folder
from tests.support.wizard_world import SOURCE, TARGET
from tswizard.core.db.child_process import Child
from tswizard.core.full.steps import FullStep
from tswizard.core.model.events import Event, RunFinished, StepFinished, StepState
from tswizard.tui.app import WizardApp
from tswizard.tui.terminal import TerminalDriver


class RunWithChild(RecordedRun):
    """Holds in the middle of a step until it is stopped, as a run does that waits for its tool."""

    pid_file: Path

    async def events(self) -> AsyncIterator[Event]:
        child = await Child.start(["sleep", "1000"], {"PATH": "/usr/bin:/bin"})
        try:
            for event in self.recorded:
                yield event
            # Whoever sees the file reads the whole number.
            part = self.pid_file.with_suffix(".part")
            part.write_text(str(child.pid), encoding="utf-8")
            part.rename(self.pid_file)
            await self.go.wait()
            at = self.now
            yield StepFinished(
                at,
                step=FullStep.RESTORE_ROWS,
                state=StepState.STOPPED,
                seconds=147,
                why="you stopped it",
            )
            yield RunFinished(at, result=None, seconds=1400)
        finally:
            await child.end()


async def main() -> int:
    run = RunWithChild(run_folder(Path("/nonexistent")), in_rows())
    run.pid_file = Path(sys.argv[1])
    app = WizardApp(RecordedEngine(run=run))
    app.driver_class = TerminalDriver

    def begin() -> None:
        app.show_run(run, (SOURCE, TARGET))

    app.call_later(begin)
    code = await app.run_async()
    if app.farewell:
        print(app.farewell)
    return code if code is not None else (app.return_code or 0)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
