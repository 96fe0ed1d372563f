"""Review: everything that will run, what it costs, and the word that starts it."""

import asyncio
from dataclasses import replace

from tswizard.core.db.errors import CannotConnect
from tswizard.core.model.finding import Level
from tswizard.core.model.plan import Plan
from tswizard.core.model.wording import number
from tswizard.core.run.run_folder import RunFolderError
from tswizard.plain.prompts import Back
from tswizard.plain.session import Session, declared
from tswizard.wizard.engine import Running
from tswizard.wizard.review_facts import choices, costs, failed, written_runbook

_SHOWN = 6
"""Commands of one step before the rest is only counted; `all` shows them."""

_ALL = "all"
_RUNBOOK = "runbook"


async def review(session: Session) -> Running:
    """The run, begun. Raises Back, Leave."""
    section = _ReviewSection(session)
    return await section.ask()


class _ReviewSection:
    def __init__(self, session: Session) -> None:
        self._session = session
        known = session.known
        assert known.inspected is not None
        self._decided = known.inspected.decided(known.answers, known.advice)

    async def ask(self) -> Running:
        plan = await asyncio.to_thread(self._session.engine.plan, self._decided)
        self._show(plan, most=_SHOWN)
        for line in choices(self._decided, self._session.engine.methods()):
            self._session.voice.say(line)
        await self._check()
        for line in costs(self._decided, plan):
            self._session.voice.say(line)
        self._say_looks()
        await self._refuse()
        return await self._confirmed(plan)

    def _show(self, plan: Plan, *, most: int | None) -> None:
        voice = self._session.voice
        voice.say(f"The plan has {number(len(plan.steps))} steps. Nothing has been changed so far.")
        for place, step in enumerate(plan.steps, 1):
            voice.say(f"{place}. {step.title}: {step.what}")
            for command in step.commands[:most]:
                voice.copyable(command, indent=4)
            if most is not None and len(step.commands) > most:
                rest = number(len(step.commands) - most)
                voice.say(f"and {rest} more like these; type {_ALL} to see them", indent=4)

    async def _check(self) -> None:
        """The checks once more, now with what was decided since Inspect."""
        decided = self._decided
        if decided.examined:
            return
        inspected = decided.inspected
        self._session.voice.say("Checking with your answers …")
        while True:
            try:
                findings = await self._session.examine(
                    inspected.pair,
                    (inspected.inventory, inspected.target_inventory),
                    decided.answers,
                )
            except CannotConnect as error:
                self._session.voice.say(f"FAIL: {error}")
                if not await self._session.ask.yes_no("Check again?", default=True):
                    raise Back from None
            else:
                self._decided = replace(decided, findings=findings)
                return

    def _say_looks(self) -> None:
        looks = [f for f in self._decided.findings if f.level is Level.LOOK]
        if looks and self._decided.examined:  # else they were said just now
            self._session.voice.say(f"LOOK, as said on Inspect: {looks[0].what}")
            if len(looks) > 1:
                self._session.voice.say(f"and {len(looks) - 1} more", indent=2)

    async def _refuse(self) -> None:
        """A check that fails leaves only the way back. Raises Back, Leave."""
        finding = failed(self._decided)
        if finding is None:
            return
        self._session.voice.finding(finding)
        self._session.voice.say("The run cannot start like this.")
        while True:
            if await self._session.ask.yes_no("Go back?", default=True):
                raise Back

    async def _confirmed(self, plan: Plan) -> Running:
        asked = declared("target", "confirm")
        self._session.ask.asked.append(asked.name)
        wanted = self._decided.inspected.pair.target.server.database
        help = (
            f"{asked.help} Type {_ALL} to see every command of the plan, or {_RUNBOOK} to write it "
            "down for carrying it out by hand. From then on the run is "
            "unattended; it can be paused, stopped and resumed, but not undone."
        )
        while True:
            typed = await self._session.ask.line(f"{asked.text} ({wanted})", help=help)
            if typed == _ALL and wanted != _ALL:
                self._show(plan, most=None)
            elif typed == _RUNBOOK and wanted != _RUNBOOK:
                self._session.voice.say("Writing the runbook: both databases are read …")
                _done, sentence = await written_runbook(self._session.engine, self._decided)
                self._session.voice.say(sentence)
            elif typed != wanted:
                self._session.voice.say(f"To start, type the name of the target database: {wanted}")
            else:
                try:
                    return await asyncio.to_thread(
                        self._session.engine.start, self._decided, demo=self._session.demo
                    )
                except RunFolderError as error:
                    self._session.voice.say(str(error))
