"""Times and names in words, the same on screens and line by line."""

import re
import time
from functools import lru_cache

_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


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
    return _CONTROL.sub("�", text.replace("\t", "    "))
