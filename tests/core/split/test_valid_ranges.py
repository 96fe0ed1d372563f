"""Which ranges are marked valid: never what is to be computed again, always what cannot be."""

from dataclasses import replace

from tests.support.sample_cagg_state import STATE, invalid
from tswizard.core.split.caggs.valid_ranges import ValidRange, history_end, valid_ranges


def ranges(**changes: object) -> tuple[ValidRange, ...]:
    return valid_ranges(replace(STATE, **changes))  # type: ignore[arg-type]


def test_everything_that_was_ever_refreshed() -> None:
    assert ranges() == (ValidRange(None, 1000),)
    assert ranges(valid_until=None) == ()


def test_what_is_invalid_stays_invalid() -> None:
    assert ranges(invalid=(invalid(600, 619), invalid(700, 709))) == (
        ValidRange(None, 600),
        ValidRange(620, 700),
        ValidRange(710, 1000),
    )
    assert ranges(invalid=(invalid(950, 999),)) == (ValidRange(None, 950),)


def test_history_is_valid_whatever_was_logged_of_it() -> None:
    """The bucket in which the first chunk begins lacks raw rows as well."""
    assert history_end(STATE) == 510
    assert ranges(invalid=(invalid(0, 499),)) == (ValidRange(None, 1000),)
    assert ranges(invalid=(invalid(300, 529),)) == (ValidRange(None, 510), ValidRange(530, 1000))


def test_without_history_the_first_bucket_is_computed_again() -> None:
    found = ranges(first=510, raw_from=500, invalid=(invalid(510, 519),))
    assert found == (ValidRange(None, 510), ValidRange(520, 1000))


def test_with_no_raw_row_at_all_nothing_is_computed_again() -> None:
    assert ranges(first_raw=None, raw_from=None, invalid=(invalid(0, 999),)) == (
        ValidRange(None, 1000),
    )
    assert ranges(invalid=(invalid(600, 699, raw_rows=False),)) == (ValidRange(None, 1000),)


def test_buckets_that_vary_are_kept_for_as_long_as_one_may_be() -> None:
    assert history_end(replace(STATE, fixed=False, width=31)) == 536
