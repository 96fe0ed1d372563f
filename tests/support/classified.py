"""Short ways to judge a text."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tswizard.core.classify.classifier import Classifier
from tswizard.core.classify.message import Message
from tswizard.core.classify.parse import Parser
from tswizard.core.classify.prove import Origin
from tswizard.core.model.judged import JudgedMessage
from tswizard.core.model.verdict import Verdict, worst_verdict


def messages(text: str, tool: str | None = None) -> list[Message]:
    """Everything but the lines of a tool at work."""
    parser = Parser(tool)
    found = [m for line in text.splitlines(keepends=True) for m in parser.feed(line)]
    return [m for m in (*found, *parser.close()) if isinstance(m, Message)]


def judge(
    text: str, method: str | None = None, phase: str | None = None, tool: str | None = None
) -> list[JudgedMessage]:
    """All that a text is judged to say, as a log with no database to ask."""
    classifier = Classifier(tool, method, phase)
    items = [
        item
        for line in text.splitlines(keepends=True)
        for item in classifier.feed(line, ended=line.endswith("\n"))
    ]
    return [item for item in (*items, *classifier.close()) if isinstance(item, JudgedMessage)]


def total(judged: list[JudgedMessage]) -> Verdict:
    return worst_verdict(one.verdict for one in judged)


@dataclass
class FixedProver:
    """A prover with fixed answers, for what is done with an answer."""

    answer: bool | None = None
    found: Origin | None = None
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    async def holds(self, proof: str, args: Mapping[str, str]) -> bool | None:
        self.asked.append((proof, args))
        return self.answer

    async def origin(self, schema: str, relation: str) -> Origin | None:
        self.asked.append(("origin", {"schema": schema, "relation": relation}))
        return self.found
