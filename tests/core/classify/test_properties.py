"""However a log is cut, shuffled or mixed: what is bad never becomes harmless.

Every check here lets all proofs hold, so that a message is harmless as soon as a rule thinks so.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.classified import judge
from tests.support.log_blocks import (
    LOOP,
    Block,
    copy_failed,
    ext_comment,
    ext_drop,
    index_exists,
    logs,
    table_exists,
)
from tswizard.core.classify.classifier import Classifier
from tswizard.core.classify.encoding import LogReader
from tswizard.core.classify.log import classify_lines, classify_log
from tswizard.core.classify.message import PlainLine
from tswizard.core.classify.rules import Rules, default_rules
from tswizard.core.classify.tally import VerdictTally
from tswizard.core.classify.unmix_parallel_output import OutputUnmixer
from tswizard.core.model.judged import JudgedMessage
from tswizard.core.model.verdict import Verdict, worst_verdict

# The machine may be busy: time is no property.
_often = settings(max_examples=150)

Judge = Callable[[str], list[JudgedMessage]]


def proven(text: str, rules: Rules | None = None) -> list[JudgedMessage]:
    """What is said of a split restore's log when every proof holds."""
    classifier, tally = Classifier("pg_restore", "split", "post-data", rules), VerdictTally()
    found = []
    for line in text.splitlines(keepends=True):
        found += classifier.feed(line, ended=line.endswith("\n"))
    found += classifier.close()
    return [tally.add(with_proof(item)) for item in found if isinstance(item, JudgedMessage)]


def with_proof(judged: JudgedMessage) -> JudgedMessage:
    if judged.if_proven is None:
        return judged
    return replace(judged, verdict=judged.if_proven.verdict)


def said_of(block: Block, judged: Sequence[JudgedMessage]) -> list[Verdict]:
    """The verdicts of the messages that the block's head line is part of."""
    head = block.head_line.rstrip("\n")
    return [one.verdict for one in judged if head in one.detail]


def check_not_harmless(blocks: Sequence[Block], text: str, judge_it: Judge = proven) -> None:
    """Every bad block whose head line is in the text is judged, and never as harmless."""
    judged = judge_it(text)
    lines = set(text.split("\n"))
    for block in blocks:
        if block.bad and block.head_line.rstrip("\n") in lines:
            verdicts = said_of(block, judged)
            assert verdicts, f"nothing is said of {block.head_line!r}"
            assert not any(verdict.explained for verdict in verdicts), block.head_line
    if any(block.bad and block.head_line.rstrip("\n") in lines for block in blocks):
        assert not worst_verdict(one.verdict for one in judged).explained


@_often
@given(logs(), st.data())
def test_shuffled_blocks_keep_their_verdicts(blocks: list[Block], data: st.DataObject) -> None:
    end = "pg_restore: connecting to database for restore\n"
    text = "".join(block.text for block in data.draw(st.permutations(blocks))) + end
    check_not_harmless(blocks, text)
    judged = proven(text)
    for block in blocks:
        alone = said_of(block, proven(block.text + end))
        found = said_of(block, judged)
        if block.lines[0].startswith("pg_restore: "):
            assert found == alone, block.head_line
        else:
            # A strange line may fall into a message, and then says as much as that one.
            assert worst_verdict(found).rank >= worst_verdict(alone).rank


@_often
@given(logs(), st.data())
def test_a_log_cut_at_any_byte(blocks: list[Block], data: st.DataObject) -> None:
    whole = "".join(block.text for block in blocks)
    text = whole[: data.draw(st.integers(0, len(whole)))]
    check_not_harmless(blocks, text)
    before = {one.number: one.verdict for one in proven(whole)}
    for one in proven(text):
        assert not one.verdict.explained or before[one.number].explained, one
    if any(block.bad and block.text in text for block in blocks) or "error: " in text:
        assert not worst_verdict(one.verdict for one in proven(text)).explained


@_often
@given(logs(), st.data())
def test_a_log_cut_at_its_beginning(blocks: list[Block], data: st.DataObject) -> None:
    whole = "".join(block.text for block in blocks)
    check_not_harmless(blocks, whole[data.draw(st.integers(0, len(whole))) :])


@_often
@given(logs(least=2), st.data())
def test_lines_missing_anywhere(blocks: list[Block], data: st.DataObject) -> None:
    lines = "".join(block.text for block in blocks).splitlines(keepends=True)
    kept = data.draw(st.lists(st.booleans(), min_size=len(lines), max_size=len(lines)))
    text = "".join(line for line, keep in zip(lines, kept, strict=True) if keep)
    check_not_harmless(blocks, text)


@_often
@given(logs(least=2), st.booleans(), st.data())
def test_interleaved_lines(blocks: list[Block], parallel: bool, data: st.DataObject) -> None:
    """Two workers' lines in any order, with and without the line that tells of workers."""
    half = len(blocks) // 2
    left = "".join(b.text for b in blocks[:half]).splitlines(keepends=True)
    right = "".join(b.text for b in blocks[half:]).splitlines(keepends=True)
    mixed = [LOOP] if parallel else []
    while left or right:
        mixed.append((left if left and (not right or data.draw(st.booleans())) else right).pop(0))
    check_not_harmless(blocks, "".join(mixed))


