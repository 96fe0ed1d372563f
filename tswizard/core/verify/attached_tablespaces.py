"""Can new chunks be created? Not where a hypertable names a tablespace that is not there.

Nothing is inserted to find out: TimescaleDB takes the tablespace of a new chunk from its catalog
(src/tablespace.c), and the server refuses one that it does not have.
"""

from collections.abc import Iterator

from tswizard.core.catalog.catalog_shape import HYPERTABLE, Shape
from tswizard.core.db.connection import Connection, rows
from tswizard.core.model.finding import Finding, Level

_ATTACHED = f"""
SELECT h.schema_name || '.' || h.table_name, t.tablespace_name::text
FROM _timescaledb_catalog.tablespace t JOIN {HYPERTABLE} h ON h.id = t.hypertable_id
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_tablespace p WHERE p.spcname = t.tablespace_name)
ORDER BY 1, 2
"""


async def read_unknown_tablespaces(connection: Connection, shape: Shape) -> list[tuple[str, str]]:
    """Hypertable and tablespace of every attachment to one that this server does not have."""
    if not shape.has("_timescaledb_catalog.tablespace"):
        return []
    return [(hypertable, name) for hypertable, name in await rows(connection, _ATTACHED)]


def tablespace_findings(unknown: list[tuple[str, str]], where: str) -> Iterator[Finding]:
    """A failure that names them."""
    if unknown:
        names = sorted({name for _, name in unknown})
        yield Finding(
            Level.FAIL,
            "unknown-tablespaces",
            "New chunks cannot be created: hypertables name tablespaces that are not there "
            f"({', '.join(names)}).",
            where=where,
            why="Rows that are there can be read; every row that needs a new chunk is refused.",
            todo="As a superuser, on the target: DELETE FROM _timescaledb_catalog.tablespace WHERE "
            "tablespace_name NOT IN (SELECT spcname FROM pg_tablespace); or create them.",
            details=tuple(f"{hypertable}: {name}" for hypertable, name in unknown),
        )
