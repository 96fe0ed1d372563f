"""What a claim costs does not depend on the number of pieces."""

import json

import pytest

from tests.support.native import databases
from tests.support.split_ends import TABLE
from tswizard.core.db.connection import batch, connected
from tswizard.core.split.ledger.bundles import claim_statement
from tswizard.core.split.ledger.plan_store import Options, create_ledger
from tswizard.core.split.ledger.queue import CopyMode
from tswizard.core.split.plan.piece import CopyPlan, Stage

pytestmark = pytest.mark.native


async def test_no_claim_sorts_all_pieces() -> None:
    plan = CopyPlan((TABLE,), ())
    async with databases() as (_source, target), connected(target) as connection:
        await create_ledger(connection, plan, run="r", source="s", options=Options())
        await connection.execute(_MANY)
        for mode in CopyMode:
            claim, arguments = claim_statement(Stage.CHUNKS, mode, "here", workers=4, alone=[7])
            ask = (f"EXPLAIN (FORMAT json) {claim}", arguments)
            [[(explained,)]] = await batch(connection, [ask])
            assert json.dumps(explained).count("Index Scan") >= 2, mode
            assert '"Sort"' not in json.dumps(explained), mode


_MANY = f"""
INSERT INTO _tswizard.piece (id, relation, label, kind, stage, state, bytes, spec)
SELECT i, i::text, 'l', 'chunk', '{Stage.CHUNKS}', 'waiting', i, '{{}}'
FROM pg_catalog.generate_series(1, 3000) i
"""
