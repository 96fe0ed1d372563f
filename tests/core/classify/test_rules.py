"""Every rule says what it should, and a rule file that cannot work is refused by name."""

from pathlib import Path

import pytest

from tests.support.classified import FixedProver, judge
from tests.support.rule_examples import EXAMPLES, Example
from tswizard.core.classify.prove import prove
from tswizard.core.classify.rules import BadRules, default_rules, load, render
from tswizard.core.classify.target import TargetProver
from tswizard.core.model.judged import ProofState
from tswizard.core.model.verdict import Verdict


def test_every_rule_has_an_example() -> None:
    assert {example.rule for example in EXAMPLES} == {rule.id for rule in default_rules().rules}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.rule)
async def test_example_meets_its_rule_and_verdict(example: Example) -> None:
    first = judge(example.text, example.method, example.phase)[0]
    assert first.rule == example.rule
    assert "{" not in first.reason + first.claim
    assert first.reason
    proven = await prove(first, FixedProver(answer=True))
    assert proven.verdict is example.verdict
    assert first.todo or example.verdict is Verdict.SAFE or first.if_proven


@pytest.mark.parametrize(
    "example",
    [example for example in EXAMPLES if example.verdict.explained],
    ids=lambda example: example.rule,
)
async def test_harmless_needs_its_proof(example: Example) -> None:
    alone = judge(example.text, example.method, example.phase)[0]
    rule = next(rule for rule in default_rules().rules if rule.id == example.rule)
    assert alone.proof == rule.proof
    refuted = await prove(alone, FixedProver(answer=False))
    if rule.proof:
        assert alone.proof_state is ProofState.NOT_POSSIBLE
        assert alone.verdict is rule.unproven
        assert refuted.verdict is Verdict.LOOK
        assert refuted.proof_state is ProofState.FAILED
        assert refuted.claim in refuted.reason
    else:
        assert alone.proof_state is ProofState.NOT_NEEDED
        assert refuted == alone


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.rule)
def test_unknown_method_and_phase_are_never_milder(example: Example) -> None:
    known = judge(example.text, example.method, example.phase)[0]
    unknown = judge(example.text)[0]
    assert unknown.verdict.rank >= known.verdict.rank


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.rule)
def test_what_is_lost_in_one_context_is_never_harmless_in_another(example: Example) -> None:
    if example.verdict is not Verdict.LOST:
        return
    for method in ("full", "split", None):
        for phase in ("pre-data", "catalog", "data", "post-data", None):
            first = judge(example.text, method, phase)[0]
            assert first.verdict is Verdict.LOST, (method, phase)


def test_the_prover_knows_every_proof() -> None:
    assert TargetProver(None).proofs == frozenset(default_rules().proofs)


def test_role_is_quoted_in_the_statement_to_run() -> None:
    text = 'pg_restore: error: could not execute query: ERROR:  role "Odd "" role" does not exist\n'
    (missing, _) = judge(text, "full", "post-data")
    assert missing.todo.startswith('CREATE ROLE "Odd """" role"; -- then run:')


def test_values_with_braces_are_not_taken_for_names() -> None:
    assert render("{a}", {"a": "{b}"}) == "{b}"


_GOOD = """
[[rule]]
id = "x"
tool = "pg_restore"
pattern = '^gone (?P<what>\\w+)$'
verdict = "look"
reason = "{what} is gone."
source = "nowhere"
"""


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[[rule", "cannot be read"),
        (f"{_GOOD}\n[extra]\n", "[extra]"),
        (_GOOD.replace('"look"', '"fine"'), "rule x: verdict"),
        (_GOOD.replace('"look"', '"safe"').replace("$'", "'"), "whole sentence"),
        (_GOOD.replace("{what}", "{whom}"), "{whom}"),
        (_GOOD.replace("{what} is", "{what is"), "braces"),
        (_GOOD.replace("(?P", "(?("), "bad pattern"),
        (_GOOD.replace("source", "sauce"), "no key 'sauce'"),
        (_GOOD.replace('source = "nowhere"', ""), "source"),
        (f'{_GOOD}kinds = "TABEL"\n', "'TABEL'"),
        (f'{_GOOD}proof = "none-such"\n', "no proof"),
        (f'{_GOOD}proof = "p"\n[proof.p]\non = "target"\nclaim = "so"\n', "needs no proof"),
        (f'{_GOOD}tool = "pg_dumb"\n', "cannot be read"),
        (_GOOD.replace('"pg_restore"', '"pg_dumb"'), "tool"),
        (_GOOD + _GOOD, "twice"),
        (
            _GOOD.replace('"look"', '"safe"')
            + 'proof = "p"\n[proof.p]\non = "target"\nclaim = "{other} is there"\n',
            "{other}",
        ),
    ],
)
def test_bad_rule_files_are_refused_in_one_sentence(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(BadRules) as refused:
        load(path)
    sentence = str(refused.value)
    assert fault in sentence
    assert sentence.startswith("bad.toml")
    assert "\n" not in sentence
    assert sentence.endswith(".")


def test_a_good_rule_file_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "good.toml"
    path.write_text(_GOOD)
    assert [rule.id for rule in load(path).rules] == ["x"]