@_often
@given(logs(least=2), st.booleans(), st.data())
def test_pieces_of_lines_mixed(blocks: list[Block], unmixed: bool, data: st.DataObject) -> None:
    """As with -j: prefix, space, severity and text are written one by one, each by itself whole."""
    half = len(blocks) // 2
    queues = [_pieces(blocks[:half]), _pieces(blocks[half:])]
    stream = LOOP
    while any(queues):
        stream += data.draw(st.sampled_from([queue for queue in queues if queue])).pop(0)
    lines = stream.splitlines(keepends=True)
    if unmixed:
        unmixer = OutputUnmixer()
        lines = [unmixer.feed(line.rstrip("\n")) + "\n" for line in lines]
    judged = proven("".join(lines))
    for block in blocks:
        text = _PIECES.sub("", block.head_line).rstrip("\n")
        found = [one for one in judged if any(line.endswith(text) for line in one.detail)]
        if block.bad:
            assert found, text
            assert not any(one.verdict.explained for one in found), text


_PIECES = re.compile(r"^pg_restore: (?:error: )?")


def _pieces(blocks: Sequence[Block]) -> list[str]:
    """What one worker writes at a time: a message's text with all its lines is one piece."""
    pieces: list[str] = []
    for block in blocks:
        for line in block.lines:
            head = _PIECES.match(line)
            if head is None and pieces and block.lines[0].startswith("pg_restore: "):
                pieces[-1] += line
                continue
            rest = line
            if head:
                pieces += ["pg_restore:", " "]
                rest = line[head.end() :]
                if head[0].endswith("error: "):
                    pieces.append("error: ")
            pieces.append(rest)
    return pieces


@_often
@given(logs(least=2), st.data())
def test_lines_glued_together(blocks: list[Block], data: st.DataObject) -> None:
    """Line ends that are lost: the verdict of the whole never gets better for it."""
    text = "".join(block.text for block in blocks)
    ends = [place for place, char in enumerate(text) if char == "\n"]
    gone = set(data.draw(st.lists(st.sampled_from(ends), max_size=3)))
    glued = "".join(char for place, char in enumerate(text) if place not in gone)
    if any(block.bad for block in blocks):
        assert not worst_verdict(one.verdict for one in proven(glued)).explained


@_often
@given(logs(most=5), st.integers(0, 5))
def test_a_lost_line_anywhere_is_lost(blocks: list[Block], place: int) -> None:
    lost = copy_failed(999)
    text = "".join(b.text for b in (*blocks[:place], lost, *blocks[place:]))
    judged = proven(text)
    assert said_of(lost, judged) == [Verdict.LOST]
    assert worst_verdict(one.verdict for one in judged) is Verdict.LOST


@_often
@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 30))
def test_the_sum_is_safe_only_when_it_fits(safe: int, bad: int, said: int) -> None:
    blocks = [index_exists(n) for n in range(safe)] + [table_exists(100 + n) for n in range(bad)]
    text = "".join(block.text for block in blocks)
    judged = proven(f"{text}pg_restore: warning: errors ignored on restore: {said}\n")
    total = judged[-1]
    assert total.rule == "error-sum"
    assert (total.verdict is Verdict.SAFE) == (said == safe + bad and bad == 0)
    if said > safe + bad:
        assert f"{said - safe - bad} unaccounted for" in total.reason


@_often
@given(logs())
def test_less_is_known_of_a_log_alone(blocks: list[Block]) -> None:
    """Without method, phase and databases nothing is milder than with all of them."""
    text = "".join(block.text for block in blocks)
    for alone, known in zip(judge(text), proven(text), strict=True):
        assert alone.verdict.rank >= known.verdict.rank


_LETTERS = st.text(
    st.sampled_from("abé \t\"'$:;,.()-\x1b[0m\r\x00\u2028\x85") | st.characters(), max_size=60
)
_STARTS = st.sampled_from(
    (
        "",
        "pg_restore: ",
        "pg_restore:pg_restore: ",
        "pg_dump: error: ",
        "pg_restore: error: could not execute query: ERROR:  ",
        "pg_restore: from TOC entry 5; 0 0 ",
        "Command was: CREATE FUNCTION f() AS $$",
        "DETAIL:  ",
        "pg_restore: warning: ",
        "psql:f:1: ERROR:  ",
        "errors ignored on restore: ",
    )
)


@_often
@given(st.lists(st.builds(str.__add__, _STARTS, _LETTERS), max_size=12))
def test_any_text_is_read_and_none_of_it_is_safe(lines: list[str]) -> None:
    clean = [line.replace("\n", " ") + "\n" for line in lines]
    items = list(classify_lines(clean))
    for item in items:
        if isinstance(item, JudgedMessage):
            assert not item.verdict.explained, item
    number = sum(1 if isinstance(item, PlainLine) else len(item.detail) for item in items)
    assert number >= len(clean)


@_often
@given(st.binary(max_size=400))
def test_any_bytes_become_a_report(raw: bytes) -> None:
    report = classify_log(LogReader(BytesIO(raw)))
    assert json.loads(json.dumps(asdict(report)))["lines"] == report.lines


@pytest.mark.parametrize("careless", ["ext-owner", "index-exists"])
def test_these_checks_catch_a_careless_rule(careless: str) -> None:
    """A rule that looks at the sentence alone, neither at the kind nor at the command."""
    blocks = [ext_comment(1), ext_drop(2), table_exists(3), index_exists(4)]
    text = "".join(block.text for block in blocks)
    check_not_harmless(blocks, text)
    good = default_rules()
    rules = Rules(
        tuple(replace(rule, kinds=()) if rule.id == careless else rule for rule in good.rules),
        good.proofs,
        {**good._patterns, careless: good._patterns[careless][:1]},
        {},
    )
    with pytest.raises(AssertionError):
        check_not_harmless(blocks, text, lambda text: proven(text, rules))
