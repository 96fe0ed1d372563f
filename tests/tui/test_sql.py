"""SQL and commands in color: the same text, whatever it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tswizard.tui.sql import highlighted


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("SELECT * FROM metrics;", "SELECT"),
        ("-- known only during the run\nCOPY metrics TO STDOUT;", "COPY"),
        ("/usr/bin/pg_dump --format=directory 'dbname=x y' | cat", "'dbname=x y'"),
    ],
)
def test_words_are_in_color(text: str, word: str) -> None:
    content = highlighted(text)
    styled = {content.plain[span.start : span.end] for span in content.spans}
    assert word in styled


@given(st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1))
def test_the_text_stays_as_it_is(text: str) -> None:
    assert highlighted(text).plain.rstrip() == text.strip("\n").rstrip()
