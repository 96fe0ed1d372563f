"""What the exit codes mean."""

from enum import IntEnum


class Exit(IntEnum):
    PASSED = 0
    LOOK = 1
    """Finished, but something needs a look or was lost."""
    USAGE = 2
    """Wrong use or wrong answers."""
    STOPPED = 3
    """Stopped; can be resumed."""
    REFUSED = 4
    """Refused by preflight; nothing was changed."""
