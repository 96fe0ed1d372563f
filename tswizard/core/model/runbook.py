"""A migration that a person carries out by hand, without this program: with bash, psql, pg_dump and
pg_restore.

The connections are in the environment, SOURCE and TARGET; nothing here names a server's password.
What the code of a method may call is in `core/runbook/preamble.sh`.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class Language(StrEnum):
    """What a piece of code is written in, and who runs it."""

    SHELL = "bash"
    SOURCE = "SQL on the source"
    TARGET = "SQL on the target"


@dataclass(frozen=True, slots=True)
class Code:
    """Lines to run as they are. Of SQL, psql's own commands (`\\gexec`) may be part."""

    language: Language
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandStep:
    """One step."""

    id: str
    """Lower case, with hyphens: a step of the script is called by it."""
    title: str
    why: str
    """What it does, and why it is here."""
    code: tuple[Code, ...]
    expect: str = ""
    """What is printed, and how to tell that it went well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """All of it, for one database."""

    steps: tuple[HandStep, ...]
    functions: str = ""
    """Functions of bash that several steps call."""
    differences: tuple[str, ...] = ()
    """What comes out otherwise than by this program, a sentence each."""
    before: tuple[str, ...] = ()
    """What a person has to see to before the first step, a sentence each."""


def shell_code(text: str) -> Code:
    return Code(Language.SHELL, text.strip("\n"))


def source_sql(*statements: str) -> Code:
    """Statements without their semicolon."""
    return Code(Language.SOURCE, _sql(statements))


def target_sql(*statements: str) -> Code:
    """Statements without their semicolon."""
    return Code(Language.TARGET, _sql(statements))


_PSQL = re.compile(r"^(--|\\)|\\g(exec|set| /dev/null)$")
"""A comment, psql's own command, or a statement that ends with one: none takes a semicolon."""


def _sql(statements: tuple[str, ...]) -> str:
    texts = (statement.strip() for statement in statements)
    return "\n".join(text if _PSQL.search(text) else f"{text};" for text in texts)
