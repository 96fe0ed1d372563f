"""What the exit codes mean."""

from enum import IntEnum


class Exit(IntEnum):
    PASSED = 0
    LOOK = 1
    """Finished, but something needs a look or was lost."""
    USAGE = 2
    """Wrong usage, or answers that cannot be used."""
    STOPPED = 3
    """Stopped, or a server was lost on the way; can be resumed."""
    REFUSED = 4
    """Refused by preflight, no connection to begin with, or the wizard left before a run: this
    call changed nothing."""


DEMO_CHOSEN = -1
"""Instead of an exit code: the wizard was left to start the demo."""
