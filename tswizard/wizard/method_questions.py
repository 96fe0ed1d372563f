"""Which questions belong to Method, and to which method."""

from collections.abc import Iterable

from tswizard.core.model.answers import MethodName
from tswizard.core.run.method import Method
from tswizard.questions import QUESTIONS, Question

_ELSEWHERE = ("recreate_extension", "caggs", "history", "lose_history", "policies")
"""Answered on Inspect, and object by object."""


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
