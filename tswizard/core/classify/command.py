"""The SQL behind `Command was:`: where it ends, and what object it is about."""

import re
from dataclasses import dataclass

_NAME = r'(?:"(?:[^"]|"")*"|[\w$]+)'
_QUALIFIED = rf"(?:(?P<schema>{_NAME})\.)?(?P<name>{_NAME})"
_OPENING = re.compile(r"""([eE]?'|")|(\$(?:[^\W\d]\w*)?\$)|(--)|(/\*)""")
_ESCAPED_END = re.compile(r"\\.|'")
_STATEMENT = re.compile(
    r"(?:ALTER|ANALYZE|COMMENT|COPY|CREATE|DROP|GRANT|INSERT|REFRESH|RESET|REVOKE|SECURITY|SELECT"
    r"|SET|TRUNCATE|UPDATE|--)\b"
)


def starts_statement(line: str) -> bool:
    """Whether a line begins like a statement of a dump."""
    return _STATEMENT.match(line) is not None


class Statements:
    """Follows SQL line by line far enough to know whether a statement is still open.

    Function bodies hold blank lines, semicolons and text that looks like a log, so neither tells
    by itself that a command is over.
    """

    def __init__(self) -> None:
        self._inside = ""
        self._done = False

    def add(self, line: str) -> None:
        """Take the next line of the command."""
        at = 0
        while at < len(line):
            at = self._close(line, at) if self._inside else self._open(line, at)
        if not self._inside and line.strip():
            self._done = line.rstrip().endswith(";")

    @property
    def complete(self) -> bool:
        """Whether the last statement is complete."""
        return self._done and not self._inside

    def continues(self, line: str) -> bool:
        """Whether this line can belong to the command."""
        if self._inside or not self._done or not line.strip():
            return True
        return starts_statement(line)

    def _open(self, line: str, at: int) -> int:
        found = _OPENING.search(line, at)
        if not found or found[3]:
            return len(line)
        self._inside = found[0]
        return found.end()

    def _close(self, line: str, at: int) -> int:
        if self._inside in ("e'", "E'"):
            found = _ESCAPED_END.search(line, at)
            if not found:
                return len(line)
            if found[0] == "'":
                self._inside = ""
            return found.end()
        end = "*/" if self._inside == "/*" else self._inside
        place = line.find(end, at)
        if place < 0:
            return len(line)
        self._inside = ""
        return place + len(end)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a command is about: a kind as in the TOC (or of RULE_KINDS besides), and a name."""

    kind: str
    schema: str | None
    name: str
    table: str = ""
    """The table of an index, a constraint or a trigger, as written in the SQL."""


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text.replace(" ", r"\s+").replace("{q}", _QUALIFIED).replace("{n}", _NAME))


NOTHING_ADDED = frozenset({"DROP", "TRIGGER STATE", "TRIGGER FIRING", "TRUNCATE"})
"""Kinds of commands that add nothing to the database: a refused one leaves nothing missing."""

_TABLE = rf"(?P<table>(?:{_NAME}\.)?{_NAME})"
# In order: the first match names the kind.
_SUBJECTS = tuple(
    (kind, _pattern(pattern))
    for kind, pattern in (
        ("DROP", r"DROP [A-Z ]+? (?:CONCURRENTLY )?(?:IF EXISTS )?{q}"),
        (
            "DROP",
            r"ALTER (?:FOREIGN )?TABLE (?:IF EXISTS )?(?:ONLY )?"
            + _TABLE
            + r" DROP (?:CONSTRAINT |COLUMN )?(?:IF EXISTS )?(?P<name>{n})",
        ),
        (
            "DROP",
            r"ALTER [A-Z ]+? (?:IF EXISTS )?(?:ONLY )?{q} (?:ALTER (?:COLUMN )?{n} )?DROP ",
        ),
        (
            "TRIGGER STATE",
            r"ALTER TABLE (?:IF EXISTS )?(?:ONLY )?{q} (?:DISABLE|ENABLE) TRIGGER (?:ALL|USER)\b",
        ),
        (
            "TRIGGER FIRING",
            r"ALTER TABLE (?:IF EXISTS )?(?:ONLY )?{q} (?:DISABLE|ENABLE) "
            r"(?:(?:ALWAYS|REPLICA) )?(?:TRIGGER|RULE) ",
        ),
        ("COMMENT", r"COMMENT ON [A-Z ]+? {q}"),
        (
            "INDEX",
            r"CREATE (?:UNIQUE )?INDEX (?:CONCURRENTLY )?(?:IF NOT EXISTS )?{q} ON (?:ONLY )?"
            + _TABLE,
        ),
        ("MATERIALIZED VIEW", r"CREATE MATERIALIZED VIEW (?:IF NOT EXISTS )?{q}"),
        ("VIEW", r"CREATE (?:OR REPLACE )?(?:TEMPORARY )?(?:RECURSIVE )?VIEW {q}"),
        ("EVENT TRIGGER", r"CREATE EVENT TRIGGER {q}"),
        ("TRIGGER", r"CREATE (?:OR REPLACE )?(?:CONSTRAINT )?TRIGGER {q} [^;]*? ON " + _TABLE),
        ("RULE", r"CREATE (?:OR REPLACE )?RULE {q} "),
        ("FOREIGN TABLE", r"CREATE FOREIGN TABLE {q}"),
        ("TABLE", r"CREATE (?:UNLOGGED )?TABLE (?:IF NOT EXISTS )?{q}"),
        ("SEQUENCE", r"CREATE (?:UNLOGGED )?SEQUENCE {q}"),
        ("FUNCTION", r"CREATE (?:OR REPLACE )?FUNCTION {q}"),
        ("PROCEDURE", r"CREATE (?:OR REPLACE )?PROCEDURE {q}"),
        ("AGGREGATE", r"CREATE (?:OR REPLACE )?AGGREGATE {q}"),
        ("SCHEMA", r"CREATE SCHEMA (?:IF NOT EXISTS )?{q}"),
        ("EXTENSION", r"CREATE EXTENSION (?:IF NOT EXISTS )?{q}"),
        ("TYPE", r"CREATE TYPE {q}"),
        ("DOMAIN", r"CREATE DOMAIN {q}"),
        ("POLICY", r"CREATE POLICY {q} ON " + _TABLE),
        ("PUBLICATION", r"CREATE PUBLICATION {q}"),
        ("SUBSCRIPTION", r"CREATE SUBSCRIPTION {q}"),
        ("STATISTICS", r"CREATE STATISTICS {q}"),
        ("USER MAPPING", r"CREATE USER MAPPING FOR {q}"),
        ("SERVER", r"CREATE SERVER {q}"),
        ("FOREIGN DATA WRAPPER", r"CREATE FOREIGN DATA WRAPPER {q}"),
        ("DEFAULT ACL", r"ALTER DEFAULT PRIVILEGES"),
        ("ACL", r"(?:GRANT|REVOKE) [^;]*? ON (?:[A-Z ]+? )?{q}(?:\([^)]*\))? (?:TO|FROM) "),
        ("ACL", r"(?:GRANT|REVOKE) "),
        ("SEQUENCE SET", r"SELECT pg_catalog\.setval\('(?P<name>[^']+)'"),
        ("SESSION", r"SET (?P<name>\w+) = "),
        ("SESSION", r"SELECT pg_catalog\.set_config\('(?P<name>\w+)'"),
        ("TABLE DATA", r"(?:COPY|copy) {q}"),
        ("TABLE DATA", r"INSERT INTO {q}"),
        ("TRUNCATE", r"TRUNCATE (?:TABLE )?(?:ONLY )?{q}"),
        ("MATERIALIZED VIEW DATA", r"REFRESH MATERIALIZED VIEW {q}"),
        ("SEQUENCE OWNED BY", r"ALTER SEQUENCE {q} OWNED BY"),
        ("OWNER", r"ALTER [A-Z ]+? (?:ONLY )?{q}[^;]* OWNER TO "),
        ("INDEX ATTACH", r"ALTER INDEX {q} ATTACH PARTITION"),
        (
            "FK CONSTRAINT",
            r"ALTER TABLE (?:ONLY )?" + _TABLE + r" ADD CONSTRAINT (?P<name>{n}) FOREIGN KEY",
        ),
        (
            "CHECK CONSTRAINT",
            r"ALTER TABLE (?:ONLY )?" + _TABLE + r" ADD CONSTRAINT (?P<name>{n}) CHECK",
        ),
        ("CONSTRAINT", r"ALTER TABLE (?:ONLY )?" + _TABLE + r" ADD CONSTRAINT (?P<name>{n}) "),
        ("TABLE ATTACH", r"ALTER TABLE (?:ONLY )?{q} ATTACH PARTITION"),
        ("ROW SECURITY", r"ALTER TABLE (?:ONLY )?{q} (?:ENABLE|FORCE) ROW LEVEL SECURITY"),
        ("DEFAULT", r"ALTER TABLE (?:ONLY )?{q} ALTER COLUMN {n} SET DEFAULT"),
        ("SEQUENCE", r"ALTER TABLE (?:ONLY )?{q} ALTER COLUMN {n} ADD GENERATED"),
    )
)


def subject(command: str) -> Subject | None:
    """What a command is about; None when unknown."""
    head = command[:4000].lstrip()
    for kind, pattern in _SUBJECTS:
        found = pattern.match(head)
        if found:
            groups = found.groupdict()
            schema = groups.get("schema")
            return Subject(
                kind,
                _unquoted(schema) if schema else None,
                _unquoted(groups.get("name") or ""),
                groups.get("table") or "",
            )
    return None


def belongs(about: Subject, kind: str, tag: str) -> bool:
    """Whether a command about this can be part of a TOC entry of that kind and tag.

    A tag is a name, with the table before it (constraints, triggers, defaults) or the kind of
    thing (`TABLE t` of an ACL, `COLUMN t.c` of a comment), or a function's signature.
    """
    if about.kind in NOTHING_ADDED:
        # pg_restore --clean drops, --disable-triggers switches: in entries of any kind.
        name = about.name or about.table.rpartition(".")[2].strip('"')
        return not name or _names(tag, name)
    if about.kind != "OWNER" and about.kind != kind and (about.kind, kind) not in _ALSO:
        return False
    name = about.name.rpartition(".")[2].strip('"') if kind == "SEQUENCE SET" else about.name
    return not name or _names(tag, name)


def _names(tag: str, name: str) -> bool:
    """Whether a name stands in a tag by itself."""
    at = tag.find(name)
    while at >= 0:
        if (not at or tag[at - 1] in " .") and tag[at + len(name) :][:1] in ("", " ", ".", "("):
            return True
        at = tag.find(name, at + 1)
    return False


# pg_dump writes these as part of entries of another kind.
_ALSO = frozenset(
    {
        ("VIEW", "RULE"),
        ("ACL", "DEFAULT ACL"),
        ("ACL", "ACL LANGUAGE"),
        ("TABLE DATA", "TABLE"),
        ("SEQUENCE", "TABLE"),
        ("STATISTICS", "STATISTICS DATA"),
        ("DEFAULT", "TABLE"),
        ("FOREIGN TABLE", "TABLE"),
        ("SERVER", "FOREIGN SERVER"),
        ("TYPE", "SHELL TYPE"),
        ("INDEX", "CONSTRAINT"),
        ("CONSTRAINT", "CHECK CONSTRAINT"),
    }
)


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
