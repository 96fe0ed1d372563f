"""The beginning: a new migration, or one that waits to be resumed."""

import asyncio
from typing import TYPE_CHECKING

from tswizard.core.model.events import StepState
from tswizard.core.model.wording import plural
from tswizard.core.run.run_folder import RunFolder
from tswizard.plain.prompts import Option
from tswizard.plain.session import Session
from tswizard.wizard.text import date_and_time
from tswizard.wizard.unfinished import left_open_lines, unfinished_runs
from tswizard.wizard.welcome_texts import DEMO, INTRO, PROMISE

if TYPE_CHECKING:
    from tswizard.demo.progress import Prepared
    from tswizard.wizard.engine import EndpointPair, Prepare

_HELP = (
    "An unfinished run can be resumed: finished steps are not repeated, a finished dump is used "
    "again, and an interrupted restore starts over after you type the target database's name."
)


def greet(session: Session, why: str) -> None:
    """`why` it asks line by line, where nobody told it to."""
    voice = session.voice
    voice.say("tswizard, line by line" + (f", since {why}." if why else "."))
    voice.say(INTRO)
    voice.say(PROMISE)
    if session.demo:
        voice.say(DEMO)
    voice.say(session.ask.hint)


async def start_demo(session: Session, prepare: "Prepare") -> "EndpointPair":
    """The demo's servers, running. Raises DemoError, Quit."""
    last = ""

    def progress(prepared: "Prepared") -> None:
        nonlocal last
        if prepared.text != last:
            last = prepared.text
            session.voice.say(last)

    ends = await session.interrupts.until_done(prepare(progress))
    session.voice.say("Both servers are running.")
    return ends


async def waiting_runs(session: Session) -> list[tuple[RunFolder, bool]]:
    """Runs that can be resumed, and whether another process works on them."""
    return [] if session.demo else await asyncio.to_thread(unfinished_runs, session.engine)


async def choose_run(session: Session, waiting: list[tuple[RunFolder, bool]]) -> RunFolder | None:
    """A run to resume; None for a new migration, which is not asked where there is no choice.

    Raises Back, Leave.
    """
    if not waiting:
        return None
    options = [Option("", "start a new migration")]
    for run_folder, busy in waiting:
        options.append(Option(run_folder.record.id, _described(run_folder, busy=busy)))
        for line in left_open_lines(run_folder):
            session.voice.say(f"LOOK: {run_folder.record.id}: {line}.")
    chosen = await session.ask.one_of("What to do", options, help=_HELP)
    return next((r for r, _ in waiting if r.record.id == chosen), None)


def _described(run_folder: RunFolder, *, busy: bool) -> str:
    record = run_folder.record
    over = (StepState.DONE, StepState.SKIPPED)
    done = sum(step.state in over for step in record.steps)
    note = ", in use by another tswizard process" if busy else ""
    return (
        f"resume {record.id}, started {date_and_time(record.started)}, {record.source_label} to "
        f"{record.target_label}, {done} of {plural(len(record.steps), 'step')} done{note}"
    )
