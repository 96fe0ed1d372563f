"""What is valid by a log, and what differs of it."""

from dataclasses import replace

from tests.support.sample_cagg_state import STATE, invalid
from tswizard.core.catalog.cagg_state import NO_BEGIN
from tswizard.core.model.finding import Level
from tswizard.core.split.caggs.compare import state_findings, stored_ranges
from tswizard.core.split.caggs.valid_ranges import ValidRange

INTEGERS = replace(STATE, time_type="bigint")


def test_valid_is_what_the_log_does_not_name() -> None:
    state = replace(STATE, invalid=(invalid(600, 619), invalid(990, 999)))
    assert stored_ranges(state) == (ValidRange(None, 600), ValidRange(620, 990))
    assert stored_ranges(replace(STATE, valid_until=None)) == ()


def test_of_integers_what_lies_before_the_first_bucket_is_no_difference() -> None:
    """A window without a start cannot be refreshed there."""
    state = replace(INTEGERS, invalid=(invalid(NO_BEGIN, -11, raw_rows=False), invalid(600, 619)))
    assert stored_ranges(state) == (ValidRange(None, 600), ValidRange(620, 1000))
    # But what rows are there for is.
    state = replace(INTEGERS, first=300, invalid=(invalid(NO_BEGIN, 299, raw_rows=True),))
    assert stored_ranges(state) == (ValidRange(300, 1000),)
    times = replace(STATE, invalid=(invalid(-1000, -11),))
    assert stored_ranges(times) == (ValidRange(None, -1000), ValidRange(-10, 1000))


def test_each_difference_is_named() -> None:
    def levels(target: object) -> dict[str, Level]:
        found = state_findings({"m.a": STATE}, {"m.a": target}, "")  # type: ignore[dict-item]
        return {finding.id: finding.level for finding in found}

    assert levels(STATE) == {"cagg-states": Level.PASS}
    assert levels(replace(STATE, watermark=990)) == {"cagg-watermark-differs": Level.FAIL}
    more = replace(STATE, invalid=(invalid(0, 9),))
    assert levels(more) == {"cagg-ranges-differ": Level.FAIL}
