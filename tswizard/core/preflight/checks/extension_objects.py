"""What the user has inside TimescaleDB's schemas, or built on its catalog or its chunks."""

from collections.abc import AsyncIterator, Iterator

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.db.connection import connected, rows
from tswizard.core.model.finding import Finding
from tswizard.core.model.prepared import Prepared
from tswizard.core.model.wording import plural
from tswizard.core.preflight.check import SPLIT_ONLY, AnyCheck, Side, SourceCheck, Trial
from tswizard.core.preflight.wording import look, some


def _inside(inventory: Inventory, where: str) -> Iterator[Finding]:
    if objects := [found.label for found in inventory.hazards.in_extension_schemas]:
        yield look(
            "objects-in-extension-schemas",
            f"{plural(len(objects), 'object')} of yours in TimescaleDB's own schemas will not be "
            f"migrated: {some(objects)}.",
            where=where,
            why="Those schemas are the extension's, and a split migration leaves them to the "
            "target's extension. These objects do not belong to it. A full migration moves them.",
            todo="Move what you need into a schema of your own first (ALTER … SET SCHEMA …), and "
            "drop the rest.",
            details=objects,
        )


def _on_chunks(inventory: Inventory, where: str) -> Iterator[Finding]:
    if uses := inventory.hazards.chunk_uses:
        labels = list(dict.fromkeys(use.label for use in uses))
        yield look(
            "chunks-by-name",
            f"{plural(len(labels), 'object')} of yours "
            f"{'names' if len(labels) == 1 else 'name'} a chunk: {some(labels)}.",
            where=where,
            why="A split migration creates the chunks under other names. What depends on one is "
            "not migrated; a function whose text names one is, and fails there or reads another "
            "chunk. A full migration keeps the names.",
            todo="Let them read the hypertable instead, with a condition on time; or choose the "
            "full method.",
            details=[
                f"{use.label} {'depends on' if use.bound else 'names'} {use.chunk}, of {use.of}"
                for use in uses
            ],
        )


def _members(inventory: Inventory, where: str) -> Iterator[Finding]:
    if tables := inventory.extras.member_tables:
        yield look(
            "extension-tables",
            f"{plural(len(tables), 'table')} with rows "
            f"{'belongs' if len(tables) == 1 else 'belong'} to an extension and "
            f"will not be migrated: {some(tables)}.",
            where=where,
            why="pg_dump leaves members of an extension to CREATE EXTENSION, and dumps rows only "
            "of tables that the extension declares as its configuration.",
            todo="Nothing, if CREATE EXTENSION fills them. If one was added by hand, take it out: "
            "ALTER EXTENSION … DROP TABLE …. Otherwise copy its rows yourself.",
            details=tables,
        )


# A function is there if one of that name is: its arguments may have become more.
_LACKING = """
SELECT w.name FROM pg_catalog.unnest(%s::text[]) AS w (name)
WHERE NOT EXISTS (
    SELECT FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
    WHERE w.name IN (n.nspname || '.' || c.relname,
                     n.nspname || '.' || c.relname || '.' || a.attname))
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname || '.' || p.proname = w.name)
"""


async def _lacking(prepared: Prepared) -> AsyncIterator[Finding]:
    uses = prepared.inventory.hazards.extension_uses
    if not uses:
        return
    async with connected(prepared.target) as target:
        wanted = sorted({use.uses for use in uses})
        lacking = {name for (name,) in await rows(target, _LACKING, (wanted,))}
    broken = [use for use in uses if use.uses in lacking]
    if broken:
        version = prepared.target_inventory.server.timescaledb
        yield look(
            "extension-catalog-differs",
            f"{some(sorted({use.label for use in broken}))} cannot be created on the target.",
            where=prepared.target.label,
            why=f"TimescaleDB {version} lacks what it reads: {some(sorted(lacking))}. What depends "
            "on it will be missing as well.",
            todo="Drop it on the source, or change it to what both versions have; or rewrite it "
            "on the target after the run.",
            details=[f"{use.label} needs {use.uses}" for use in broken],
        )


EXTENSION_OBJECT_CHECKS: tuple[AnyCheck, ...] = (
    SourceCheck(gives=("objects-in-extension-schemas",), run=_inside, methods=SPLIT_ONLY),
    SourceCheck(gives=("chunks-by-name",), run=_on_chunks, methods=SPLIT_ONLY),
    SourceCheck(gives=("extension-tables",), run=_members),
    Trial(gives=("extension-catalog-differs",), run=_lacking, side=Side.TARGET),
)
