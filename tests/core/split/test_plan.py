"""The plan without a server: SQL of a piece, ranges of slices, a later plan."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.support.split_ends import PIECE, TABLE
from tswizard.core.split.plan.piece import (
    CopyPlan,
    PieceKind,
    PieceState,
    StoredPiece,
    copy_in,
    copy_out,
)
from tswizard.core.split.plan.plan_diff import diff_plans
from tswizard.core.split.plan.slices import _ranges


def test_sql_of_a_piece() -> None:
    sliced = replace(PIECE, where="ctid < '(5,0)'::tid")
    assert copy_out(TABLE, sliced).as_string(None) == (
        'COPY (SELECT "a ""b"""::integer, "c"::app.kind FROM ONLY "app"."o""dd" '
        "WHERE ctid < '(5,0)'::tid) TO STDOUT (FORMAT \"binary\")"
    )
    into = copy_in(TABLE, TABLE.sql, freeze=True).as_string(None)
    assert into == ('COPY "app"."o""dd"("a ""b""", "c") FROM STDIN (FORMAT "binary", FREEZE)')
    nothing = replace(TABLE, columns=())
    assert copy_in(nothing, nothing.sql).as_string(None).startswith('COPY "app"."o""dd" FROM')


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=6, unique=True), st.integers(-60, 60))
def test_slices_hold_everything_once(bounds: list[int], x: int) -> None:
    ranges = _ranges("x", [str(bound) for bound in sorted(bounds)])
    held = [r for r in ranges if eval(r.replace("AND", "and"), {"x": x})]  # noqa: S307 - our own text
    assert len(held) == 1


def test_a_later_plan_keeps_what_is_known() -> None:
    cut = [
        replace(
            PIECE, id=n, name="big", kind=PieceKind.SLICE, where=f"w{n}", by_ctid=True, filenode=7
        )
        for n in (2, 3)
    ]
    big = replace(TABLE, name="big")
    known = [StoredPiece(p, PieceState.DONE, 1, 5) for p in (PIECE, *cut)]
    fresh = CopyPlan(
        (TABLE, big, replace(TABLE, name="new")),
        (
            replace(PIECE, id=1),
            *(replace(p, table_index=1, where="elsewhere") for p in cut),
            replace(PIECE, id=9, table_index=2, name="new"),
        ),
    )
    diff = diff_plans(known, (TABLE, big), fresh)
    assert [(p.id, p.name, p.table_index) for p in diff.added.pieces] == [(4, "new", 2)]
    assert diff.dropped == diff.rewritten == ()
    moved = replace(
        fresh, pieces=tuple(replace(p, filenode=8) if p.by_ctid else p for p in fresh.pieces)
    )
    diff = diff_plans(known, (TABLE, big), moved)
    assert {k.piece.id for k in diff.rewritten} == {2, 3}
    assert [p.where for p in diff.added.pieces if p.name == "big"] == ["elsewhere"] * 2
    diff = diff_plans(known, (TABLE, big), replace(fresh, pieces=fresh.pieces[1:]))
    assert [k.piece.id for k in diff.dropped] == [1]
