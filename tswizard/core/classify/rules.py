"""The rules for messages: data (rules.toml), validated when read."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any, Literal, get_args

from psycopg import sql

from tswizard.core.classify.message import Message
from tswizard.core.classify.toc import RULE_KINDS
from tswizard.core.model.answers import MethodName
from tswizard.core.model.verdict import Verdict

RuleTool = Literal["pg_dump", "pg_restore", "psql", "server", "any"]
_SPEAKS_AS = {"pg_dumpall": "pg_dump"} | dict.fromkeys(
    ("vacuumdb", "pgcopydb", "timescaledb-parallel-copy"), "server"
)
"""Tools that run pg_dump, or print what the server says."""
RuleMethod = Literal[MethodName, "any"]
RulePhase = Literal["dump", "pre-data", "catalog", "data", "post-data", "analyze", "any"]
Rated = Literal["error", "warning", "notice", "unknown"]

GIVEN = frozenset(
    ("object", "kind", "name", "bare", "in_schema", "table", "command", "unrestricted", "message")
)
"""Placeholders of a text besides the groups of its pattern: what the message is about (`name` with
its schema, `bare` without), the failed command, and that command without ONLY."""


class BadRules(ValueError):
    """rules.toml is invalid; one sentence that names the rule and what is wrong."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A check that must hold before a message counts as harmless.

    `claim` completes "… if": a clause about one object, with the groups of the rule in braces.
    `on` is the database that is queried.
    """

    name: str
    on: Literal["source", "target", "both"]
    claim: str
    args: tuple[str, ...] = ()
    """Arguments of the check besides the names in its claim."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The names of all its arguments."""
        return tuple(dict.fromkeys((*_names(self.claim), *self.args)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What one message means in one context.

    `pattern` is searched in the primary message; `detail`, `context` and `command`, where given,
    in those parts of it. `kinds` are TOC kinds (see toc.RULE_KINDS), empty for any. `unproven` is
    the verdict when the check named by `proof` could not be made.
    """

    id: str
    tool: tuple[RuleTool, ...]
    pattern: str
    verdict: Verdict
    reason: str
    source: str
    method: tuple[RuleMethod, ...] = ("any",)
    phase: tuple[RulePhase, ...] = ("any",)
    severity: tuple[Rated, ...] = ("error",)
    kinds: tuple[str, ...] = ()
    detail: str = ""
    context: str = ""
    command: str = ""
    todo: str = ""
    proof: str = ""
    unproven: Verdict = Verdict.LOOK
    wins: bool = False
    """Also over a `lost` rule that matches: what failed holds nothing of the user's."""

    @property
    def of_any_text(self) -> bool:
        """Whether its tool alone makes it match: it says nothing of messages of unknown origin."""
        narrowed = self.kinds or self.detail or self.context or self.command
        return not narrowed and self.pattern.startswith("^(?!")

    def in_context(self, method: str | None, phase: str | None) -> bool:
        """Whether it applies to this method and phase; None is unknown and matches all."""
        return (method is None or "any" in self.method or method in self.method) and (
            phase is None or "any" in self.phase or phase in self.phase
        )

    def known_in(self, method: str | None, phase: str | None) -> bool:
        """Whether enough of the context is known for the rule to certainly apply."""
        return ("any" in self.method or method is not None) and (
            "any" in self.phase or phase is not None
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules in their order, compiled."""

    rules: tuple[Rule, ...]
    proofs: Mapping[str, Proof]
    _patterns: Mapping[str, tuple[tuple[str, re.Pattern[str]], ...]] = field(repr=False)
    _for: Mapping[tuple[str, str], tuple[Rule, ...]] = field(repr=False)
    """Rules by tool and severity of a message."""

    def matches(self, message: Message, kind: str) -> Iterator[tuple[Rule, dict[str, str]]]:
        """Every rule that matches a message about an object of this kind, with its groups."""
        for rule in self._rules_for(message.tool, message.severity):
            if rule.kinds and kind not in rule.kinds:
                continue
            groups: dict[str, str] = {}
            for part, pattern in self._patterns[rule.id]:
                found = pattern.search(getattr(message, part))
                if not found:
                    break
                groups |= {name: value or "" for name, value in found.groupdict().items()}
            else:
                yield rule, groups

    def _rules_for(self, tool: str, severity: str) -> tuple[Rule, ...]:
        """For an unknown tool every rule applies; the classifier then calls nothing harmless."""
        tool = _SPEAKS_AS.get(tool, tool)
        if (tool, severity) in self._for:
            return self._for[tool, severity]
        return tuple(
            rule for rule in self.rules if severity in rule.severity and not rule.of_any_text
        )


def render(template: str, values: Mapping[str, str]) -> str:
    """The text of a rule with its values filled in; `{x:ident}` is x as an SQL identifier."""
    return _TEXTS.vformat(template, (), values)


class _Texts(Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        return sql.Identifier(value).as_string(None) if format_spec == "ident" else str(value)


_TEXTS = _Texts()


@cache
def default_rules() -> Rules:
    """The rules that come with the program."""
    return load(Path(__file__).with_name("rules.toml"))


def load(path: Path) -> Rules:
    """Read rules from a TOML file. Raises BadRules."""
    # Not needed before the first message, and slow to import.
    from pydantic import TypeAdapter, ValidationError

    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BadRules(f"{path.name} cannot be read: {error}.") from None
    unknown = set(raw) - {"rule", "proof"}
    if unknown:
        raise BadRules(f"{path.name}: unknown table [{min(unknown)}]; only rule and proof exist.")
    proofs: dict[str, Proof] = {}
    rules: list[Rule] = []
    one_proof, one_rule = TypeAdapter(Proof), TypeAdapter(Rule)
    for name, table in raw.get("proof", {}).items():
        try:
            _no_extras(table, Proof, f"proof {name}", path)
            values = {key: _as_tuple(key, value) for key, value in table.items()}
            proofs[name] = one_proof.validate_python({"name": name, **values})
        except ValidationError as error:
            raise BadRules(_first(error, f"proof {name}", path)) from None
    for number, table in enumerate(raw.get("rule", []), 1):
        label = f"rule {table.get('id', f'number {number}')}"
        try:
            _no_extras(table, Rule, label, path)
            rules.append(one_rule.validate_python({k: _as_tuple(k, v) for k, v in table.items()}))
        except ValidationError as error:
            raise BadRules(_first(error, label, path)) from None
    return _checked(rules, proofs, path.name)


_LISTS = ("tool", "method", "phase", "severity", "kinds", "args")


def _as_tuple(key: str, value: Any) -> Any:
    return (value,) if key in _LISTS and isinstance(value, str) else value


def _no_extras(table: Mapping[str, Any], cls: type, label: str, path: Path) -> None:
    extra = set(table) - set(cls.__dataclass_fields__)  # type: ignore[attr-defined]
    if extra:
        raise BadRules(f"{path.name}, {label}: there is no key {min(extra)!r}.")


def _first(error: Any, label: str, path: Path) -> str:
    fault = error.errors()[0]
    where = str(fault["loc"][0]) if fault["loc"] else "it"
    return f"{path.name}, {label}: {where}: {fault['msg']}."


def _checked(rules: list[Rule], proofs: dict[str, Proof], name: str) -> Rules:
    """The rules, if all are valid. Raises BadRules for the first that is not."""
    patterns: dict[str, tuple[tuple[str, re.Pattern[str]], ...]] = {}
    for rule in rules:
        if rule.id in patterns:
            raise BadRules(f"{name}, rule {rule.id}: this id is there twice.")
        try:
            patterns[rule.id] = tuple(_compile(rule))
        except re.error as error:
            raise BadRules(f"{name}, rule {rule.id}: bad pattern: {error}.") from None
        groups = {group for _, pattern in patterns[rule.id] for group in pattern.groupindex}
        if fault := _fault(rule, groups, proofs):
            raise BadRules(f"{name}, rule {rule.id}: {fault}.")
    by_speaker = {
        (tool, severity): tuple(
            rule
            for rule in rules
            if severity in rule.severity and ("any" in rule.tool or tool in rule.tool)
        )
        for tool in get_args(RuleTool)
        for severity in get_args(Rated)
    }
    return Rules(tuple(rules), proofs, patterns, by_speaker)


def _compile(rule: Rule) -> Iterator[tuple[str, re.Pattern[str]]]:
    yield "text", re.compile(rule.pattern)
    for part in ("detail", "context", "command"):
        if text := getattr(rule, part):
            yield part, re.compile(text)


def _fault(rule: Rule, groups: set[str], proofs: Mapping[str, Proof]) -> str:
    if rule.verdict.explained and not (rule.pattern.startswith("^") and rule.pattern.endswith("$")):
        return "a safe or later rule must match the whole sentence (^…$)"
    if strange := set(rule.kinds) - RULE_KINDS:
        return f"{min(strange)!r} is no kind of TOC entry"
    if rule.wins and rule.verdict is not Verdict.LOOK:
        return "only a look rule wins over lost ones"
    if rule.proof and rule.proof not in proofs:
        return f"there is no proof {rule.proof!r}"
    if rule.proof and not rule.verdict.explained:
        return "a look or lost verdict needs no proof"
    if not rule.reason or not rule.source:
        return "reason and source must say something"
    texts = {text: text for text in (rule.reason, rule.todo)}
    if rule.proof:
        texts["{" + "}{".join(proofs[rule.proof].needs) + "}"] = f"proof {rule.proof}"
    for text, label in texts.items():
        try:
            used = set(_names(text))
        except ValueError as error:
            return f"bad braces in {label!r}: {error}"
        if wrong := used - groups - GIVEN:
            return f"{{{min(wrong)}}} in {label!r} is no group of its pattern"
    return ""


def _names(template: str) -> list[str]:
    """The names in braces in a text. Raises ValueError for bad braces."""
    return [name for _, name, _, _ in Formatter().parse(template) if name is not None]
