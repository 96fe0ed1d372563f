"""Marks on indexes of hypertables: clustered, replica identity.

pg_dump marks a replica identity by `ALTER TABLE ONLY` in the entry of the index itself, which a
hypertable refuses together with the index; so those indexes are made here. The marks of
constraints' indexes come with the constraints, which a restore leaves out.
"""

from dataclasses import dataclass

from tswizard.core.db.connection import Connection, rows
from tswizard.core.db.identifiers import qualified
from tswizard.core.model.finding import Finding, Level
from tswizard.core.split.schema.execute import identifier
from tswizard.core.split.schema.toc_selection import HYPERTABLE_OIDS

_QUERY = f"""
SELECT n.nspname::text, c.relname::text, x.relname::text,
  CASE WHEN NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k
                        WHERE k.conindid = x.oid AND k.contype IN ('p', 'u', 'x'))
       THEN pg_catalog.pg_get_indexdef(x.oid) END,
  i.indisclustered, i.indisreplident
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
WHERE i.indrelid IN ({HYPERTABLE_OIDS})
ORDER BY 1, 2, 3
"""


# reorder_chunk() marks the chunk's own index, whatever the hypertable's is.
# https://docs.timescale.com/api/latest/hypertable/reorder_chunk/
_REORDERED = f"""
SELECT n.nspname || '.' || h.relname, pg_catalog.count(*)::int
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_inherits p ON p.inhrelid = i.indrelid
JOIN pg_catalog.pg_class h ON h.oid = p.inhparent
JOIN pg_catalog.pg_namespace n ON n.oid = h.relnamespace
WHERE i.indisclustered AND p.inhparent IN ({HYPERTABLE_OIDS})
GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class HypertableIndex:
    """An index of a hypertable and its marks."""

    schema: str
    table: str
    name: str
    definition: str | None
    """CREATE INDEX; None where a constraint makes it."""
    clustered: bool
    replica_identity: bool

    @property
    def label(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def key(self) -> tuple[str, str]:
        return self.schema, self.name


async def read_hypertable_indexes(connection: Connection) -> tuple[HypertableIndex, ...]:
    """Every index of a hypertable of one end."""
    return tuple(HypertableIndex(*row) for row in await rows(connection, _QUERY))


async def reordered_chunks(source: Connection, where: str) -> tuple[Finding, ...]:
    """A finding for each hypertable with chunks that are marked, as reordering leaves them."""
    return tuple(
        Finding(
            Level.PASS,
            "reordered-chunks",
            f"{number} chunks of {label} are marked as clustered by an index; their rows keep that "
            "order, the mark comes along only where the hypertable's own index has it.",
            where=where,
            why="reorder_chunk() or a reorder policy leaves that mark.",
        )
        for label, number in await rows(source, _REORDERED)
    )


def index_flag_statements(wanted: HypertableIndex, made: HypertableIndex | None) -> tuple[str, ...]:
    """The SQL that gives an index its marks, and makes it first where the restore could not.

    An index that only is clustered comes with the restore, mark and all.
    """
    by_restore = wanted.definition is not None and not wanted.replica_identity
    if by_restore or not (wanted.clustered or wanted.replica_identity):
        return ()
    statements = []
    if made is None and wanted.definition is not None:
        statements.append(wanted.definition)
    table = f"ALTER TABLE {qualified(wanted.schema, wanted.table)}"
    if wanted.clustered and not (made and made.clustered):
        statements.append(f"{table} CLUSTER ON {identifier(wanted.name)}")
    if wanted.replica_identity and not (made and made.replica_identity):
        statements.append(f"{table} REPLICA IDENTITY USING INDEX {identifier(wanted.name)}")
    return tuple(statements)
