"""Method: how the data moves, and every decision about it."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tswizard.core.model.answers import Answers
from tswizard.plain.prompts import Back, Option
from tswizard.plain.sections.probe import EXPLAIN, ProbeSection
from tswizard.plain.session import Session, declared
from tswizard.plain.walk import walk
from tswizard.questions import Choice, Kind, Question
from tswizard.wizard.method_questions import fits, method_questions
from tswizard.wizard.state import open_methods

if TYPE_CHECKING:
    from tswizard.core.model.recommendation import Advice
    from tswizard.core.run.method import Method

_DONE = "0"
_ASKED_BEFORE = ("method", "probe", "probe_upload")
_SETTINGS_HELP = (
    "The number of a setting changes it, and its own ? explains it. Everything has a default that "
    "is right for most databases."
)


async def method(session: Session, *, from_end: bool) -> None:
    """Raises Back, Leave."""
    section = _MethodSection(session)
    steps = (section.probe.ask, section.ask_method, section.ask_settings)
    await walk(steps, from_end=from_end)


class _MethodSection:
    def __init__(self, session: Session) -> None:
        self._session = session
        assert session.known.inspected is not None
        self._inspected = session.known.inspected
        self.probe = ProbeSection(session, self._inspected)

    @property
    def _answers(self) -> Answers:
        return self._session.known.answers

    def _answer(self, question: Question, value: Any) -> None:
        known = self._session.known
        known.answers = replace(known.answers, **{question.key: value})

    # The method

    async def ask_method(self) -> bool:
        """The one that is recommended is one key away, and so is the other."""
        session, known = self._session, self._session.known
        await self.probe.advise()
        advice = known.advice
        question = declared("answers", "method")
        session.ask.asked.append(question.name)
        for method in session.engine.methods():
            self._describe(method)
        possible = open_methods(self._inspected.findings, session.engine.methods())
        options = [
            Option(choice.value, self._offered(choice, advice))
            for choice in question.choices
            if choice.value in possible
        ]
        chosen = await session.ask.one_of(
            question.text,
            options,
            help=f"{question.help} “{EXPLAIN}” before this question tells every figure.",
            default=self._answers.method,
        )
        known.method_chosen = advice is None or chosen != advice.recommendation.method
        self._answer(question, chosen)
        return True

    def _offered(self, choice: Choice, advice: "Advice | None") -> str:
        recommended = advice is not None and choice.value == advice.recommendation.method
        return f"{choice.text} (recommended)" if recommended else choice.text

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
            if q.key not in _ASKED_BEFORE and fits(q, self._answers.method, methods)
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
                await self.probe.advise()
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
