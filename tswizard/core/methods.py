"""The methods of migration, and the choice of one. CONTRIBUTING.md says who else names one."""

from tswizard.core.full.method import FULL
from tswizard.core.model.answers import Answers
from tswizard.core.run.method import Method
from tswizard.core.split.method import SPLIT

METHODS: tuple[Method, ...] = (FULL, SPLIT)


def method_of(answers: Answers) -> Method:
    """The method that was chosen."""
    return next(method for method in METHODS if method.name == answers.method)
