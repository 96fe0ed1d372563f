"""What is typed shows only while a question that may be seen is asked.

A terminal shows at once what is typed before anybody reads it: a password that comes too early.
"""

import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def echo(shown: bool) -> Iterator[None]:
    """Show what is typed, or not, until this is left; nothing where there is no terminal."""
    descriptor = sys.stdin.fileno()
    try:
        before = termios.tcgetattr(descriptor)
    except termios.error:
        yield
        return
    changed = list(before)
    changed[3] = changed[3] | termios.ECHO if shown else changed[3] & ~termios.ECHO
    termios.tcsetattr(descriptor, termios.TCSADRAIN, changed)
    try:
        yield
    finally:
        with suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
