"""Lines of a dump's table of contents."""

import pytest

from tswizard.core.db.toc import TOC_KINDS, TocLine, parse_toc_line, toc_label


def test_numbers_kind_and_the_rest_of_a_line() -> None:
    text = "4711; 2606 18102 FK CONSTRAINT my metrics t t_fkey tsdbadmin"
    line = parse_toc_line(text)
    assert line == TocLine(
        id=4711,
        catalog=2606,
        oid=18102,
        kind="FK CONSTRAINT",
        rest="my metrics t t_fkey tsdbadmin",
    )
    assert line.text == "FK CONSTRAINT my metrics t t_fkey tsdbadmin"
    assert str(line) == text


@pytest.mark.parametrize("kind", sorted(TOC_KINDS))
def test_the_longest_kind_counts(kind: str) -> None:
    line = parse_toc_line(f"1; 0 0 {kind} s t me")
    assert line is not None
    assert (line.kind, line.rest) == (kind, "s t me")


@pytest.mark.parametrize(
    ("text", "kind", "rest"),
    [
        ("1; 0 0 NOVELTY x me", "NOVELTY", "x me"),
        ("1; 0 0 TABLE", "TABLE", ""),
        ("1; 0 0 TABLE DATA", "TABLE", "DATA"),
        ("1; 0 0 COMMENT - EXTENSION timescaledb ", "COMMENT", "- EXTENSION timescaledb "),
        ("1; 0 0 TABLE s two\nlines me", "TABLE", "s two\nlines me"),
    ],
)
def test_unknown_kinds_cut_lines_and_empty_owners(text: str, kind: str, rest: str) -> None:
    line = parse_toc_line(text)
    assert line is not None
    assert (line.kind, line.rest) == (kind, rest)


@pytest.mark.parametrize("text", ["", "; Archive created", ";\tdepends on: 4", "1; 0 TABLE t", "x"])
def test_other_lines_are_no_entries(text: str) -> None:
    assert parse_toc_line(text) is None


@pytest.mark.parametrize(
    ("kind", "name", "label"),
    [
        ("INDEX", "t_idx", "INDEX my metrics.t_idx"),
        ("COMMENT", "VIEW daily", "COMMENT VIEW my metrics.daily"),
        ("COMMENT", "COLUMN t.c", "COMMENT COLUMN my metrics.t.c"),
        ("ACL", "FOREIGN TABLE far", "ACL FOREIGN TABLE my metrics.far"),
        ("ACL", "cut", "ACL my metrics.cut"),
    ],
)
def test_labels_say_what_a_comment_or_a_grant_is_on(kind: str, name: str, label: str) -> None:
    assert toc_label(kind, "my metrics", name) == label
