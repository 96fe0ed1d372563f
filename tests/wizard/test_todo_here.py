"""What to do about a finding: the answers file has keys, the wizard has places and words."""

import re
from pathlib import Path

import pytest

from tswizard.core.model.finding import Finding, Level
from tswizard.questions import question
from tswizard.wizard.method_questions import todo_here


@pytest.mark.parametrize(
    ("todo", "here"),
    [
        (
            "Have tswizard create it (answer: recreate_extension): the target is empty.",
            'Have tswizard create it (on Inspect: "Recreate TimescaleDB on the target at the '
            "source's version\"): the target is empty.",
        ),
        (
            "Choose another folder (answer: staging), or change its owner.",
            'Choose another folder (on Method: "Staging folder"), or change its owner.',
        ),
        ("Leave it out (answer: caggs).", "Leave it out (on Objects)."),
        ("Give the primary's address.", "Give the primary's address."),
    ],
)
def test_the_wizard_says_where(todo: str, here: str) -> None:
    assert todo_here(Finding(Level.FAIL, "some-id", "What is wrong.", todo=todo)) == here


def test_every_key_that_a_finding_names_is_one_of_a_question() -> None:
    page = Path(__file__).parents[2] / "docs" / "findings.md"
    named = re.findall(r"\(answer: ([^)]+)\)", page.read_text(encoding="utf-8"))
    keys = {key.replace("\\", "") for key in named}
    assert {"recreate_extension", "staging", "caggs"} <= keys
    assert all(question("answers", key) for key in keys)
