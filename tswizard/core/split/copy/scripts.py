"""What psql is told to read: the statements of a piece, or of a bundle, on the source."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from psycopg import sql

from tswizard.core.catalog.catalog_shape import Shape
from tswizard.core.catalog.hypertables import chunk_relations
from tswizard.core.split.ledger.plan_store import Options
from tswizard.core.split.plan.packed import StoredLayout
from tswizard.core.split.plan.piece import Piece, PieceKind, SourceTable, copy_out


def stored_copy_out(piece: Piece, layout: StoredLayout) -> sql.Composed:
    """`COPY (SELECT …) TO STDOUT` of the source's compressed rows."""
    assert piece.packed is not None
    columns = sql.SQL(", ").join(
        sql.SQL(column.expression) + sql.SQL(" AS ") + sql.Identifier(column.name)
        for column in layout.columns
    )
    return sql.SQL("COPY (SELECT {} FROM ONLY {}) TO STDOUT (FORMAT {})").format(
        columns,
        sql.Identifier(piece.packed.schema, piece.packed.name),
        sql.Identifier(layout.format),
    )


def loose_copy_out(table: SourceTable, piece: Piece) -> sql.Composed:
    """`COPY (SELECT …) TO STDOUT` of the rows of such a chunk that are not compressed."""
    return copy_out(table, replace(piece, only=True))


@dataclass(frozen=True, slots=True)
class SourceScripts:
    """The scripts of one worker's psql.

    Each is one read-only transaction, under the snapshot if one is held. `\\g` names the file that
    psql writes the result to. `end` is what it prints at last: `stale` if a relation was rewritten
    after the snapshot was taken, and so may have looked empty.
    """

    options: Options
    fifo: Path

    def rows(self, table: SourceTable, piece: Piece, snapshot: str | None) -> str:
        """For a piece's rows. `before` is the state under the snapshot, which is compared with the
        state now."""
        lines = [_begin(snapshot)]
        if piece.filenode is not None:
            lines.append(_guard(piece.relation, piece.filenode))
        state = self._state(piece)
        lines += [
            f"SELECT {state} AS before \\gset",
            f"{copy_out(table, piece).as_string(None)} \\g {self.fifo}",
            "COMMIT;",
            f"SELECT CASE {state} WHEN :'before' THEN 'done' ELSE 'stale' END AS end \\gset",
        ]
        return "\n".join(lines) + "\n"

    def batches(self, piece: Piece, layout: StoredLayout, snapshot: str | None) -> str:
        """For the batches of a chunk that travels as it is stored.

        Under the snapshot, chunk and relation have to be in the state in which the chunk was
        planned, or it fails. Afterward both must be as they were, or it ends as `stale`: rows that
        were decompressed or compressed since can be invisible, or visible too early. Rows that
        were only added since do no harm.
        """
        return self._of_packed(piece, stored_copy_out(piece, layout), snapshot)

    def file(self, table: SourceTable, piece: Piece, snapshot: str | None) -> str:
        """For the batches of such a chunk as files have them: the target's relation is not there
        yet, so all columns go, by name, but bloom filters, which have no binary format and harm
        nobody where they are missing."""
        assert piece.packed is not None
        relation = sql.Identifier(piece.packed.schema, piece.packed.name).as_string(None)
        copy = sql.SQL("COPY (SELECT :columns FROM ONLY {}) TO STDOUT (FORMAT {})").format(
            sql.Identifier(piece.packed.schema, piece.packed.name), sql.Identifier(table.format)
        )
        columns = _COLUMNS_OF_BATCHES.format(sql.Literal(relation).as_string(None))
        return self._of_packed(piece, copy, snapshot, before=columns)

    def loose(self, table: SourceTable, piece: Piece, snapshot: str | None) -> str:
        """For the rows of such a chunk that are not compressed."""
        return self._of_packed(piece, loose_copy_out(table, piece), snapshot)

    def _of_packed(
        self, piece: Piece, copy: sql.Composed, snapshot: str | None, before: str = ""
    ) -> str:
        as_planned, still = self._packed_states(piece)
        return (
            f"{_begin(snapshot)}\n"
            f"SELECT {as_planned} \\g /dev/null\n"
            f"{before}"
            f"{copy.as_string(None)} \\g {self.fifo}\n"
            "COMMIT;\n"
            f"SELECT CASE {still} WHEN '1' THEN 'done' ELSE 'stale' END AS end \\gset\n"
        )

    def bundle(
        self,
        pieces: Sequence[Piece],
        copies: Sequence[sql.Composed],
        snapshot: str | None,
        token: str,
    ) -> str:
        """For several pieces: one query, one round trip. See `frames`.

        A line with the token and the states of all relations comes first, one with the token alone
        after the rows of each COPY, and one with the states at the end, which have to be the same.
        """
        before, after = zip(*(self._states(piece) for piece in pieces), strict=True)
        statements = [*_beginning(snapshot), _line(token, before)]
        for copy in copies:
            statements += [copy.as_string(None), _line(token, ())]
        statements += ["COMMIT", _line(token, after)]
        return " \\;\n".join(statements) + f" \\g {self.fifo}\n"

    def _states(self, piece: Piece) -> tuple[str, str]:
        """SQL of a text under the snapshot, and of one that has to be the same afterward."""
        if piece.shell is not None:
            return self._packed_states(piece)
        state = self._state(piece)
        return state, state

    def _packed_states(self, piece: Piece) -> tuple[str, str]:
        """For `batches`: '1' for the state that was planned, a division by zero for another; and
        '1' if it still is so."""
        assert piece.packed is not None
        packed = piece.packed
        now = self.options.packed_state.format(
            chunk=packed.chunk, rel=packed.relation_oid, comp=packed.oid
        )
        planned, loose = sql.Literal(packed.state).as_string(None), int(packed.partial)
        same = f"(SELECT pg_catalog.count(*)::int FROM ({now}) s WHERE state = {planned} AND loose"
        return f"(1 / {same} = {loose}))::text", f"{same} >= {loose})::text"

    def _state(self, piece: Piece) -> str:
        """SQL of the files that hold a relation's rows, as the transaction sees them."""
        name = f"{sql.Literal(piece.relation.as_string(None)).as_string(None)}::pg_catalog.regclass"
        compressed = self.options.chunk_state.replace("%s", name)
        return (
            "pg_catalog.concat_ws(' ', (SELECT relfilenode FROM pg_catalog.pg_class "
            f"WHERE oid = {name}), {compressed if piece.kind is PieceKind.CHUNK else 'NULL'})"
        )


