"""What reads continuous aggregates, directly or not, as a native server says it."""

import pytest

from tests.support.caggs import fill
from tests.support.native import SOURCE, database, named
from tswizard.core.catalog.cagg_model import CaggDependent
from tswizard.core.catalog.read import read_inventory
from tswizard.core.db.connection import connected

pytestmark = [pytest.mark.native, pytest.mark.asyncio]

_MORE = (
    'CREATE VIEW m."On Views" AS SELECT day, dev FROM m.on_daily CROSS JOIN m.mat_on_hourly',
    "CREATE FUNCTION m.rows_of(m.hourly) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
    "CREATE FUNCTION m.counted() RETURNS bigint LANGUAGE sql "
    "BEGIN ATOMIC SELECT count(*) FROM m.on_daily; END",
    "CREATE VIEW m.on_function AS SELECT m.counted() AS n",
    "CREATE VIEW m.on_raw AS SELECT count(*) AS n FROM m.raw",
    "CREATE TABLE m.deleted (dev int)",
    "CREATE RULE keep AS ON DELETE TO m.deleted DO ALSO "
    "INSERT INTO m.deleted SELECT dev FROM m.hourly WHERE false",
)


async def test_views_and_routines_with_all_that_they_need() -> None:
    async with database(named(SOURCE), community=True) as end:
        await fill(end)
        async with connected(end) as connection:
            for statement in _MORE:
                await connection.execute(statement.encode())
        found = (await read_inventory(end)).cagg_dependents
    assert {(d.label, d.caggs) for d in found} == {
        ("view m.on_daily", ("m.daily",)),
        ("materialized view m.mat_on_hourly", ("m.hourly",)),
        ('view m."On Views"', ("m.daily", "m.hourly")),
        ("function m.rows_of(m.hourly)", ("m.hourly",)),
        ("function m.counted()", ("m.daily",)),
        ("view m.on_function", ("m.daily",)),
    }
    assert _before("view m.on_daily", 'view m."On Views"', found)
    assert _before("function m.counted()", "view m.on_function", found)


def _before(first: str, second: str, found: tuple[CaggDependent, ...]) -> bool:
    labels = [dependent.label for dependent in found]
    return labels.index(first) < labels.index(second)
