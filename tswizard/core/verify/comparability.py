"""What to compare where one database was recreated rather than restored as it was stored."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tswizard.core.verify.database_reader import DatabaseReader
from tswizard.core.verify.rows.row_sets import RowSet
from tswizard.core.verify.schema.read import Schema


@dataclass(frozen=True, slots=True)
class Comparability:
    """What a method that recreates the schema makes comparable, and which rows it copies."""

    schemas: Callable[
        [DatabaseReader, DatabaseReader, Schema, Schema], Awaitable[tuple[Schema, Schema]]
    ]
    """Both schemas in a form in which only what did not arrive differs."""
    rows: Callable[[RowSet], RowSet | None]
    """How these rows are compared; None for rows that were not migrated."""
