"""Prompts for a terminal that can only print: the choices are numbered, answers are typed.

The terminal's own line editing is used, so that nothing but the text itself is ever written. The
prompts of questionary move the cursor on every terminal, and prompt_toolkit's own way for a dumb
one shows a password while it is typed.
"""

import asyncio
import os
import re
import sys
from collections.abc import Sequence

from tswizard.plain.echo import echo
from tswizard.plain.interrupts import Interrupts
from tswizard.plain.prompts import Entry, Option, Quit, Show, read_command
from tswizard.plain.voice import Voice
from tswizard.wizard.text import one_line, whole_number

_LIST = "list"
"""Typed to hear the choices again."""


class TypedPrompts:
    """Asks with a line and reads one."""

    hint = (
        "Every answer is typed and ends with Enter. Enter alone takes what is in brackets; "
        "? explains the question; back returns to the one before, and back with a section's name "
        "to that section; Ctrl+C asks whether to quit."
    )

    def __init__(self, voice: Voice, interrupts: Interrupts) -> None:
        self._voice = voice
        self._interrupts = interrupts
        self._rest = b""
        self._shown: tuple[object, ...] = ()
        """The list that was read out last."""

    async def line(self, text: str, *, default: str = "") -> str:
        answer = await self._ask(f"{text}{f' [{default}]' if default else ''}: ")
        read_command(answer)
        return answer.strip() or default

    async def secret(self, text: str) -> str:
        answer = await self._ask(f"{text} (not shown): ", shown=False)
        self._voice.say()  # the user's own Enter was not shown either
        read_command(answer)
        return answer

    async def one_of(self, text: str, options: Sequence[Option], *, default: str) -> str:
        values = [option.value for option in options]
        at = values.index(default) + 1 if default in values else 1
        self._list(options, self._listed(text, options))
        while True:
            answer = (await self._ask(f"{text}, 1 to {len(options)} [{at}]: ")).strip()
            read_command(answer)
            if not answer:
                return values[at - 1]
            number = whole_number(answer)
            if number is not None and 1 <= number <= len(values):
                return values[number - 1]
            if answer in values:
                return answer
            if answer.lower() == _LIST:
                self._list(options)
            else:
                self._voice.say(f"Type a number from 1 to {len(values)}, not “{answer}”.")

    def _list(self, options: Sequence[Option], known: Sequence[object] = ()) -> None:
        """All of them but those that were just read out."""
        for number, option in enumerate(options, 1):
            if option not in known:
                self._voice.say(f"{number}) {option.text}", indent=2)

    def _listed(self, text: str, options: Sequence[Option]) -> Sequence[object]:
        """What of the same list was read out last: it is long to listen to."""
        before, self._shown = self._shown, (text, *options)
        if [*map(_value_of, before)] != [None, *map(_value_of, options)] or before[0] != text:
            return ()
        self._voice.say(f"({_LIST} reads out the choices again.)")
        return before

    async def yes_no(self, text: str, *, default: bool) -> bool:
        while True:
            answer = (
                await self._ask(f"{text} (yes or no) [{'yes' if default else 'no'}]: ")
            ).strip()
            read_command(answer)
            if not answer:
                return default
            if answer.lower() in ("y", "yes"):
                return True
            if answer.lower() in ("n", "no"):
                return False
            self._voice.say(f"Type yes or no, not “{answer}”.")

    async def ticks(self, text: str, entries: Sequence[Entry]) -> frozenset[str]:
        values = [entry.value for entry in entries if entry.value]
        before, self._shown = self._shown, tuple(entries)
        if [_value_of(entry) for entry in before] == [entry.value for entry in entries]:
            self._tell(entries, [*before])
        else:
            self._tell(entries)
            self._voice.say(
                "Numbers such as 2 5-7 tick or untick, all and none do it for the whole list, "
                f"show 2 tells everything about number 2, {_LIST} reads out the list again, Enter "
                "alone keeps it as it is."
            )
        ticked = frozenset(entry.value for entry in entries if entry.ticked)
        while True:
            answer = (await self._ask(f"{text}: ")).strip().lower()
            read_command(answer)
            if not answer:
                return ticked
            if answer in ("all", "none"):
                return frozenset(values if answer == "all" else ())
            if found := re.fullmatch(r"(?:show|sql)\s+(\d+)", answer):
                number = whole_number(found.group(1)) or 0
                if 1 <= number <= len(values):
                    raise Show(values[number - 1])
            elif numbers := read_numbers(answer, len(values)):
                return ticked ^ {values[number - 1] for number in numbers}
            if answer == _LIST:
                self._tell(entries)
                continue
            self._voice.say(
                f"Type numbers from 1 to {len(values)}, all, none, show and a number, or only "
                f"Enter; not “{answer}”."
            )

    def _tell(self, entries: Sequence[Entry], before: Sequence[object] = ()) -> None:
        """The list, or only what is not as it was before."""
        number = 0
        for index, entry in enumerate(entries):
            number += bool(entry.value)
            if before and before[index] == entry:
                continue
            if entry.value:
                mark = "ticked" if entry.ticked else "not ticked"
                self._voice.say(f"{'  ' * entry.depth}{number}) {mark}: {entry.text}", indent=2)
            else:
                self._voice.say(f"{entry.text}:")

    # Reading

    async def _ask(self, prompt: str, *, shown: bool = True) -> str:
        """The next line that is typed. Raises Quit on Ctrl+C, and where nothing more can come."""
        sys.stdout.write(one_line(prompt))
        sys.stdout.flush()
        loop = asyncio.get_running_loop()
        line: asyncio.Future[bytes] = loop.create_future()
        descriptor = sys.stdin.fileno()

        def readable() -> None:
            try:
                more = os.read(descriptor, 4096)
            except OSError:  # the terminal is gone
                _end(line, Quit(ended=True))
                return
            self._rest += more
            if not more:  # Ctrl+D; more can come after it
                _end(line, Quit())
            elif b"\n" in self._rest and not line.done():
                line.set_result(self._take())

        def interrupted() -> None:
            _end(line, Quit())

        if b"\n" in self._rest:
            return _text(self._take())
        loop.add_reader(descriptor, readable)
        try:
            with echo(shown), self._interrupts.to(interrupted):
                taken = await line
        except Quit:
            self._rest = b""
            self._voice.say()
            raise
        finally:
            loop.remove_reader(descriptor)
        return _text(taken)

    def _take(self) -> bytes:
        """The first line of what was read."""
        line, newline, self._rest = self._rest.partition(b"\n")
        return line + newline


def _value_of(shown: object) -> str | None:
    return shown.value if isinstance(shown, Entry | Option) else None


def read_numbers(text: str, most: int) -> set[int]:
    """`2 5-7` or `2,5-7`: {2, 5, 6, 7}; nothing when one of them is not from 1 to `most`."""
    found: set[int] = set()
    for part in re.split(r"[\s,]+", text.strip()):
        given = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if given is None:
            return set()
        first, last = (whole_number(n) for n in (given.group(1), given.group(2) or given.group(1)))
        if first is None or last is None or not 1 <= first <= last <= most:
            return set()
        found.update(range(first, last + 1))
    return found


def _end(line: "asyncio.Future[bytes]", quit: Quit) -> None:
    if not line.done():
        line.set_exception(quit)


def _text(line: bytes) -> str:
    return line.decode(errors="replace").rstrip("\r\n")
