"""Client tools on this machine: is there a pg_dump that serves?"""

from collections.abc import Iterator

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.db.client_tools import which_sentence
from tswizard.core.db.endpoint import needs_tls
from tswizard.core.model.finding import Finding
from tswizard.core.model.prepared import Prepared
from tswizard.core.preflight.check import SPLIT_ONLY, AnyCheck, Check
from tswizard.core.preflight.wording import fail, passed

_WHERE = "this machine"

_MANY = 1000
"""Tables and chunks from which on the release of pg_dump and pg_restore makes minutes."""


def _pg_dump(prepared: Prepared) -> Iterator[Finding]:
    """The client that will be used, or why none of those here can be.

    https://www.postgresql.org/docs/current/app-pgdump.html: pg_dump refuses a server newer than
    itself.
    """
    found, chosen = prepared.found, prepared.tools
    source, target = prepared.inventory.server, prepared.target_inventory.server
    why = which_sentence(found).capitalize() + "."
    todo = (
        f"Install the client of PostgreSQL {source.major} or later (postgresql-client-"
        f"{source.major}); tswizard looks in PATH and in /usr/lib/postgresql."
    )
    if not found:
        what = "There is no pg_dump on this machine."
        yield fail("client-tools-missing", what, where=_WHERE, why=why, todo=todo)
    elif not any(tools.major >= source.major for tools in found):
        yield fail(
            "client-tools-old",
            f"pg_dump here is older than the source's PostgreSQL {source.major}.",
            where=_WHERE,
            why=f"{why} pg_dump refuses servers newer than itself.",
            todo=todo,
        )
    elif chosen is None or (needs_tls(prepared.source, prepared.target) and not chosen.tls):
        yield fail(
            "client-tools-tls",
            "pg_dump here cannot make encrypted connections.",
            where=_WHERE,
            why=f"{why} An endpoint asks for sslmode=require or more.",
            todo=todo,
        )
    elif chosen.major < source.major:
        yield fail(
            "client-tools-old",
            f"pg_dump {chosen.version} is older than the source's PostgreSQL {source.major}.",
            where=_WHERE,
            why=why,
            todo=todo,
        )
    else:
        note = ""
        if chosen.major < 17 and _tables(prepared.inventory) >= _MANY:
            note = (
                "From 16 on pg_dump locks many tables at once instead of one by one, which counts "
                "where servers are far, and from 17 on pg_restore keeps order in a long list; with "
                "so many chunks a client of 17 or later is quicker, and serves older servers too."
            )
        if chosen.major >= 17 and target.major <= 16:
            note = (
                "Since 17 it sets transaction_timeout, which a target of 16 or older calls an "
                '"unrecognized configuration parameter"; that is classified as safe.'
            )
        yield passed(
            "client-tools",
            f"pg_dump and pg_restore {chosen.version} in {chosen.folder}.",
            where=_WHERE,
            why=note,
        )


def _tables(inventory: Inventory) -> int:
    chunks = sum(len(hypertable.chunks) for hypertable in inventory.hypertables)
    return len(inventory.tables) + chunks


def _psql(prepared: Prepared) -> Iterator[Finding]:
    tools = prepared.tools
    if tools is not None and tools.psql is None:
        yield fail(
            "psql-missing",
            f"There is no psql beside pg_dump in {tools.folder}.",
            where=_WHERE,
            why="A split migration reads rows through psql.",
            todo="Install all of PostgreSQL's client tools (psql comes with them).",
        )


CLIENT_TOOL_CHECKS: tuple[AnyCheck, ...] = (
    Check(
        gives=("client-tools", "client-tools-missing", "client-tools-old", "client-tools-tls"),
        run=_pg_dump,
    ),
    Check(gives=("psql-missing",), run=_psql, methods=SPLIT_ONLY),
)
