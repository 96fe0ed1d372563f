"""The wizard line by line: which section follows which, and how it ends."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from io import TextIOWrapper
from typing import TYPE_CHECKING, TypeVar

from tswizard.core.db.errors import CannotConnect
from tswizard.core.run.run_folder import RunFolderError
from tswizard.demo.progress import DemoError
from tswizard.exit_codes import Exit
from tswizard.plain.asker import Asker, Leave
from tswizard.plain.echo import echo
from tswizard.plain.interrupts import Interrupts
from tswizard.plain.prompts import Back, Option, Prompts, Quit
from tswizard.plain.sections.check import check
from tswizard.plain.sections.connect import source as ask_source
from tswizard.plain.sections.connect import target as ask_target
from tswizard.plain.sections.inspect import inspect
from tswizard.plain.sections.method import method
from tswizard.plain.sections.objects import objects
from tswizard.plain.sections.resume import resume as ask_resume
from tswizard.plain.sections.review import review
from tswizard.plain.sections.run import carry_out
from tswizard.plain.sections.welcome import choose_run, greet, start_demo, waiting_runs
from tswizard.plain.session import Known, Session
from tswizard.plain.terminal import moves_cursor
from tswizard.plain.typed_prompts import TypedPrompts
from tswizard.plain.voice import Voice
from tswizard.wizard.ending import exit_after, farewell, resume_hint

if TYPE_CHECKING:
    from tswizard.core.db.endpoint import Endpoint
    from tswizard.core.run.run_folder import RunFolder
    from tswizard.wizard.engine import EndpointPair, Engine, Prepare, Running

    _Begun = tuple[Running, EndpointPair]
    """A run and its ends."""

_T = TypeVar("_T")

Section = Callable[..., Awaitable[None]]

SECTIONS: tuple[tuple[str, Section], ...] = (
    ("source", ask_source),
    ("target", ask_target),
    ("inspect", inspect),
    ("method", method),
    ("objects", objects),
)
"""Up to Review, in order: what Back can lead to by name."""

_NAMES = [name for name, _ in SECTIONS]


class PlainWizard:
    """One call of the wizard; owns the run that is under way."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.run: Running | None = None
        """The run that this process started or resumed."""

    async def begin(self, waiting: "RunFolder | None", ends: "EndpointPair | None" = None) -> None:
        """Resume this run, check it again when it has finished, or ask for everything where there
        is none; watch it to its end, and again as often as it is stopped and resumed. Raises
        Leave."""
        begun: _Begun | None
        if waiting is not None and ends is not None and waiting.record.over:
            begun = await self._check_again(waiting, ends)
        else:
            begun = await self._first(waiting, ends)
        while begun is not None:
            begun = await self._watch(*begun)

    async def _first(self, waiting: "RunFolder | None", ends: "EndpointPair | None") -> "_Begun":
        while True:
            try:
                if waiting is not None:
                    return await self._resume(waiting, ends)
                return await self._chosen(await waiting_runs(self.session))
            except Back as back:
                self._complain(back)

    async def _chosen(self, runs: "list[tuple[RunFolder, bool]]") -> "_Begun":
        """A run to resume, of those that wait, or a new one. Raises Back, Leave."""
        while True:
            chosen = await choose_run(self.session, runs)
            try:
                if chosen is not None:
                    return await self._resume(chosen, None)
                return await self._ask_everything()
            except Back:
                if not runs:
                    raise

    async def _resume(self, run_folder: "RunFolder", ends: "EndpointPair | None") -> "_Begun":
        """Raises Back before its first question, Leave."""
        self.session.voice.heading("Resume.")
        return await self._again(lambda: ask_resume(self.session, run_folder, ends))

    async def _watch(self, run: "Running", ends: "EndpointPair") -> "_Begun | None":
        """Carry it out and show the checklist; or, when it was stopped, resume it. Raises Leave."""
        session, id = self.session, run.run_folder.record.id
        self.run = run
        hint = resume_hint(id, demo=session.demo, plain=True, over=run.over)
        session.voice.heading("Check again." if run.over else "Run, section 7 of 8.")
        session.ask.quitting = (
            "Quitting stops the run now: what is in progress is aborted, completed work is kept. "
            f"{hint}"
        )
        model = await carry_out(session, run)
        if run.outcome is not None:
            session.ask.quitting = "The run is over; the report holds all of this."
            session.voice.heading("Check, section 8 of 8.")
            report = model.finished.report if model.finished else ""
            again = await check(session, run.outcome, report)
            return await self._check_again(run.run_folder, ends) if again else None
        session.ask.quitting = f"The run is stopped. {hint}"
        verb = "check again" if run.over else "resume it now"
        options = [Option("end", "quit"), Option("on", verb)]
        while True:
            try:
                if await session.ask.one_of("What next", options, default="end") == "end":
                    return None
                if run.over:
                    return await self._check_again(run.run_folder, ends)
                return await self._resume(run.run_folder, ends)
            except Back:
                continue

    async def _check_again(self, run_folder: "RunFolder", ends: "EndpointPair") -> "_Begun | None":
        """Compare both databases of a run that has ended once more. Raises Leave."""
        session = self.session
        session.voice.say("Connecting to both databases …")
        work = session.engine.check_again
        while True:
            try:
                return await session.interrupts.until_done(work(run_folder, *ends)), ends
            except (CannotConnect, RunFolderError) as error:
                session.voice.say(f"FAIL: {error}")
            except Quit as quit:
                await session.ask.ask_to_leave(quit)
            try:
                if not await session.ask.yes_no("Try again?", default=True):
                    return None
            except Back:
                return None

    # Before the run

    async def _ask_everything(self) -> "_Begun":
        """Section by section; Back leads to the one before. Raises Back before the first, Leave."""
        session, at, from_end = self.session, 0, False
        while True:
            try:
                if at < len(SECTIONS):
                    await self._ask_section(at, from_end=from_end)
                    at, from_end = at + 1, False
                    continue
                session.voice.heading("Review, section 6 of 8.")
                run = await self._again(lambda: review(session))
            except Back as back:
                at, from_end = self._back_from(at, back)
            else:
                source, target = session.known.source, session.known.target
                assert source is not None
                assert target is not None
                return run, (source.endpoint, target.endpoint)

    async def _ask_section(self, at: int, *, from_end: bool) -> None:
        name, section = SECTIONS[at]
        self.session.voice.heading(f"{name.capitalize()}, section {at + 1} of 8.")
        await self._again(lambda: section(self.session, from_end=from_end))

    def _back_from(self, at: int, back: Back) -> tuple[int, bool]:
        """(section, from its end) to continue with. Raises Back before the first."""
        if not back.to:
            if at == 0:
                raise back
            return at - 1, True
        found = [index for index, name in enumerate(_NAMES[: at + 1]) if name == back.to]
        if found:
            return found[0], False
        self._complain(back, _NAMES[:at])
        return at, False

    def _complain(self, back: Back, earlier: list[str] | None = None) -> None:
        if not back.to:
            self.session.voice.say("There is no question before this one.")
        elif earlier:
            names = ", ".join(earlier)
            self.session.voice.say(f"There is no earlier section “{back.to}”; there is {names}.")
        else:
            self.session.voice.say("There is no earlier section.")

    async def _again(self, section: Callable[[], Awaitable[_T]]) -> _T:
        """A section; again from its start when its work was interrupted and the user stays."""
        while True:
            try:
                return await section()
            except Quit as quit:
                await self.session.ask.ask_to_leave(quit)

    # The end

    @property
    def exit_code(self) -> Exit:
        """What it came to: the run, or that there was none."""
        if self.run is not None:
            return exit_after(self.run.outcome)
        return Exit.REFUSED  # a script must not take it for a migration

    def say_farewell(self) -> None:
        if self.run is None:
            return
        run = self.run.run_folder
        over = self.run.over
        hint = resume_hint(run.record.id, demo=self.session.demo, plain=True, over=over)
        self.session.voice.say(farewell(run.record.id, run.path, self.run.outcome, hint))


