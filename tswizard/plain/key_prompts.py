"""Prompts of questionary, for a terminal on which a prompt may redraw itself."""

import os
from collections.abc import Sequence
from typing import Any

import questionary
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent, merge_key_bindings
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
from questionary import Choice, Separator, Style
from questionary.prompts.common import InquirerControl

from tswizard.plain.prompts import Back, Entry, Help, Option, Quit, Show, read_command
from tswizard.wizard.text import one_line

_STYLE = Style([("answer", "bold"), ("highlighted", "bold"), ("selected", "noinherit")])
_SHORTCUTS = "1234567890acdefghijklmnopqrstuvwxyz"
"""Keys of choices, in order; b goes back."""

_TYPING = 0.4
"""Seconds between two keys of one word, such as back."""


class KeyPrompts:
    """Arrow keys or numbers choose, space ticks."""

    hint = (
        "Enter alone takes what is in brackets or under the pointer. In a list, the arrow keys "
        "or a number choose, and space ticks. ? explains the question; back (b in a list, or Esc) "
        "returns to the one before, and back with a section's name to that section; Ctrl+C asks "
        "whether to quit."
    )

    def __init__(self) -> None:
        # Nothing is asked of the terminal: its answer would be read as if it had been typed.
        os.environ.setdefault("PROMPT_TOOLKIT_NO_CPR", "1")

    async def line(self, text: str, *, default: str = "") -> str:
        shown = f"{text} [{default}]:" if default else f"{text}:"
        history = InMemoryHistory([default] if default else [])  # up brings it to be edited
        asked = questionary.text(shown, qmark="", style=_STYLE, history=history)
        answer = str(await _answer(asked))
        read_command(answer)
        return answer.strip() or default

    async def secret(self, text: str) -> str:
        asked = questionary.password(
            f"{text} (not shown):", qmark="", style=_STYLE, input_processors=[_Nothing()]
        )
        answer = str(await _answer(asked))
        read_command(answer)
        return answer

    async def one_of(self, text: str, options: Sequence[Option], *, default: str) -> str:
        values = [option.value for option in options]
        asked = questionary.select(
            f"{text}:",
            _numbered(options),
            default=default if default in values else None,
            qmark="",
            pointer=">",
            style=_STYLE,
            use_shortcuts=len(options) <= len(_SHORTCUTS),
            use_jk_keys=False,
            instruction="(number or arrows, Enter; ? help, b back)",
        )
        return str(await _answer(asked, in_list=True))

    async def yes_no(self, text: str, *, default: bool) -> bool:
        asked = questionary.confirm(text, default=default, qmark="", style=_STYLE, auto_enter=False)
        return bool(await _answer(asked, in_list=True))

    async def ticks(self, text: str, entries: Sequence[Entry]) -> frozenset[str]:
        asked = questionary.checkbox(
            text,
            [_choice(entry) for entry in entries],
            qmark="",
            pointer=">",
            style=_STYLE,
            use_jk_keys=False,
            instruction="(space ticks, a all, i inverts, s shows, Enter; ? help, b back)",
        )
        return frozenset(await _answer(asked, in_list=True, shows=True))


class _Nothing(Processor):
    """Shows nothing of what is typed, not even how much it is."""

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        return Transformation([], source_to_display=lambda _: 0, display_to_source=lambda _: 0)


def _numbered(options: Sequence[Option]) -> list[Choice]:
    keys = _SHORTCUTS.ljust(len(options))
    return [
        Choice(one_line(option.text), option.value, shortcut_key=key.strip() or None)
        for option, key in zip(options, keys, strict=False)
    ]


def _choice(entry: Entry) -> Choice | Separator:
    if not entry.value:
        return Separator(one_line(entry.text))
    text = "  " * entry.depth + one_line(entry.text)
    return Choice(text, entry.value, checked=entry.ticked)


async def _answer(
    asked: questionary.Question, *, in_list: bool = False, shows: bool = False
) -> Any:
    """Its answer. Raises Help, Back, Quit or Show."""
    app = asked.application
    keys = KeyBindings()

    def on(*sequence: str, error: Exception) -> None:
        # A key that begins a longer sequence waits for it.
        @keys.add(*sequence, eager=len(sequence) == 1 and sequence[0].startswith("c-"))
        def _(event: KeyPressEvent) -> None:
            event.app.exit(exception=error, style="class:aborting")

    on("c-c", error=Quit())
    on("escape", error=Back())
    if in_list:
        on("c-d", error=Quit())
        for sequence in (("?",), ("?", "enter")):
            on(*sequence, error=Help())
        for sequence in (("b",), ("b", "enter"), (*"back", "enter")):
            on(*sequence, error=Back())
    if shows:

        @keys.add("s", eager=True)
        def _(event: KeyPressEvent) -> None:
            event.app.exit(exception=Show(_pointed(asked)), style="class:aborting")

    app.key_bindings = merge_key_bindings([app.key_bindings or KeyBindings(), keys])
    app.timeoutlen = _TYPING
    try:
        return await app.run_async(handle_sigint=False)
    except (EOFError, KeyboardInterrupt):
        raise Quit from None


def _pointed(asked: questionary.Question) -> str:
    """The value under the pointer."""
    controls = asked.application.layout.find_all_controls()
    control = next(c for c in controls if isinstance(c, InquirerControl))
    return str(control.get_pointed_at().value)
