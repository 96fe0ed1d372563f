"""Which questions belong to Method, and to which method; where the others are asked."""

import re
from collections.abc import Iterable

from tswizard.core.model.answers import MethodName
from tswizard.core.model.finding import Finding
from tswizard.core.run.method import Method
from tswizard.questions import QUESTIONS, Question
from tswizard.questions import question as declared
from tswizard.wizard.state import ASKED_ON_INSPECT

_ON_OBJECTS = ("caggs", "history", "lose_history", "policies")
"""Answered object by object."""
_ELSEWHERE = (ASKED_ON_INSPECT, *_ON_OBJECTS)

_KEY = re.compile(r"\(answer: (\w+)\)")
"""How a finding names an answer that settles it: as the answers file does."""


def method_questions() -> tuple[Question, ...]:
    """The method itself and everything that is decided with it. One with a single answer is no
    question."""
    return tuple(
        q
        for q in QUESTIONS
        if q.section == "answers" and q.key not in _ELSEWHERE and len(q.choices) != 1
    )


def fits(question: Question, chosen: MethodName, methods: Iterable[Method]) -> bool:
    """Does the question mean something for the chosen method?"""
    return not any(question.key in m.asks for m in methods if m.name != chosen)


def todo_here(finding: Finding) -> str:
    """What to do about it, with the place and the words of a question instead of its key."""
    return _KEY.sub(lambda named: f"({_place(named[1])})", finding.todo)


def _place(key: str) -> str:
    """`on Method: "Staging folder"`."""
    if key in _ON_OBJECTS:
        return "on Objects"
    asked = declared("answers", key)
    assert asked is not None
    screen = "Inspect" if key == ASKED_ON_INSPECT else "Method"
    return f'on {screen}: "{asked.text}"'
