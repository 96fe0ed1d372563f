"""Check: what arrived, what did not, and what is left for the user."""

import asyncio
from contextlib import suppress
from pathlib import Path

from tswizard.core.model.outcome import Outcome
from tswizard.core.model.wording import duration, plural
from tswizard.core.report.checklist import Checklist, ChecklistLine
from tswizard.plain.asker import Leave
from tswizard.plain.prompts import Back, Entry, Option, Show
from tswizard.plain.session import Session
from tswizard.wizard.ending import counted
from tswizard.wizard.text import date_and_time

_HELP = (
    "PASS: equal on source and target. LOOK: read it and decide. FAIL: it did not arrive or "
    "differs, and the line says what to do. SKIP: you chose to skip it. The report holds all of "
    "it, for later."
)


async def check(session: Session, outcome: Outcome, report: str) -> bool:
    """The checklist, and what the user wants to see of it. True to compare both databases again."""
    section = _CheckSection(session, session.engine.checklist(outcome, report))
    section.say(outcome)
    with suppress(Leave):
        return await section.ask()
    return False


class _CheckSection:
    def __init__(self, session: Session, checklist: Checklist) -> None:
        self._voice = session.voice
        self._asking = session.ask
        self._checklist = checklist
        self._ticked: frozenset[str] = frozenset()

    def say(self, outcome: Outcome) -> None:
        checklist, voice = self._checklist, self._voice
        took = duration(outcome.seconds)
        if outcome.checked:
            took += f". Checked {date_and_time(outcome.checked)}"
        voice.say(f"{checklist.result.upper()}. {checklist.sentence} It took {took}.")
        voice.say(f"{', '.join(counted(checklist))}.")
        if checklist.next:
            voice.say(f"First: {checklist.next}")
        voice.say("Checked by tswizard:")
        for number, line in enumerate(checklist.lines, 1):
            self._say_line(number, line)
        if checklist.todo:
            voice.say("For you to do:")
            for number, todo in enumerate(checklist.todo, 1):
                voice.say(f"{number}. {todo.text}", indent=2)
        for file in checklist.files:
            voice.copyable(f"The {file.what}: {file.path}")

    def _say_line(self, number: int, line: ChecklistLine) -> None:
        more = f" ({plural(len(line.details), 'line')} of details)" if line.details else ""
        self._voice.say(f"{number}. {line.level.upper()}: {line.text}{more}", indent=2)
        if line.todo:
            self._voice.say(f"What to do: {line.todo}", indent=5)

    async def ask(self) -> bool:
        """True to check again. Raises Leave."""
        while True:
            try:
                chosen = await self._asking.one_of(
                    "What next", self._options(), help=_HELP, default="end"
                )
                match chosen:
                    case "end" | "again":
                        return chosen == "again"
                    case "details":
                        await self._details()
                    case "todo":
                        await self._tick()
                    case "report":
                        await self._report()
            except Back:
                continue

    def _options(self) -> list[Option]:
        options = [Option("end", "end")]
        if any(line.details or line.todo for line in self._checklist.lines):
            options.append(Option("details", "show the details of a line"))
        if self._checklist.todo:
            left = len(self._checklist.todo) - len(self._ticked)
            options.append(
                Option("todo", f"tick what you have done ({left} left), and see its text")
            )
        if self._reports():
            options.append(Option("report", "show the report"))
        options.append(
            Option("again", "compare both databases again, when you have fixed something")
        )
        return options

    async def _details(self) -> None:
        lines = self._checklist.lines
        while True:
            text = await self._asking.line(
                f"Number of the line, 1 to {len(lines)}; empty for no more", help=_HELP
            )
            if not text:
                return
            if not (text.isdecimal() and 1 <= int(text) <= len(lines)):
                self._voice.say(f"Type a number from 1 to {len(lines)}, not “{text}”.")
                continue
            line = lines[int(text) - 1]
            self._voice.say(f"{line.level.upper()}: {line.text}")
            for detail in line.details:
                self._voice.copyable(detail, indent=2)
            if line.todo:
                self._voice.say(f"What to do: {line.todo}", indent=2)
            if not line.details and not line.todo:
                self._voice.say("The line says it all.", indent=2)

    async def _tick(self) -> None:
        while True:
            entries = [
                Entry(value=todo.id, text=todo.text, ticked=todo.id in self._ticked)
                for todo in self._checklist.todo
            ]
            try:
                after = await self._asking.ticks("Done", entries, help="Tick what you have done.")
            except Show as show:
                todo = next(t for t in self._checklist.todo if t.id == show.value)
                self._voice.say(todo.text)
                self._voice.copyable(todo.copy or "There is no text to copy.", indent=2)
                continue
            if after == self._ticked:
                return
            self._ticked = after

    def _reports(self) -> list[Path]:
        paths = [Path(file.path) for file in self._checklist.files]
        return [path for path in paths if path.suffix == ".md"]

    async def _report(self) -> None:
        for path in self._reports():
            try:
                text = await asyncio.to_thread(path.read_text, encoding="utf-8")
            except OSError as error:
                self._voice.say(f"{path} cannot be read: {error.strerror}.")
            else:
                self._voice.copyable(text.rstrip("\n"))