# A block of nothing but NULL goes as NULL, see `ways`.
_COLUMNS_OF_BATCHES = """\
SELECT pg_catalog.string_agg(CASE WHEN t.typname = 'compressed_data' THEN pg_catalog.format(\
'CASE WHEN pg_catalog.pg_column_size(%1$I) > 5 THEN %1$I END', a.attname) \
ELSE pg_catalog.quote_ident(a.attname) END, ', ' ORDER BY a.attname) AS columns \
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
WHERE a.attrelid = {}::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped \
AND t.typname <> 'bloom1' \\gset
"""


def _begin(snapshot: str | None) -> str:
    return " \\; ".join(_beginning(snapshot)) + ";"


def _beginning(snapshot: str | None) -> list[str]:
    """The statements that begin a transaction of a script."""
    statements = ["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"]
    if snapshot is not None:
        statements.append(f"SET TRANSACTION SNAPSHOT {sql.Literal(snapshot).as_string(None)}")
    return statements


def _line(token: str, states: Sequence[str]) -> str:
    """A line with the token in the pipe, and what follows it."""
    text = " || ".join((f"'{token}'", *(f"{state} || '|'" for state in states)))
    return f"COPY (SELECT {text}) TO STDOUT"


def _guard(relation: sql.Identifier, filenode: int) -> str:
    """Fails with a division by zero if a relation was rewritten since it was planned."""
    name = sql.Literal(relation.as_string(None)).as_string(None)
    return (
        f"SELECT 1 / (pg_catalog.pg_relation_filenode({name}::pg_catalog.regclass) = "
        f"{filenode})::int \\g /dev/null"
    )


def chunk_state_sql(shape: Shape) -> str:
    """For Options: which file holds a chunk's compressed rows, and whether it has any."""
    if not shape.timescaledb:
        return "NULL::text"
    return (
        "(SELECT pg_catalog.concat_ws(' ', k.status & 1, c.oid, c.relfilenode) "
        f"FROM ({chunk_relations(shape)}) k LEFT JOIN pg_catalog.pg_class c ON c.oid = k.comp "
        "WHERE k.rel = %s)"
    ).replace("\n", " ")
