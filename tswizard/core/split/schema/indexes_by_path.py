"""Indexes on expressions that need a search_path: created here, since pg_restore has none."""

from collections.abc import Iterable, Mapping

from tswizard.core.db.connection import connected, rows
from tswizard.core.dump.toc import DumpEntry
from tswizard.core.run.context import Context
from tswizard.core.split.schema.execute import Change, path_statement, run_changes
from tswizard.core.split.schema.target_session import schema_session

_DEFINITIONS = """
SELECT c.oid::bigint, pg_catalog.pg_get_indexdef(c.oid)
FROM pg_catalog.pg_class c WHERE c.oid::bigint = ANY (%s)
"""


def indexes_by_path(
    entries: Iterable[DumpEntry], paths: Mapping[tuple[str, str], str]
) -> dict[int, tuple[DumpEntry, str]]:
    """ID of an entry -> the entry and the search_path that its index needs."""
    found = {}
    for entry in entries:
        if entry.kind != "INDEX":
            continue
        for (schema, name), path in paths.items():
            if entry.rest.startswith(f"{schema} {name} "):
                found[entry.id] = entry, path
    return found


async def create_indexes(ctx: Context, wanted: Mapping[int, tuple[DumpEntry, str]]) -> None:
    """Create them; what is refused is missing, as `restore_post_data` reports. Raises
    CannotConnect, psycopg.Error."""
    if not wanted:
        return
    async with connected(ctx.task.source) as source:
        oids = [entry.oid for entry, _ in wanted.values()]
        definitions = dict(await rows(source, _DEFINITIONS, (oids,)))
    changes = [
        Change(entry.label(), (*path_statement(path), definitions[entry.oid]))
        for entry, path in wanted.values()
        if entry.oid in definitions
    ]
    async with schema_session(ctx) as target:
        for refusal in await run_changes(ctx, target, changes):
            ctx.say(refusal.labeled)
