"""Is the source's lock table large enough for a dump?"""

from collections.abc import Iterator

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.model.finding import Finding
from tswizard.core.model.wording import plural
from tswizard.core.preflight.check import FULL_ONLY, SPLIT_ONLY, AnyCheck, SourceCheck
from tswizard.core.preflight.wording import fail, look


def _whole_dump(inventory: Inventory, where: str) -> Iterator[Finding]:
    chunks = [chunk for h in inventory.hypertables for chunk in h.chunks]
    compressed = sum(chunk.compressed_table is not None for chunk in chunks)
    tables = len(inventory.tables) + len(inventory.hypertables) + len(chunks) + compressed
    yield from _locks(inventory, where, "A dump", tables)


def _schema_dump(inventory: Inventory, where: str) -> Iterator[Finding]:
    """Chunks are in a schema that this dump leaves out, and pg_dump locks only what it dumps."""
    tables = len(inventory.tables) + sum(h.cagg is None for h in inventory.hypertables)
    yield from _locks(inventory, where, "The dump of the schema", tables)


def _locks(inventory: Inventory, where: str, who: str, needed: int) -> Iterator[Finding]:
    slots = inventory.extras.lock_slots
    if not slots or needed <= slots:
        return
    tell = fail if needed > 2 * slots else look
    yield tell(
        "source-locks",
        f"{who} locks {plural(needed, 'table')} at once; the source's lock table holds about "
        f"{plural(slots, 'lock')}.",
        where=where,
        why='pg_dump would stop with "out of shared memory … increase max_locks_per_transaction".',
        todo="Raise max_locks_per_transaction on the source to at least "
        f"{-(-needed // slots)} times its present value; that needs a restart.",
    )


LOCK_CHECKS: tuple[AnyCheck, ...] = (
    SourceCheck(gives=("source-locks",), run=_whole_dump, methods=FULL_ONLY),
    SourceCheck(gives=("source-locks",), run=_schema_dump, methods=SPLIT_ONLY),
)
