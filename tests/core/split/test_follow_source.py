"""Everything that is not valid, as the log of invalid ranges has it."""

import pytest

from tswizard.core.catalog.cagg_state import NO_BEGIN, NO_END
from tswizard.core.split.caggs.follow_source import invalid_spans
from tswizard.core.split.caggs.valid_ranges import ValidRange

Pair = tuple[int | None, int]


@pytest.mark.parametrize(
    ("valid", "invalid"),
    [
        ([], [(NO_BEGIN, NO_END)]),
        ([(None, 100)], [(100, NO_END)]),
        ([(0, 100)], [(NO_BEGIN, -1), (100, NO_END)]),
        ([(None, 40), (60, 100)], [(40, 59), (100, NO_END)]),
    ],
)
def test_all_other_times(valid: list[Pair], invalid: list[tuple[int, int]]) -> None:
    assert list(invalid_spans([ValidRange(*pair) for pair in valid])) == invalid
