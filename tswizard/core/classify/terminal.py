"""What terminals are told besides text: colors, titles, modes."""

import re

_CONTROL = re.compile(
    r"\x1b(?:\[[0-9;:?<=>]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\|$)"
    r"|[()*+][0-9A-Za-z]|[=>78cDEHM])"
)


def without_controls(line: str) -> str:
    """A line without sequences for a terminal."""
    return _CONTROL.sub("", line) if "\x1b" in line else line
