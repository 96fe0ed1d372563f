"""Verdicts for the output of one run of a tool."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tswizard.core.classify.command import NOTHING_ADDED
from tswizard.core.classify.message import Message, PlainLine, is_trouble
from tswizard.core.classify.parse import Parser
from tswizard.core.classify.rules import Rule, Rules, default_rules, render
from tswizard.core.classify.sums import ErrorCount, read_sum, sum_verdict
from tswizard.core.classify.toc import COMMAND_KINDS
from tswizard.core.classify.translate import Translator
from tswizard.core.model.judged import Harmless, JudgedMessage, ProofState, Severity, SumCheck
from tswizard.core.model.verdict import Verdict
from tswizard.core.model.wording import plural

_COMMAND_SHOWN = 2000


class Classifier:
    """Judges the output of one tool, line by line.

    `method` and `phase` are the context of the run. Without them, verdicts that hold in one context
    only are not given: nothing is called harmless on a guess.
    """

    def __init__(
        self,
        tool: str | None = None,
        method: str | None = None,
        phase: str | None = None,
        rules: Rules | None = None,
        translator: Translator | None = None,
    ) -> None:
        self._parser = Parser(tool, translator)
        self._method = method
        self._phase = phase
        self._rules = rules or default_rules()
        self._count = ErrorCount()
        self._since_sum: Counter[Verdict] = Counter()

    def feed(
        self,
        line: str,
        *,
        ended: bool = True,
        number: int | None = None,
        level: Severity | None = None,
    ) -> list[PlainLine | JudgedMessage]:
        """Take one line, as `Parser.feed` does; a message is returned when the next one begins."""
        out: list[PlainLine | JudgedMessage] = []
        for item in self._parser.feed(line, ended=ended, number=number, level=level):
            self._take(item, out)
        return out

    def close(self) -> list[PlainLine | JudgedMessage]:
        """The last message, and a verdict on errors that no sum line followed."""
        out: list[PlainLine | JudgedMessage] = []
        for item in self._parser.close():
            self._take(item, out)
        if self._count.seen:
            out.append(self._without_sum())
        return out

    def _take(self, item: PlainLine | Message, out: list[PlainLine | JudgedMessage]) -> None:
        if isinstance(item, PlainLine):
            self._count.mark(item.text)
            out.append(item)
        else:
            out += self._judge(item)

    def _judge(self, message: Message) -> list[PlainLine | JudgedMessage]:
        check = read_sum(message, self._count)
        if check is not None:
            judged = sum_verdict(self._base(message, "error-sum", sum=check), self._since_sum)
            self._count, self._since_sum = ErrorCount(), Counter()
            return [judged]
        counts = self._count.add(message)
        judged_or_none = self._verdict(message, counts)
        if judged_or_none is None:
            return [
                PlainLine(text, message.number + n, message.tool)
                for n, text in enumerate(message.lines)
            ]
        if counts:
            self._since_sum[judged_or_none.verdict] += 1
        return [judged_or_none]

    def _verdict(self, message: Message, counts: bool) -> JudgedMessage | None:
        about = _object(message)
        fitting = [
            (rule, groups)
            for rule, groups in self._rules.matches(message, about.kind)
            if rule.in_context(self._method, self._phase_of(message))
        ]
        if about.kind in NOTHING_ADDED:
            # What adds nothing to the database leaves nothing missing when it is refused.
            fitting = [pair for pair in fitting if pair[0].verdict is not Verdict.LOST]
        rule, groups = self._worst(fitting, message)
        base = self._base(message, rule.id if rule else "", object=about.label, counts=counts)
        if rule is None:
            return self._unknown(base, message)
        command = message.command
        if len(command) > _COMMAND_SHOWN:
            command = f"{command[:_COMMAND_SHOWN]} …"
        values = {
            "object": about.label or "the object in question",
            "kind": about.kind,
            "name": about.name or "the object in question",
            "bare": about.bare,
            "in_schema": about.schema,
            "table": about.table,
            "command": command,
            "unrestricted": command.replace("ALTER TABLE ONLY ", "ALTER TABLE ", 1),
            "message": message.text,
            **groups,
        }
        judged = replace(
            base,
            verdict=rule.verdict,
            reason=" ".join(render(rule.reason, values).split()),
            todo=render(rule.todo, values),
        )
        if rule.verdict is Verdict.LOST:
            return _with_relation(judged, groups.get("relation", ""), about)
        if not rule.verdict.explained:
            return judged
        if not _of_one_piece(message, groups):
            return replace(
                judged,
                verdict=Verdict.LOOK,
                reason="The log is truncated or garbled here, so this cannot be called harmless.",
                todo=f"If the message is complete, it means: {judged.reason}",
            )
        return self._cautious(judged, rule, message, {**values, "command": message.command})

    def _worst(
        self, fitting: list[tuple[Rule, dict[str, str]]], message: Message
    ) -> tuple[Rule | None, dict[str, str]]:
        """The rule that decides, of those that match: one that `wins`, else the first `lost` one,
        else the first."""
        lost = [pair for pair in fitting if pair[0].verdict is Verdict.LOST]
        # In an unknown context, a rule that holds in every context describes the loss better.
        lost.sort(key=lambda pair: not pair[0].known_in(self._method, self._phase_of(message)))
        wins = [pair for pair in fitting if pair[0].wins]
        return next(iter((*wins, *lost, *fitting)), (None, {}))

    def _phase_of(self, message: Message) -> str | None:
        return self._phase or ("dump" if message.tool in ("pg_dump", "pg_dumpall") else None)

    def _cautious(
        self, judged: JudgedMessage, rule: Rule, message: Message, values: Mapping[str, str]
    ) -> JudgedMessage:
        """A harmless verdict, unless the context is unknown or a proof is missing."""
        if not rule.known_in(self._method, self._phase_of(message)):
            return replace(
                judged,
                verdict=Verdict.LOOK,
                reason=f"This is {rule.verdict} in {_context(rule)}, but the log does not show "
                "which method and phase it is from.",
                todo="Specify them with --method and --phase.",
            )
        if not rule.proof:
            return judged
        proof = self._rules.proofs[rule.proof]
        claim = render(proof.claim, values)
        if_proven = Harmless(
            rule.verdict,
            judged.reason,
            "" if rule.verdict is Verdict.SAFE else judged.todo,
        )
        judged = replace(
            judged,
            proof=rule.proof,
            args=tuple((name, values[name]) for name in proof.needs),
            claim=claim,
            if_proven=if_proven,
            proof_state=ProofState.NOT_POSSIBLE,
        )
        if rule.unproven is rule.verdict:
            return judged
        return replace(
            judged,
            verdict=rule.unproven,
            reason=f"{_IF[rule.verdict]} if {claim}; this could not be checked.",
            todo=judged.todo or f"Check that {claim}.",
        )

    def _unknown(self, base: JudgedMessage, message: Message) -> JudgedMessage | None:
        """The verdict on a message that no rule matches: never harmless."""
        if message.severity is Severity.NOTICE and message.text.endswith(", skipping"):
            return None
        if message.severity in (Severity.NOTICE, Severity.UNKNOWN):
            said = "\n".join((message.text, message.detail))
            if not is_trouble(said) and not message.strays and not _rated(message):
                return None
        if message.severity is Severity.ORPHAN:
            reason = "The beginning of this message is missing from the log."
            todo = "Read the whole log, or run again and keep the output."
        elif base.object:
            reason = f"No rule matches this message; {base.object} may be missing on the target."
            todo = f"Compare {base.object} on source and target."
        else:
            reason = "No rule matches this message."
            todo = "Read it in its context, and check whether something is missing."
        return replace(base, verdict=Verdict.LOOK, reason=reason, todo=todo)

    def _base(
        self,
        message: Message,
        rule: str,
        *,
        object: str = "",
        counts: bool = False,
        sum: SumCheck | None = None,
    ) -> JudgedMessage:
        return JudgedMessage(
            verdict=Verdict.LOOK,
            rule=rule,
            tool=message.tool,
            method=self._method or "",
            phase=self._phase or "",
            object=object,
            message=message.text,
            reason="",
            todo="",
            detail=message.lines,
            number=message.number,
            severity=message.severity,
            counts_as_error=counts,
            sum=sum,
        )

    def _without_sum(self) -> JudgedMessage:
        seen = self._count.seen
        return JudgedMessage(
            verdict=Verdict.LOOK,
            rule="error-sum-missing",
            tool="pg_restore",
            method=self._method or "",
            phase=self._phase or "",
            object="",
            message=f"{plural(seen, 'error')}, and no line with their number",
            reason="pg_restore ends with the number of errors it ignored; that line is missing, so "
            "the log is truncated or pg_restore did not finish.",
            todo="Find out how pg_restore ended, and run it again.",
            detail=(),
            number=self._parser.number + 1,
            severity=Severity.UNKNOWN,
            counts_as_error=False,
        )


_IF = {Verdict.SAFE: "Safe", Verdict.LATER: "A later step creates it"}
# `Fehler: …`, `erreur : …` of a tool, `FEHLER:  …` of a server with another lc_messages.
_TOOL_RATED = re.compile(r"\S+ ?(?:: |：)|\[[^\]]+\] ")
_SERVER_RATED = re.compile(r"(?:^|\s)[^\W\d_a-z]{2,30} ?[:：]  ")


def _rated(message: Message) -> bool:
    """Whether a line in no known format begins like a severity."""
    if message.severity is not Severity.UNKNOWN:
        return False
    prefixed = not message.lines[0].startswith(message.text)
    return bool(
        _SERVER_RATED.search(message.text) or (prefixed and _TOOL_RATED.match(message.text))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _About:
    """What a message is about: kind for the rules, label for people, name, its table."""

    kind: str = ""
    label: str = ""
    name: str = ""
    table: str = ""
    schema: str = ""
    bare: str = ""
    """The name without the schema."""


def _object(message: Message) -> _About:
    subject, toc = message.subject, message.toc
    table = subject.table if subject else ""
    if toc is not None:
        special = subject is not None and subject.kind in COMMAND_KINDS
        kind = subject.kind if subject is not None and special else toc.kind
        name = toc.name if toc.schema is None else f"{toc.schema}.{toc.name}"
        return _About(
            kind=kind,
            label=toc.label,
            name=name,
            table=table,
            schema=toc.schema or "",
            bare=toc.name,
        )
    if subject is not None:
        name = f"{subject.schema}.{subject.name}" if subject.schema else subject.name
        label = f"{subject.kind} {name}".strip()
        return _About(
            kind=subject.kind,
            label=label,
            name=name,
            table=table,
            schema=subject.schema or "",
            bare=subject.name,
        )
    return _About()


def _of_one_piece(message: Message, groups: Mapping[str, str]) -> bool:
    """Whether the lines of a message certainly belong together: none is missing, none is another
    message's, and the command contains the names in the message."""
    if not message.whole or message.strays or not message.tool:
        return False
    command = message.command.replace('""', '"')
    names = [part for value in groups.values() for part in value.split(".")]
    return not command or all(_stands_in(command, name) for name in names if name)


def _stands_in(command: str, name: str) -> bool:
    """Whether a name is in a command, and not as a part of a longer word."""
    at = command.find(name)
    while at >= 0:
        end = at + len(name)
        if not command[at - 1 : at].isalnum() and not command[end : end + 1].isalnum():
            return True
        at = command.find(name, at + 1)
    return False


def _with_relation(judged: JudgedMessage, named: str, about: _About) -> JudgedMessage:
    """With the table that lost rows, from the message or from its object."""
    if about.kind == "TABLE DATA" and named in ("", about.bare):
        return replace(judged, relation=about.bare, schema=about.schema)
    return replace(judged, relation=named)


def _context(rule: Rule) -> str:
    method = "" if "any" in rule.method else f"the {' or '.join(rule.method)} method"
    phase = "" if "any" in rule.phase else f"the phase {' or '.join(rule.phase)}"
    return ", ".join(part for part in (method, phase) if part)
