"""The page of rules is complete and up to date."""

from scripts.classifier_page import PAGE, render
from tswizard.core.classify.rules import default_rules


def test_the_page_holds_every_rule_and_proof_as_they_are() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == render(), "run: python -m scripts.classifier_page"
    for rule in default_rules().rules:
        assert f"#### {rule.id}\n" in page
    for proof in default_rules().proofs:
        assert f"| `{proof}` |" in page
