"""The user's own pager, for texts that are longer than a screen."""

import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_KNOWN = ("less", "more")


def pager(environment: Mapping[str, str]) -> list[str]:
    """The command that `$PAGER` names, else less or more; empty where there is none."""
    named = environment.get("PAGER", "").strip()
    if named:
        try:
            words = shlex.split(named)
        except ValueError:
            words = []
        if words and shutil.which(words[0]):
            return words
    found = next((name for name in _KNOWN if shutil.which(name)), None)
    return [found] if found else []


def show_in(command: list[str], path: Path) -> None:
    """Run it in this terminal and wait for its end. Ctrl+C in a pager ends what it searches for,
    and not the program that started it: asyncio must not listen to SIGINT meanwhile."""
    with _deaf_to_interrupts():
        subprocess.run([*command, str(path)], check=False)


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    # A handler, not SIG_IGN, which the pager would inherit.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
