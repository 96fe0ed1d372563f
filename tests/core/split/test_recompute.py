"""Windows that a continuous aggregate is refreshed in hold every raw row, in whole buckets."""

from dataclasses import replace
from itertools import pairwise

import pytest

from tests.support.sample_cagg_state import STATE
from tswizard.core.split.caggs.recompute import windows


@pytest.mark.parametrize("first_raw", [0, 7, 507, 989, 999])
def test_they_follow_each_other_and_begin_before_the_first_raw_row(first_raw: int) -> None:
    found = list(windows(replace(STATE, first_raw=first_raw), 1000))
    assert found[0][0] is None
    assert found[-1][1] == 1000
    assert [start for start, _ in found[1:]] == [end for _, end in found[:-1]]
    assert all(end % 10 == 0 for _, end in found)
    assert len(found) <= 23


def test_integers_begin_where_a_bucket_does() -> None:
    found = list(windows(replace(STATE, time_type="bigint", first_raw=507), 1000))
    assert found[0][0] is not None
    assert found[0][0] <= 500
    assert all(start is not None and start % 10 == 0 for start, _ in found)


def test_buckets_that_vary_are_in_two_windows_where_they_lie_between() -> None:
    found = list(windows(replace(STATE, fixed=False, width=31, first_raw=7), 1000))
    assert all(
        start is not None and start <= before - 31 for (_, before), (start, _) in pairwise(found)
    )
