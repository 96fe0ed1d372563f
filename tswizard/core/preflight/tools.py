"""Client tools: is there a pg_dump that serves?"""

from collections.abc import Iterator, Sequence

from tswizard.core.catalog.inventory import Server
from tswizard.core.db.client_tools import ClientTools, which_sentence
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.finding import Finding
from tswizard.core.preflight.wording import fail, passed

_WHERE = "this machine"


def needs_tls(*endpoints: Endpoint) -> bool:
    """Does one of them ask for an encrypted connection?"""
    return any(e.get("sslmode") in ("require", "verify-ca", "verify-full") for e in endpoints)


def check_tools(
    found: Sequence[ClientTools],
    chosen: ClientTools | None,
    source: Server,
    target: Server,
    *,
    need_tls: bool,
) -> Iterator[Finding]:
    """A finding about the client that will be used, or why none of those here can be.

    https://www.postgresql.org/docs/current/app-pgdump.html: pg_dump refuses a server newer than
    itself.
    """
    why = which_sentence(found).capitalize() + "."
    get = f"Install the client of PostgreSQL {source.major} or later (postgresql-client-"
    get += f"{source.major}); tswizard looks in PATH and in /usr/lib/postgresql."
    if not found:
        yield fail("client-tools-missing", "There is no pg_dump on this machine.", _WHERE, why, get)
    elif not any(tools.major >= source.major for tools in found):
        yield fail(
            "client-tools-old",
            f"pg_dump here is older than the source's PostgreSQL {source.major}.",
            _WHERE,
            f"{why} pg_dump refuses servers newer than itself.",
            get,
        )
    elif chosen is None or (need_tls and not chosen.tls):
        yield fail(
            "client-tools-tls",
            "pg_dump here cannot make encrypted connections.",
            _WHERE,
            f"{why} An endpoint asks for sslmode=require or more.",
            get,
        )
    elif chosen.major < source.major:
        yield fail(
            "client-tools-old",
            f"pg_dump {chosen.version} is older than the source's PostgreSQL {source.major}.",
            _WHERE,
            why,
            get,
        )
    else:
        note = ""
        if chosen.major >= 17 and target.major <= 16:
            note = (
                "Since 17 it sets transaction_timeout, which a target of 16 or older calls an "
                '"unrecognized configuration parameter"; that is harmless and will be judged so.'
            )
        yield passed(
            "client-tools",
            f"pg_dump and pg_restore {chosen.version} in {chosen.folder}.",
            _WHERE,
            note,
        )
