"""Entries of a dump's table of contents (TOC), as pg_restore lists them and names them in its log.

An entry reads `6239; 0 0 COMMENT EXTENSION timescaledb `: dump ID, OID of the system catalog, OID
of the object in it, kind, name and owner, each after one space. A kind may hold spaces, so it has
to be known to be told from the name (`PrintTOCSummary` and `warn_or_exit_horribly` in
PostgreSQL's pg_backup_archiver.c).
"""

import re
from dataclasses import dataclass

TOC_KINDS = frozenset(
    """ACCESS METHOD|ACL|ACL LANGUAGE|AGGREGATE|BLOB|BLOB COMMENTS|BLOB METADATA|BLOBS|CAST
    CHECK CONSTRAINT|COLLATION|COMMENT|CONSTRAINT|CONVERSION|DATABASE|DATABASE PROPERTIES|DEFAULT
    DEFAULT ACL|DOMAIN|ENCODING|EVENT TRIGGER|EXTENSION|FK CONSTRAINT|FOREIGN DATA WRAPPER
    FOREIGN SERVER|FOREIGN TABLE|FUNCTION|INDEX|INDEX ATTACH|LARGE OBJECT|MATERIALIZED VIEW
    MATERIALIZED VIEW DATA|OPERATOR|OPERATOR CLASS|OPERATOR FAMILY|POLICY|PROCEDURAL LANGUAGE
    PROCEDURE|PUBLICATION|PUBLICATION TABLE|PUBLICATION TABLES IN SCHEMA|ROW SECURITY|RULE|SCHEMA
    SEARCHPATH|SECURITY LABEL|SEQUENCE|SEQUENCE OWNED BY|SEQUENCE SET|SERVER|SHELL TYPE|STATISTICS
    STATISTICS DATA|STDSTRINGS|SUBSCRIPTION|SUBSCRIPTION TABLE|TABLE|TABLE ATTACH|TABLE DATA
    TEXT SEARCH CONFIGURATION|TEXT SEARCH DICTIONARY|TEXT SEARCH PARSER|TEXT SEARCH TEMPLATE
    TRANSFORM|TRIGGER|TYPE|USER MAPPING|VIEW|WARNING""".replace("\n    ", "|").split("|")
)
"""Kinds that pg_dump 9.6 to 18 write."""

ON_EVENT_TRIGGERS = (
    "EVENT TRIGGER ",
    "COMMENT - EVENT TRIGGER ",
    "SECURITY LABEL - EVENT TRIGGER ",
)
"""How entries of event triggers, and of what is said about them, begin, in `text`."""

_LONGEST = max(kind.count(" ") for kind in TOC_KINDS) + 1
_LINE = re.compile(r"(\d+); (\d+) (\d+) (.*)", re.DOTALL)
_ABOUT_ANOTHER = ("ACL", "COMMENT", "SECURITY LABEL")


@dataclass(frozen=True, slots=True, kw_only=True)
class TocLine:
    """One entry."""

    id: int
    """The dump ID, which `pg_restore --use-list` goes by."""
    catalog: int
    """OID of the system catalog that holds the object on the source; 0 for none."""
    oid: int
    """OID of the object in it; 0 for none."""
    kind: str
    """One of TOC_KINDS, else the first word."""
    rest: str
    """Name and owner, in a list after the schema. The owner may be empty, not its space."""

    @property
    def text(self) -> str:
        """Everything behind the numbers."""
        return f"{self.kind} {self.rest}"

    def __str__(self) -> str:
        return f"{self.id}; {self.catalog} {self.oid} {self.text}"


def parse_toc_line(line: str) -> TocLine | None:
    """The entry in a line of a list, or behind `from TOC entry ` in a log; None for other lines."""
    found = _LINE.fullmatch(line)
    if not found:
        return None
    id, catalog, oid, text = found.groups()
    kind, rest = _split_kind(text)
    return TocLine(id=int(id), catalog=int(catalog), oid=int(oid), kind=kind, rest=rest)


def _split_kind(text: str) -> tuple[str, str]:
    """The longest kind that the text begins with, and what follows it."""
    words = text.split(" ", _LONGEST)
    for count in range(len(words) - 1, 0, -1):
        kind = " ".join(words[:count])
        if kind in TOC_KINDS:
            return kind, text[len(kind) + 1 :]
    return words[0], text[len(words[0]) + 1 :]


def toc_label(kind: str, schema: str, name: str) -> str:
    """Kind and qualified name as a person would say them, e.g. `COMMENT VIEW public.daily`."""
    if kind not in _ABOUT_ANOTHER:
        return f"{kind} {schema}.{name}"
    about, own = _split_kind(name)
    return f"{kind} {about} {schema}.{own}" if own else f"{kind} {schema}.{name}"
