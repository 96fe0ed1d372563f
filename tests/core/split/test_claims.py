"""What a claim costs does not depend on the number of pieces."""

import json

import pytest

from tests.support.native import databases
from tests.support.split_ends import TABLE
from tswizard.core.db.connection import connected, rows
from tswizard.core.split.ledger.plan_store import Options, create_ledger
from tswizard.core.split.plan.piece import CopyPlan, PieceState, Stage

pytestmark = pytest.mark.native

_CLAIMED = """
EXPLAIN (FORMAT json) SELECT spec FROM _tswizard.piece
WHERE stage = %s AND state = ANY (%s) AND (location IS NULL OR location = '')
ORDER BY {order} LIMIT 1 FOR UPDATE SKIP LOCKED
"""


@pytest.mark.parametrize("order", ["kind = 'compress' DESC, bytes DESC, id", "bytes DESC, id"])
@pytest.mark.parametrize(
    "states", [[PieceState.WAITING], [PieceState.STAGED, PieceState.WAITING]], ids=["one", "two"]
)
async def test_no_claim_sorts_all_pieces(order: str, states: list[PieceState]) -> None:
    plan = CopyPlan((TABLE,), ())
    async with databases() as (_source, target), connected(target) as connection:
        await create_ledger(connection, plan, run="r", source="s", options=Options())
        await connection.execute(_MANY)
        arguments = (Stage.CHUNKS, states)
        ((explained,),) = await rows(connection, _CLAIMED.format(order=order), arguments)
        assert "Index Scan" in json.dumps(explained)
        assert "Sort" not in json.dumps(explained)


_MANY = f"""
INSERT INTO _tswizard.piece (id, relation, label, kind, stage, state, bytes, spec)
SELECT i, i::text, 'l', 'chunk', '{Stage.CHUNKS}', 'waiting', i, '{{}}'
FROM pg_catalog.generate_series(1, 3000) i
"""
