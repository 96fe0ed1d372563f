"""Figures in words, the same in every front end, finding, log and report."""

import re

from humanize import intcomma, naturalsize


def size(count: float) -> str:
    """Bytes for a person, e.g. `40.2 GiB`."""
    return naturalsize(count, binary=True, format="%.1f")


def number(count: int) -> str:
    """A count with its thousands apart, e.g. `48,102`."""
    return intcomma(count)


def short_number(count: int) -> str:
    """A count in few characters, e.g. `31.2 M`."""
    if count < 1_000_000:
        return number(count)
    unit, divisor = ("B", 1_000_000_000) if count >= 1_000_000_000 else ("M", 1_000_000)
    return f"{count / divisor:.1f} {unit}"


def duration(seconds: float) -> str:
    """Seconds for a person, e.g. `1 h 47 min`, `2 min 5 s`, `0.4 s` or `0.03 s`."""
    if 0 < seconds < _VERY_SHORT:
        return f"{seconds:.2f} s"
    if seconds < _SHORT:
        return f"{seconds:.1f} s"
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minute} min"
    return f"{minute} min {second} s" if minutes else f"{second} s"


def interval_words(text: str) -> str:
    """An interval as PostgreSQL prints it, in words, e.g. `1 hour` or `1 day 30 minutes`."""
    before, _, clock = text.rpartition(" ")
    match = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", clock)
    if match is None:
        return text
    units = zip(match.groups(), ("hour", "minute", "second"), strict=True)
    counted = ((float(count), unit) for count, unit in units)
    words = [f"{count:g} {unit}{'' if count == 1 else 's'}" for count, unit in counted if count]
    return " ".join(filter(None, (before, *words))) or text


_SHORT = 9.95
"""Seconds below which a tenth of one counts."""
_VERY_SHORT = 0.05
"""Seconds that would be none in tenths."""


def plural(count: int, one: str, many: str = "") -> str:
    """`1 table`, `3,000 tables`."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"
