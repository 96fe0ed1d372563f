"""Times and names in words, the same on screens and line by line."""

import re
import time
from functools import lru_cache

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What a terminal obeys instead of showing it: control characters, ends of lines, and marks that
turn the direction of what follows. A name in a database may hold any of them."""


def clock(seconds: float) -> str:
    """A span as a stopwatch shows it, e.g. `0:09` or `1:04:30`."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def time_of_day(at: float) -> str:
    """The time of day of an instant, in this machine's zone."""
    return _time_of_day(int(at))


@lru_cache(maxsize=64)
def _time_of_day(second: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(second))


def date_and_time(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def hour_and_minute(at: float) -> str:
    """The time of day of an instant to the minute, in this machine's zone."""
    return time.strftime("%H:%M", time.localtime(at))


def one_line(text: str) -> str:
    """`text` on one line, without anything that a terminal would obey."""
    return CONTROL.sub("�", text.replace("\t", "    "))


def shown_lines(text: str) -> str:
    """The same for a text of several lines."""
    return "\n".join(map(one_line, text.split("\n")))


_DIGITS = 18
"""Of the longest number that is read: Python refuses thousands of them."""


def whole_number(text: str) -> int | None:
    """The number that was typed; None for what is none, or is larger than any that is asked for."""
    return int(text) if text.isdecimal() and len(text) <= _DIGITS else None
