"""Questions, asked until they are answered: help, checks, and quitting through a question."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from tswizard.plain.prompts import Back, Entry, Help, Option, Prompts, Quit
from tswizard.plain.voice import Voice
from tswizard.questions import Kind, Question
from tswizard.wizard.text import whole_number

_T = TypeVar("_T")

NO_HELP = "There is nothing more to say about this one."


_NOTHING = '""'
_CLEAR = f" Type {_NOTHING} for nothing at all."


class Leave(Exception):
    """The user quits."""


class Asker:
    """Asks by whatever prompts this terminal can show. Every method raises Back or Leave."""

    def __init__(self, prompts: Prompts, voice: Voice) -> None:
        self._prompts = prompts
        self._voice = voice
        self.quitting = "Nothing has been changed on either database. What you typed is not kept."
        """What quitting now means."""
        self.asked: list[str] = []
        """Names of the questions that were asked, in order."""

    @property
    def hint(self) -> str:
        return self._prompts.hint

    async def line(self, text: str, *, help: str = "", default: str = "") -> str:
        return await self._answered(lambda: self._prompts.line(text, default=default), help)

    async def secret(self, text: str, *, help: str = "") -> str:
        return await self._answered(lambda: self._prompts.secret(text), help)

    async def one_of(
        self, text: str, options: Sequence[Option], *, help: str = "", default: str = ""
    ) -> str:
        return await self._answered(
            lambda: self._prompts.one_of(text, options, default=default), help
        )

    async def yes_no(self, text: str, *, help: str = "", default: bool = False) -> bool:
        return await self._answered(lambda: self._prompts.yes_no(text, default=default), help)

    async def ticks(self, text: str, entries: Sequence[Entry], *, help: str = "") -> frozenset[str]:
        """Raises Show as well."""
        return await self._answered(lambda: self._prompts.ticks(text, entries), help)

    async def question(self, asked: Question, given: Any) -> Any:
        """The answer to a declared question, checked; `given` is what it is now."""
        self.asked.append(asked.name)
        while True:
            value = await self._value(asked, given)
            wrong = "" if value is None else asked.check(value) or ""
            if value is not None and not wrong:
                return value
            self._voice.say(f"{asked.text}: {wrong or 'a whole number'}.")

    async def _value(self, asked: Question, given: Any) -> Any:
        """None for what is not a number where one is asked for."""
        match asked.kind:
            case Kind.YES_NO:
                return await self.yes_no(asked.text, help=asked.help, default=bool(given))
            case Kind.CHOICE | Kind.NAMES | Kind.IDS:
                options = [Option(choice.value, choice.text) for choice in asked.choices]
                return await self.one_of(asked.text, options, help=asked.help, default=str(given))
            case Kind.NUMBER:
                text = await self.line(asked.text, help=asked.help, default=str(given))
                return whole_number(text)
            case Kind.SECRET:
                return await self.secret(asked.text, help=asked.help)
            case Kind.TEXT | Kind.FOLDER:
                text = await self.line(asked.text, help=f"{asked.help}{_CLEAR}", default=str(given))
                return "" if text == _NOTHING else text

    async def _answered(self, ask: Callable[[], Awaitable[_T]], help: str) -> _T:
        while True:
            try:
                return await ask()
            except Help:
                self._voice.say(help or NO_HELP, indent=2)
            except Quit as quit:
                await self.ask_to_leave(quit)

    async def ask_to_leave(self, quit: Quit) -> None:
        """Return when the user stays. Raises Leave."""
        if quit.ended:
            raise Leave
        self._voice.say(f"{self.quitting} Ctrl+C again quits.")
        try:
            if await self._prompts.yes_no("Quit?", default=False):
                raise Leave
        except Quit:
            raise Leave from None
        except (Help, Back):
            pass
