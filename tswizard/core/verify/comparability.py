"""What to compare where one database was recreated, or something was left out on purpose."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

from tswizard.core.verify.database_reader import DatabaseReader
from tswizard.core.verify.rows.row_sets import RowSet
from tswizard.core.verify.schema.read import Schema


@dataclass(frozen=True, slots=True)
class Comparability:
    """What a method makes comparable, and which rows it copies."""

    schemas: Callable[
        [DatabaseReader, DatabaseReader, Schema, Schema], Awaitable[tuple[Schema, Schema]]
    ]
    """Both schemas in a form in which only what did not arrive differs."""
    rows: Callable[[RowSet], RowSet | None]
    """How these rows are compared; None for rows that were not migrated."""
    catalog: Mapping[str, Collection[int]] | None = None
    """`column` or `table.column` of TimescaleDB's catalog -> ids of the source whose rows are left
    out; None where the catalog is not compared row by row, since its ids differ."""
