"""Prompts that a test answers: each line of a script names the question and what is typed."""

import asyncio
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from tests.support.recorded_engine import RecordedEngine
from tests.support.wizard_world import SOURCE, SOURCE_URL, TARGET, TARGET_URL
from tswizard.core.run.run_folder import RunFolder
from tswizard.plain.asker import Asker, Leave
from tswizard.plain.interrupts import Interrupts
from tswizard.plain.prompts import Entry, Option, Quit, Show, read_command
from tswizard.plain.session import Known, Session
from tswizard.plain.voice import Voice
from tswizard.plain.wizard import PlainWizard

QUIT = "^C"
ENTER = ""


@dataclass
class ScriptedPrompts:
    """Answers in the order of the script; a question that it does not expect fails the test."""

    script: list[tuple[str, str]]
    out: io.StringIO
    hint: str = ""
    seen: list[str] = field(default_factory=list)
    """Every question that was asked, with its options."""

    async def line(self, text: str, *, default: str = "") -> str:
        answer = self._next(f"{text} [{default}]")
        read_command(answer)
        return answer or default

    async def secret(self, text: str) -> str:
        answer = self._next(text)
        read_command(answer)
        return answer

    async def one_of(self, text: str, options: Sequence[Option], *, default: str) -> str:
        answer = self._next("\n".join((text, *(option.text for option in options))))
        read_command(answer)
        if answer == ENTER:
            return default or options[0].value
        assert answer in [option.value for option in options], (text, answer, options)
        return answer

    async def yes_no(self, text: str, *, default: bool) -> bool:
        answer = self._next(text)
        read_command(answer)
        return default if answer == ENTER else answer == "yes"

    async def ticks(self, text: str, entries: Sequence[Entry]) -> frozenset[str]:
        """`-public.daily +1001` unticks one and ticks another."""
        listed = [f"[{'x' if e.ticked else ' '}] {e.text}" if e.value else e.text for e in entries]
        answer = self._next("\n".join((text, *listed)))
        read_command(answer)
        if answer.startswith("show "):
            raise Show(answer.removeprefix("show "))
        ticked = {entry.value for entry in entries if entry.ticked}
        for change in answer.split():
            assert change[1:] in [entry.value for entry in entries], (change, listed)
            (ticked.add if change[0] == "+" else ticked.discard)(change[1:])
        return frozenset(ticked)

    def _next(self, asked: str) -> str:
        self.seen.append(asked)
        self.out.write(f"? {asked}\n")
        if not self.script:
            pytest.fail(f"nobody expected to be asked: {asked}\n{self.out.getvalue()}")
        expected, answer = self.script.pop(0)
        assert expected in asked, f"asked {asked!r} instead of {expected!r}\n{self.out.getvalue()}"
        if answer == QUIT:
            raise Quit
        return answer


@dataclass
class Played:
    """What became of a script."""

    wizard: PlainWizard
    prompts: ScriptedPrompts
    engine: RecordedEngine
    left: bool
    """The user quit."""
    text: str
    """Everything that was said and asked, in order, without line breaks within a paragraph."""

    @property
    def asked(self) -> list[str]:
        """Names of the declared questions that were asked."""
        return self.wizard.session.ask.asked


async def play(
    engine: RecordedEngine,
    script: list[tuple[str, str]],
    demo: bool = False,
    *,
    given: RunFolder | None = None,
) -> Played:
    """The wizard from its first question on, or with this run; the script is used up."""
    out = io.StringIO()
    voice, interrupts = Voice(out, columns=10_000), Interrupts()
    prompts = ScriptedPrompts([*script], out)
    session = Session(
        engine=engine,
        voice=voice,
        ask=Asker(prompts, voice),
        interrupts=interrupts,
        known=Known(),
        demo=demo,
        watched=lambda: True,
    )
    wizard, left = PlainWizard(session), False
    try:
        async with asyncio.timeout(600):
            await wizard.begin(given, (SOURCE, TARGET) if given else None)
    except Leave:
        left = True
    assert not prompts.script, f"never asked: {prompts.script}\n{out.getvalue()}"
    text = "\n".join(" ".join(line.split()) for line in out.getvalue().split("\n"))
    return Played(wizard, prompts, engine, left, text)


CONNECT = [
    ("Source database", SOURCE_URL),
    ("Source password", "mst-secret"),
    ("Target database", TARGET_URL),
    ("Target password", "cloud-secret"),
]
"""Both databases are reached."""

LEAVE = [("", QUIT), ("Quit?", "yes")]
