"""Parts of what the target holds for valid that the source does not."""

import pytest

from tswizard.core.split.caggs.invalidate import _ALWAYS, uncovered
from tswizard.core.split.caggs.valid_ranges import ValidRange

Pair = tuple[int | None, int]


@pytest.mark.parametrize(
    ("stored", "expected", "beyond"),
    [
        ([(None, 100)], [(None, 100)], []),
        ([(None, 100)], [(None, 40)], [(40, 100)]),
        ([(None, 100)], [(None, 40), (60, 100)], [(40, 60)]),
        ([(None, 100)], [(20, 100)], [(_ALWAYS, 20)]),
        ([(None, 100)], [], [(_ALWAYS, 100)]),
        ([(0, 10), (20, 30)], [(5, 25)], [(0, 5), (25, 30)]),
        ([], [(None, 100)], []),
        ([(0, 10)], [(20, 30)], [(0, 10)]),
    ],
)
def test_what_no_expected_range_covers(
    stored: list[Pair], expected: list[Pair], beyond: list[tuple[int, int]]
) -> None:
    ranges = [[ValidRange(*pair) for pair in pairs] for pairs in (stored, expected)]
    assert list(uncovered(*ranges)) == beyond
