"""The probe: how fast samples of the source move, and what follows for the method."""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from tswizard.core.probe.events import ProbeDone
from tswizard.plain.prompts import Back, Option, Quit
from tswizard.plain.session import Session, declared
from tswizard.wizard.estimate_words import method_rows, probe_lines, why_text
from tswizard.wizard.text import date_and_time
from tswizard.wizard.timing_lines import TimingLines

if TYPE_CHECKING:
    from tswizard.core.model.probed import Sample
    from tswizard.wizard.state import Inspected

EXPLAIN = "explain every figure"

_EVERY = 3.0
"""Seconds between two lines of one timing."""

_OFFERED = 8
"""Tables to pick from."""


class ProbeSection:
    """Asks whether and what to time, times it, and says what is recommended."""

    def __init__(self, session: Session, inspected: "Inspected") -> None:
        self._session = session
        self._inspected = inspected
        self._samples: Sequence[Sample] = session.engine.choose_samples(inspected.inventory)

    async def ask(self) -> bool:
        """False where there is nothing to time. Raises Back, Leave."""
        session, known = self._session, self._session.known
        if not self._samples:
            session.voice.say("There is nothing to time: the source holds no rows.")
            await self.advise()
            return False
        if known.probe is None:
            known.probe = session.engine.saved_probe(self._inspected.pair)
            if known.probe is not None and known.probe.timings:
                at = date_and_time(known.probe.at)
                session.voice.say(f"These two databases were timed on {at}:")
                session.voice.facts(probe_lines(known.probe), indent=2)
        timed = known.probe is not None and bool(known.probe.timings)
        asked = declared("answers", "probe")
        wanted = await session.ask.question(asked, known.answers.probe and not timed)
        known.answers = replace(known.answers, probe=wanted)
        if wanted:
            await self._time_as_asked()
        await self.advise()
        await self._ask_for_more()
        return True

    async def _ask_for_more(self) -> None:
        """Time again, or another table, until the user goes on."""
        session = self._session
        options = [
            Option("on", "continue to the method"),
            Option("again", "time again"),
            Option("table", "time another table"),
            Option("why", EXPLAIN),
        ]
        while True:
            chosen = await session.ask.one_of("What next", options, default="on")
            match chosen:
                case "on":
                    return
                case "why":
                    self.say_why()
                    continue
                case "table" if not await self._picked():
                    continue
            await self._time_as_asked()
            await self.advise()

    async def _picked(self) -> bool:
        """Another table stands for the others from now on."""
        held = self._inspected.inventory
        offered = self._session.engine.samples(held)
        tables = [*dict.fromkeys(sample.table for sample in offered)][:_OFFERED]
        options = [Option(table, table) for table in tables]
        try:
            table = await self._session.ask.one_of("Table that represents the others", options)
        except Back as back:
            if back.to:
                raise
            return False
        self._samples = self._session.engine.choose_samples(held, table)
        return True

    # Timing

    async def _time_as_asked(self) -> None:
        session, known = self._session, self._session.known
        upload = await session.ask.question(
            declared("answers", "probe_upload"), known.answers.probe_upload
        )
        known.answers = replace(known.answers, probe_upload=upload)
        session.voice.say("Timing. Ctrl+C ends it; nothing is left behind.")
        try:
            await session.interrupts.until_done(self._time())
        except Quit:
            session.voice.say("Ended. What was timed until then is not kept.")

    async def _time(self) -> None:
        known = self._session.known
        events = self._session.engine.probe(
            self._inspected, known.answers, self._samples, known.probe
        )
        lines, voice = TimingLines(_EVERY), self._session.voice
        async with aclosing(events):
            async for event in events:
                if line := lines.of(event):
                    text = f"{line.text} …" if line.begins else line.text
                    voice.say(text, indent=0 if line.begins else 2)
                if isinstance(event, ProbeDone):
                    known.probe = event.probe

    # What follows

    async def advise(self) -> None:
        """Both estimates and the recommendation, said whenever it is another one."""
        session, known = self._session, self._session.known
        before = known.advice
        known.advice = await session.engine.advise(self._inspected, known.answers, known.probe)
        advice = known.advice
        if before is not None and before == advice:
            return
        voice = session.voice
        for row in method_rows(advice, session.engine.methods()):
            voice.say(
                f"{row.name}: takes {row.estimate}; moves {row.moves}; {row.interrupted} after an "
                f"interruption; versions of TimescaleDB: {row.versions}; disk on "
                f"this machine: {row.disk}."
            )
        for estimate in advice.estimates:
            for what in estimate.unmeasured:
                voice.say(f"{estimate.method.capitalize()}, not measured: {what}.", indent=2)
        voice.say(f"Recommended: {advice.recommendation.sentence}")
        for reason in advice.recommendation.reasons[1:]:
            voice.say(f"Also: {reason.text}.", indent=2)
        if not known.method_chosen:
            known.answers = replace(known.answers, method=advice.recommendation.method)

    def say_why(self) -> None:
        """Every figure with its numbers."""
        advice = self._session.known.advice
        if advice is not None:
            self._session.voice.say(why_text(advice))
