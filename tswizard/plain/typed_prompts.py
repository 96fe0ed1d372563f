"""Prompts for a terminal that can only print: the choices are numbered, answers are typed.

The terminal's own line editing is used, so that nothing but the text itself is ever written. The
prompts of questionary move the cursor on every terminal, and prompt_toolkit's own way for a dumb
one shows a password while it is typed.
"""

import asyncio
import os
import re
import sys
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tswizard.plain.interrupts import Interrupts
from tswizard.plain.prompts import Entry, Option, Quit, Show, read_command
from tswizard.plain.voice import Voice


class TypedPrompts:
    """Asks with a line and reads one."""

    hint = (
        "Every answer is typed and ends with Enter. Enter alone takes what stands in brackets; "
        "? explains the question; back returns to the one before, and back with a section's name "
        "to that section; Ctrl+C asks whether to quit."
    )

    def __init__(self, voice: Voice, interrupts: Interrupts) -> None:
        self._voice = voice
        self._interrupts = interrupts
        self._rest = b""

    async def line(self, text: str, *, default: str = "") -> str:
        answer = await self._ask(f"{text}{f' [{default}]' if default else ''}: ")
        read_command(answer)
        return answer.strip() or default

    async def secret(self, text: str) -> str:
        with _without_echo():
            answer = await self._ask(f"{text} (not shown): ")
        self._voice.say()  # the user's own Enter was not shown either
        read_command(answer)
        return answer

    async def one_of(self, text: str, options: Sequence[Option], *, default: str) -> str:
        for number, option in enumerate(options, 1):
            self._voice.say(f"{number}) {option.text}", indent=2)
        values = [option.value for option in options]
        at = values.index(default) + 1 if default in values else 1
        while True:
            answer = (await self._ask(f"{text}, 1 to {len(options)} [{at}]: ")).strip()
            read_command(answer)
            if not answer:
                return values[at - 1]
            if answer.isdecimal() and 1 <= int(answer) <= len(values):
                return values[int(answer) - 1]
            if answer in values:
                return answer
            self._voice.say(f"Type a number from 1 to {len(values)}, not “{answer}”.")

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
        number = 0
        for entry in entries:
            if not entry.value:
                self._voice.say(f"{entry.text}:")
                continue
            number += 1
            mark = "[x]" if entry.ticked else "[ ]"
            self._voice.say(f"{'  ' * entry.depth}{number}) {mark} {entry.text}", indent=2)
        ticked = frozenset(entry.value for entry in entries if entry.ticked)
        self._voice.say(
            "Numbers such as 2 5-7 tick or untick, all and none do it for the whole list, show 2 "
            "shows everything about number 2, Enter keeps the list as it is."
        )
        while True:
            answer = (await self._ask(f"{text}: ")).strip().lower()
            read_command(answer)
            if not answer:
                return ticked
            if answer in ("all", "none"):
                return frozenset(values if answer == "all" else ())
            if found := re.fullmatch(r"(?:show|sql)\s+(\d+)", answer):
                if 1 <= int(found.group(1)) <= len(values):
                    raise Show(values[int(found.group(1)) - 1])
            elif numbers := read_numbers(answer, len(values)):
                return ticked ^ {values[number - 1] for number in numbers}
            self._voice.say(
                f"Type numbers from 1 to {len(values)}, all, none, show and a number, or only "
                f"Enter; not “{answer}”."
            )

    # Reading

    async def _ask(self, prompt: str) -> str:
        """The next line that is typed. Raises Quit on Ctrl+C, and where nothing more can come."""
        sys.stdout.write(prompt)
        sys.stdout.flush()
        loop = asyncio.get_running_loop()
        line: asyncio.Future[bytes] = loop.create_future()
        descriptor = sys.stdin.fileno()

        def readable() -> None:
            try:
                more = os.read(descriptor, 4096)
            except OSError:
                more = b""
            self._rest += more
            if not line.done() and (b"\n" in self._rest or not more):
                line.set_result(self._take())

        def interrupted() -> None:
            if not line.done():
                line.set_exception(Quit())

        if b"\n" in self._rest:
            return _text(self._take())
        loop.add_reader(descriptor, readable)
        try:
            with self._interrupts.to(interrupted):
                taken = await line
        except Quit:
            self._rest = b""
            self._voice.say()
            raise
        finally:
            loop.remove_reader(descriptor)
        if not taken:
            self._voice.say()
            raise Quit(ended=True)
        return _text(taken)

    def _take(self) -> bytes:
        """The first line of what was read; empty at the end of all input."""
        line, newline, self._rest = self._rest.partition(b"\n")
        return line + newline


def read_numbers(text: str, most: int) -> set[int]:
    """`2 5-7` or `2,5-7`: {2, 5, 6, 7}; nothing when one of them is not from 1 to `most`."""
    found: set[int] = set()
    for part in re.split(r"[\s,]+", text.strip()):
        given = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if given is None:
            return set()
        first, last = int(given.group(1)), int(given.group(2) or given.group(1))
        if not 1 <= first <= last <= most:
            return set()
        found.update(range(first, last + 1))
    return found


def _text(line: bytes) -> str:
    return line.decode(errors="replace").rstrip("\r\n")


@contextmanager
def _without_echo() -> Iterator[None]:
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    without = list(before)
    without[3] &= ~termios.ECHO
    termios.tcsetattr(descriptor, termios.TCSADRAIN, without)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
