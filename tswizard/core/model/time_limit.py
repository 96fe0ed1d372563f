"""Times as people write them: `1h`, `90 min`, `1 h 30 min`, `45s`."""

import re

_SECONDS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86400),
}
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*", re.IGNORECASE)


class BadTime(ValueError):
    """Not a time; says what one looks like."""


def seconds_of(text: str) -> float:
    """The seconds that a time means. Raises BadTime, also for no time at all."""
    at, seconds = 0, 0.0
    while at < len(text):
        part = _PART.match(text, at)
        if part is None or part[2].lower() not in _SECONDS:
            break
        seconds += float(part[1]) * _SECONDS[part[2].lower()]
        at = part.end()
    if at < len(text) or seconds <= 0:
        raise BadTime(f'"{text}" is not a time; write it like "1h", "90 min" or "1 h 30 min"')
    return seconds
