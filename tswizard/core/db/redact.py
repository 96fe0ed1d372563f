"""The last net before a log or a screen: no known password passes it."""

from collections.abc import Iterable
from urllib.parse import quote

from tswizard.core.db.endpoint import Endpoint


def redact(text: str, endpoints: Iterable[Endpoint]) -> str:
    """`text` with every known password replaced, as it is and as URLs have it."""
    for endpoint in endpoints:
        # One that equals the user name is no secret, and the name is in every statement of grants.
        if endpoint.password and endpoint.password != endpoint.get("user"):
            for form in (endpoint.password, quote(endpoint.password, safe="")):
                text = text.replace(form, "********")
    return text
