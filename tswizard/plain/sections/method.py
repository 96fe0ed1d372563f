"""Method: how the data moves, and every decision about it."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tswizard.core.model.answers import Answers
from tswizard.plain.prompts import Back, Option
from tswizard.plain.session import Session
from tswizard.plain.walk import walk
from tswizard.questions import RECOMMENDED, Kind, Question
from tswizard.wizard.method_questions import fits, method_questions

if TYPE_CHECKING:
    from tswizard.core.run.method import Method

_DONE = "0"
_SETTINGS_HELP = (
    "The number of a setting changes it, and its own ? explains it. Everything has a default that "
    "is right for most databases."
)


async def method(session: Session, *, from_end: bool) -> None:
    """Raises Back, Leave."""
    section = _MethodSection(session)
    await walk((section.ask_method, section.ask_settings), from_end=from_end)


class _MethodSection:
    def __init__(self, session: Session) -> None:
        self._session = session
        assert session.known.inspected is not None
        self._inspected = session.known.inspected

    @property
    def _answers(self) -> Answers:
        return self._session.known.answers

    def _answer(self, question: Question, value: Any) -> None:
        known = self._session.known
        known.answers = replace(known.answers, **{question.key: value})

    # The method

    async def ask_method(self) -> bool:
        asked = [q for q in method_questions() if q.key == "method"]
        for question in asked:
            for method in self._session.engine.methods():
                self._describe(method)
            decided = tuple(c for c in question.choices if c.value != RECOMMENDED)
            asked_here = replace(question, choices=decided)
            value = await self._session.ask.question(asked_here, self._answers.method)
            self._answer(question, value)
        return bool(asked)

    def _describe(self, method: "Method") -> None:
        inspected, voice = self._inspected, self._session.voice
        facts = method.facts(
            inspected.inventory, inspected.pair.source.server, inspected.pair.target.server
        )
        voice.say(f"{method.name.capitalize()}:")
        lines = (
            ("Does", facts.does),
            ("Best", facts.best),
            ("Cannot", facts.cannot),
            ("Needs", facts.needs),
        )
        voice.facts(((title, text) for title, text in lines if text), indent=2)

    # Everything else

    async def ask_settings(self) -> bool:
        """All of them at once, since each has a default: those that the user names are asked."""
        methods = self._session.engine.methods()
        settings = [
            q
            for q in method_questions()
            if q.key != "method" and fits(q, self._answers.method, methods)
        ]
        ask = self._session.ask
        ask.asked += [q.name for q in settings]
        while True:
            self._session.voice.say()
            options = [
                Option(_DONE, "continue with these settings"),
                *(Option(q.key, f"{q.text}: {self._now(q)}") for q in settings),
            ]
            key = await ask.one_of("Setting to change", options, help=_SETTINGS_HELP, default=_DONE)
            if key == _DONE:
                return True
            question = next(q for q in settings if q.key == key)
            try:
                self._answer(question, await ask.question(question, self._value(question)))
            except Back as back:
                if back.to:
                    raise

    def _value(self, question: Question) -> Any:
        return getattr(self._answers, question.key)

    def _now(self, question: Question) -> str:
        """Its value in words."""
        value = self._value(question)
        if question.kind is Kind.YES_NO:
            return "yes" if value else "no"
        return next((c.text for c in question.choices if c.value == value), str(value) or "empty")
