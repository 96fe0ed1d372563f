"""What is wrong with an answer, in one sentence; None where nothing is."""

from typing import Any

from tswizard.core.db.endpoint import BadEndpoint, Endpoint
from tswizard.core.model.existing_folder import existing_folder
from tswizard.core.model.time_limit import BadTime, seconds_of


def conninfo(value: Any) -> str | None:
    try:
        Endpoint.parse(str(value))
    except BadEndpoint as error:
        return str(error)
    return None


def time_limit(value: Any) -> str | None:
    try:
        seconds_of(str(value))
    except BadTime as error:
        return str(error)
    return None


def jobs(value: Any) -> str | None:
    return (
        None if 0 <= int(value) <= 64 else "between 1 and 64 jobs, or 0 to let the distance decide"
    )


def piece(value: Any) -> str | None:
    """What is no interval, the source says in preflight."""
    text = str(value).strip()
    if text.isdecimal() and (len(text) > _DIGITS or not int(text)):
        return f"a whole number of at most {_DIGITS} digits and more than 0, or chunk"
    return None if text else 'write "chunk", or a range such as "1 day"'


_DIGITS = 18
"""Of what PostgreSQL counts as a bigint in any case."""


def staging(value: Any) -> str | None:
    if value and existing_folder(str(value)) is None:
        return f"{value} is not a folder; create it or leave this empty for the run's own"
    return None
