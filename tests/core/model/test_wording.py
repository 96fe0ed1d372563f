import pytest

from tswizard.core.model.wording import duration, interval_words, plural, short_number, size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (0.031, "0.03 s"),
        (0.44, "0.4 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (125, "2 min 5 s"),
        (3599.6, "1 h 0 min"),
        (6421, "1 h 47 min"),
        (360_000, "100 h 0 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 Bytes"),
        (1, "1 Byte"),
        (1536, "1.5 KiB"),
        (43 << 30, "43.0 GiB"),
    ],
)
def test_sizes(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("01:00:00", "1 hour"),
        ("12:00:00", "12 hours"),
        ("00:01:30", "1 minute 30 seconds"),
        ("00:00:02.5", "2.5 seconds"),
        ("1 day", "1 day"),
        ("7 days", "7 days"),
        ("1 day 00:30:00", "1 day 30 minutes"),
        ("1 mon", "1 mon"),
        ("00:00:00", "00:00:00"),
        ("-01:00:00", "-01:00:00"),
        ("", ""),
    ],
)
def test_intervals(text: str, words: str) -> None:
    assert interval_words(text) == words


def test_counts() -> None:
    assert [plural(n, "table") for n in (0, 1, 3000)] == ["0 tables", "1 table", "3,000 tables"]
    assert plural(2, "index", "indexes") == "2 indexes"
    assert [short_number(n) for n in (999_999, 31_249_000, 2_500_000_000)] == [
        "999,999",
        "31.2 M",
        "2.5 B",
    ]
