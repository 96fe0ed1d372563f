"""The time range per piece, judged by the source before anything is changed."""

import pytest

from tests.support.native import SOURCE, named
from tests.support.sample_inventory import prepared
from tswizard.core.model.finding import Finding, Level
from tswizard.core.preflight.check import Trial
from tswizard.core.preflight.checks.piece_range import PIECE_RANGE_CHECKS


async def found(piece: str) -> list[Finding]:
    (check,) = PIECE_RANGE_CHECKS
    assert isinstance(check, Trial)
    source = named(SOURCE)
    subject = prepared(ends=(source, source), method="split", piece=piece)
    return [finding async for finding in check.run(subject)]


@pytest.mark.native
@pytest.mark.parametrize(
    ("piece", "why"),
    [
        ("banana", 'invalid input syntax for type interval: "banana"'),
        ("-1 day", "it must be longer than nothing"),
        ("99999999999 years", "out of range"),
        ("1 day\x00", "NUL"),
    ],
)
async def test_what_is_no_range_refuses_the_run(piece: str, why: str) -> None:
    (finding,) = await found(piece)
    assert (finding.level, finding.id) == (Level.FAIL, "piece-range")
    assert why in finding.what


@pytest.mark.native
@pytest.mark.parametrize("piece", ["chunk", " 1 day ", "86400", "12:00"])
async def test_what_is_one_says_nothing(piece: str) -> None:
    assert await found(piece) == []