async def wizard(
    *,
    source: "Endpoint | None" = None,
    target: "Endpoint | None" = None,
    demo: bool = False,
    resume: "RunFolder | None" = None,
    prepare: "Prepare | None" = None,
    why: str = "",
    engine: "Engine | None" = None,
) -> int:
    """Run the wizard in this terminal; its exit code. A run under way is ended with it.

    `why` it asks line by line, where nobody told it to.
    """
    if engine is None:
        from tswizard.wizard.core_engine import CoreEngine

        engine = CoreEngine()
    session = _session(engine, demo=demo)
    session.known.source_endpoint, session.known.target_endpoint = source, target
    session.interrupts.listen()
    with echo(shown=False):
        return await _ask_and_run(PlainWizard(session), resume, prepare, why)


async def _ask_and_run(
    plain: PlainWizard, resume: "RunFolder | None", prepare: "Prepare | None", why: str
) -> int:
    session, known = plain.session, plain.session.known
    given = known.source_endpoint, known.target_endpoint
    signaled = _end_on_signals()
    greet(session, why)
    try:
        if prepare is not None:
            given = await start_demo(session, prepare)
            known.source_endpoint, known.target_endpoint = given
        source, target = given
        await plain.begin(resume, (source, target) if source and target else None)
    except DemoError as error:
        session.voice.say(f"The demo cannot start. {error}")
        return Exit.REFUSED
    except (Leave, Quit):
        pass
    except asyncio.CancelledError:
        if not signaled:
            raise
        if plain.run is None:
            return 128 + signaled[0]
    plain.say_farewell()
    return plain.exit_code


def _session(engine: "Engine", *, demo: bool) -> Session:
    """Everything that the sections need, for the terminal that this is."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # some terminals have no “ or …
    voice, interrupts = Voice(), Interrupts()
    asker = Asker(_prompts(voice, interrupts), voice)
    return Session(
        engine=engine, voice=voice, ask=asker, interrupts=interrupts, known=Known(), demo=demo
    )


def _prompts(voice: Voice, interrupts: Interrupts) -> Prompts:
    if not moves_cursor():
        return TypedPrompts(voice, interrupts)
    from tswizard.plain.key_prompts import KeyPrompts

    return KeyPrompts()


def _end_on_signals() -> list[int]:
    """Cancel this task when the process is told to end; the signal is in the list then."""
    task, signaled = asyncio.current_task(), list[int]()
    assert task is not None

    def end(number: int) -> None:
        if not signaled:
            signaled.append(number)
            task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end, number)
    return signaled
