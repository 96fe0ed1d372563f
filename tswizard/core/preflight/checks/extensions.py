"""Extensions of the source other than TimescaleDB: does the target have them?"""

from collections.abc import AsyncIterator, Iterator, Sequence

from psycopg import sql

from tswizard.core.catalog.inventory import Extension
from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.versions import version_key
from tswizard.core.model.finding import Finding
from tswizard.core.model.prepared import Prepared
from tswizard.core.preflight.check import AnyCheck, Check, Side, Trial
from tswizard.core.preflight.trial import Refused, attempt
from tswizard.core.preflight.wording import fail, look, passed, some

_USED = "Objects of the source use it and could not be restored."
_UNUSED = "Nothing in the source's catalog depends on it"


def _needed(prepared: Prepared) -> dict[str, Extension]:
    """Those that the target has not installed."""
    installed = {extension.name for extension in prepared.target_inventory.extensions}
    extensions = prepared.inventory.extensions
    return {e.name: e for e in extensions if e.name not in installed | {"timescaledb"}}


def _offered(prepared: Prepared) -> dict[str, str]:
    """Name and default version of what the target could install."""
    return {offered.name: offered.default for offered in prepared.target_inventory.offered}


def _missing(prepared: Prepared) -> Iterator[Finding]:
    offered = _offered(prepared)
    for name, extension in _needed(prepared).items():
        if name not in offered:
            tell = fail if extension.used else look
            yield tell(
                "extension-missing",
                f"The target does not offer the extension {name} {extension.version}.",
                where=prepared.target.label,
                why=_USED if extension.used else f"{_UNUSED}; functions may still call it.",
                todo="Use a target that offers it, or drop it on the source if it is not needed: "
                f'DROP EXTENSION "{name}";',
            )


def _older(prepared: Prepared) -> Iterator[Finding]:
    offered = _offered(prepared)
    for name, extension in _needed(prepared).items():
        if name in offered and version_key(offered[name]) < version_key(extension.version):
            yield look(
                "extension-older",
                f"The extension {name} is {extension.version} on the source; the target would "
                f"install {offered[name]}.",
                where=prepared.target.label,
                why="A dump does not name versions of extensions, so the target installs its own.",
                todo="Check that what you use of it is in that version.",
            )


async def _creatable(prepared: Prepared) -> AsyncIterator[Finding]:
    offered = _offered(prepared)
    wanted = {name: e for name, e in _needed(prepared).items() if name in offered}
    if not wanted:
        return
    refused = await try_create(prepared.target, tuple(wanted))
    for name, answer in refused.items():
        used = wanted[name].used
        tell = fail if used else look
        yield tell(
            "extension-refused",
            f"The target refuses to create the extension {name}: {answer}.",
            where=prepared.target.label,
            why=f"Tried in a transaction that was rolled back. {_USED if used else f'{_UNUSED}.'}",
            todo="Have a role that may do so create it there "
            f'(CREATE EXTENSION "{name}";), or drop it on the source if it is not needed.',
        )
    fine = sorted(wanted.keys() - refused.keys())
    if fine:
        what = f"The target can create {some(fine)}."
        yield passed("extensions", what, where=prepared.target.label)


async def try_create(target: Endpoint, names: Sequence[str]) -> dict[str, str]:
    """Try to create each extension on the target; {name: what the server said} where refused.

    Raises CannotConnect, psycopg.Error.
    """
    refused: list[Refused] = []
    async with (
        connected(target) as connection,
        connection.transaction(force_rollback=True),
    ):
        await connection.execute("SET LOCAL search_path = public")
        for name in names:
            create = sql.SQL("CREATE EXTENSION IF NOT EXISTS {} CASCADE").format(
                sql.Identifier(name)
            )
            await attempt(connection, name, create, refused)
    return dict(refused)


EXTENSION_CHECKS: tuple[AnyCheck, ...] = (
    Check(gives=("extension-missing",), run=_missing),
    Check(gives=("extension-older",), run=_older, settled_by_check=True),
    Trial(gives=("extensions", "extension-refused"), run=_creatable, side=Side.TARGET),
)
