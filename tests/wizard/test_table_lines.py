"""The same figures as on the Run screen, line by line."""

from tests.support.wizard_story import LONG_TABLE, UNICODE_TABLE, pieces
from tswizard.core.model.events import TableProgress
from tswizard.wizard.table_lines import TableLines


def lines() -> tuple[list[str], list[str]]:
    """What a split run's tables say at once, and what they say when asked at its end."""
    tables = TableLines()
    events = [event for event in pieces() if isinstance(event, TableProgress)]
    told = [tables.add(event) for event in events]
    return [line for line in told if line], list(tables.working())


def test_an_end_and_a_retry_and_a_failure_are_told_at_once_and_once() -> None:
    assert lines()[0] == [
        f"retrying {LONG_TABLE}: 0 of 1,024 pieces, 0 rows, 3 retries",
        f"failed   {UNICODE_TABLE}: 95 of 97 pieces, 47,010,210 rows, 10 retries, 2 FAILED",
        "done     public.devices: 12 of 12 pieces, 48,102 rows",
    ]


def test_what_is_worked_on_is_told_with_its_rate() -> None:
    assert lines()[1] == [
        "working  public.metrics: 80 of 412 pieces, 36,400,000 rows, 118.0 MiB/s",
        f"retrying {LONG_TABLE}: 4 of 1,024 pieces, 900,000 rows, 51.0 MiB/s, 3 retries",
    ]


def test_another_step_starts_with_no_table() -> None:
    tables = TableLines()
    for event in pieces():
        if isinstance(event, TableProgress):
            tables.add(event)
    tables.begin()
    assert list(tables.working()) == []
