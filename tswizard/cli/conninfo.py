"""A connection among a command's arguments."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tswizard.core.db.endpoint import Endpoint


def conninfo(text: str) -> "Endpoint":
    """A URL, a conninfo or a service's name, read by libpq. Raises click.BadParameter."""
    from tswizard.core.db.endpoint import BadEndpoint, Endpoint

    try:
        return Endpoint.parse(text)
    except BadEndpoint as error:  # never the text itself, which may hold a password
        raise click.BadParameter(str(error)) from None
