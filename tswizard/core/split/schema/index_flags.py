"""Flags of hypertables' indexes: clustered, replica identity.

pg_dump sets a replica identity by `ALTER TABLE ONLY` in the entry of the index itself, which a
hypertable refuses together with the index: so those indexes are created here. The flags of
constraints' indexes belong to the constraints, which pg_restore does not create either.
"""

from dataclasses import dataclass

from tswizard.core.db.connection import Connection, rows
from tswizard.core.db.identifiers import identifier, qualified
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.wording import plural
from tswizard.core.split.schema.hypertable_facts import HYPERTABLE_OIDS

_INDEXES = f"""
SELECT n.nspname::text, c.relname::text, x.relname::text,
  CASE WHEN NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k
                        WHERE k.conindid = x.oid AND k.contype IN ('p', 'u', 'x'))
       THEN pg_catalog.pg_get_indexdef(x.oid) END,
  i.indisclustered, i.indisreplident, i.indisunique
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
WHERE i.indrelid IN ({HYPERTABLE_OIDS})
ORDER BY 1, 2, 3
"""


# reorder_chunk() marks the chunk's own index as clustered, whatever the hypertable's is.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class HypertableIndex:
    """An index of a hypertable and its flags."""

    schema: str
    table: str
    name: str
    definition: str | None
    """CREATE INDEX; None for the index of a constraint."""
    clustered: bool
    replica_identity: bool
    unique: bool = False

    @property
    def label(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def key(self) -> tuple[str, str]:
        return self.schema, self.name


async def read_hypertable_indexes(connection: Connection) -> tuple[HypertableIndex, ...]:
    """Every index of a hypertable of one end."""
    return tuple(
        HypertableIndex(
            schema=schema,
            table=table,
            name=name,
            definition=definition,
            clustered=clustered,
            replica_identity=replica_identity,
            unique=unique,
        )
        for schema, table, name, definition, clustered, replica_identity, unique in await rows(
            connection, _INDEXES
        )
    )


async def reordered_chunk_findings(source: Connection, where: str) -> tuple[Finding, ...]:
    """A finding for each hypertable with chunks that reordering marked as clustered."""
    return tuple(
        Finding(
            Level.PASS,
            "reordered-chunks",
            f"An index of {plural(number, 'chunk')} of {label} has the CLUSTER flag. Rows keep "
            "that order; the flag is migrated only where the hypertable's own index has it.",
            where=where,
            why="reorder_chunk() and reorder policies set that flag.",
        )
        for label, number in await rows(source, _REORDERED)
    )


def index_flag_statements(
    wanted: HypertableIndex, existing: HypertableIndex | None
) -> tuple[str, ...]:
    """The SQL that sets an index's flags, and creates it first where pg_restore could not.

    pg_restore itself sets the flag of an index that only is clustered and of no constraint.
    """
    by_restore = wanted.definition is not None and not wanted.replica_identity
    if by_restore or not (wanted.clustered or wanted.replica_identity):
        return ()
    statements = []
    if existing is None and wanted.definition is not None:
        statements.append(wanted.definition)
    table = f"ALTER TABLE {qualified(wanted.schema, wanted.table)}"
    if wanted.clustered and not (existing and existing.clustered):
        statements.append(f"{table} CLUSTER ON {identifier(wanted.name)}")
    if wanted.replica_identity and not (existing and existing.replica_identity):
        statements.append(f"{table} REPLICA IDENTITY USING INDEX {identifier(wanted.name)}")
    return tuple(statements)
