"""Who leads: locks on the target that live as long as the connection that took them."""

from enum import StrEnum

from tswizard.core.connection import Connection, value


class Lead(StrEnum):
    """What is led."""

    COPY = "run"
    """The copy of the rows."""
    RUN = "record"
    """The whole run, from its first step to its last."""


def _lock(lead: Lead) -> str:
    return f"pg_catalog.hashtext('_tswizard'), pg_catalog.hashtext('{lead}')"


async def take(target: Connection, lead: Lead) -> bool:
    """Be the only one who leads it, as long as the connection lives; False when another does."""
    return bool(await value(target, f"SELECT pg_catalog.pg_try_advisory_lock({_lock(lead)})"))


async def taken(target: Connection, lead: Lead) -> bool:
    """Does somebody lead it now?"""
    return not await value(
        target,
        f"SELECT pg_catalog.pg_try_advisory_lock_shared({_lock(lead)}) "
        f"AND pg_catalog.pg_advisory_unlock_shared({_lock(lead)})",
    )
