"""The rows of several small chunks in one COPY: into a temporary table, and from there by INSERT.

The server has to say that it is ready for each COPY before its rows can be sent. It need not for
INSERT, so any number of chunks share the round trip of one COPY. Rows are written twice like that,
which is why only little ones are.
"""

from collections.abc import Collection, Sequence

from psycopg import sql

from tswizard.core.split.plan.piece import Piece, SourceTable, destination, select_rows

STAGED_BYTES = 1 << 20
"""Of chunks that share a COPY: to write so much twice takes about 10 ms."""

_PIECE = sql.Identifier("tswizard_piece")
# Values are compressed and stored as they will be in the chunk. NOT NULL comes along.
_LIKE = sql.SQL(
    "LIKE {} INCLUDING ALL EXCLUDING COMMENTS EXCLUDING CONSTRAINTS EXCLUDING DEFAULTS "
    "EXCLUDING GENERATED EXCLUDING IDENTITY EXCLUDING INDEXES EXCLUDING STATISTICS"
)


def staged_groups(pieces: Sequence[Piece], apart: Collection[int]) -> list[tuple[int, ...]]:
    """Places of those that go together: small chunks of one table, rows that are not compressed.
    None of `apart` (ids), where that has failed."""
    groups: list[list[int]] = []
    last: dict[int, list[int]] = {}
    sizes: dict[int, int] = {}
    for place, piece in enumerate(pieces):
        if not piece.target_chunk or piece.shell or piece.id in apart:
            continue
        table, size = piece.table_index, sizes.get(piece.table_index, 0) + piece.bytes
        if table not in last or size > STAGED_BYTES:
            last[table], size = [], piece.bytes
            groups.append(last[table])
        last[table].append(place)
        sizes[table] = size
    return [tuple(group) for group in groups if len(group) > 1]


def staged_copy_out(table: SourceTable, pieces: Sequence[Piece]) -> sql.Composed:
    """`COPY (SELECT …) TO STDOUT` of their rows, each with the place of its piece.

    OFFSET keeps each query from becoming part of the whole: to a chunk that is read as part of a
    UNION ALL some versions of TimescaleDB do not add its compressed rows (measured: 2.11.2, 2.15.3
    and 2.19.3 do not, 2.28.3 does; with OFFSET all do).
    """
    parts = [
        sql.SQL("SELECT r.*, {}::pg_catalog.int4 FROM ({} OFFSET 0) r").format(
            place, select_rows(table, p)
        )
        for place, p in enumerate(pieces)
    ]
    return sql.SQL("COPY ({}) TO STDOUT (FORMAT {})").format(
        sql.SQL(" UNION ALL ").join(parts), sql.Identifier(table.format)
    )


def staged_copy_in(
    table: SourceTable, pieces: Sequence[Piece], number: int
) -> tuple[sql.Composed, sql.Composed]:
    """Statements that make the temporary table, and that take the rows. `number` tells it from
    others of the same transaction."""
    name = f"tswizard_staging_{number}"
    columns = [*(sql.Identifier(column.name) for column in table.columns), _PIECE]
    make = sql.SQL("CREATE TEMPORARY TABLE {} ({}, {} pg_catalog.int4) ON COMMIT DROP").format(
        sql.Identifier(name), _LIKE.format(destination(table, pieces[0])), _PIECE
    )
    copy = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT {})").format(
        sql.Identifier("pg_temp", name), sql.SQL(", ").join(columns), sql.Identifier(table.format)
    )
    return make, copy


def staged_inserts(table: SourceTable, pieces: Sequence[Piece], number: int) -> list[sql.Composed]:
    """From there into each chunk."""
    columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
    return [
        sql.SQL(
            "INSERT INTO {} ({columns}) OVERRIDING SYSTEM VALUE "
            "SELECT {columns} FROM {} WHERE {} = {}"
        ).format(
            destination(table, piece),
            sql.Identifier("pg_temp", f"tswizard_staging_{number}"),
            _PIECE,
            place,
            columns=columns,
        )
        for place, piece in enumerate(pieces)
    ]
