"""Names as the server prints them."""

import pytest

from tswizard.core.db.identifiers import parted, unquoted


@pytest.mark.parametrize(
    ("identity", "parts"),
    [
        ("s.t", ("s", "t")),
        ('"S.x".t', ("S.x", "t")),
        ('s."x.t"', ("s", "x.t")),
        ('"a""b"."c d"', ('a"b', "c d")),
        ("t", None),
        ("a.b.c", None),
        ('"s.t"', None),
    ],
)
def test_an_identity_in_parts(identity: str, parts: tuple[str, str] | None) -> None:
    assert parted(identity) == parts


def test_quotes_are_taken_off() -> None:
    assert [unquoted(name) for name in ("a", '"A"', '"a""b"')] == ["a", "A", 'a"b']
