"""Entries of a dump's table of contents, as pg_restore names them in its log.

`pg_restore: from TOC entry 6239; 0 0 COMMENT EXTENSION timescaledb ` is dump id, OID of the
catalog, OID of the object, kind, tag and owner, each after one space, so kind and tag must be
known to be told apart (`warn_or_exit_horribly` in PostgreSQL's pg_backup_archiver.c).
"""

import re
from collections import deque
from dataclasses import dataclass, replace

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

RULE_KINDS = TOC_KINDS | {"OWNER", "SESSION"}
"""What a rule may ask for: TOC kinds, and what only a command tells (`ALTER … OWNER TO`, `SET`)."""

_ENTRY = re.compile(r"from TOC entry (\d+); (\d+) (\d+) (.*)$", re.DOTALL)
_LONGEST_FIRST = sorted(TOC_KINDS, key=len, reverse=True)


@dataclass(frozen=True, slots=True)
class TocEntry:
    """One entry: its dump id, kind, schema (None when the log does not say), name and owner.

    For a constraint or a trigger the name begins with its table's, for an ACL or a comment with
    what it is about (`EXTENSION timescaledb`), as pg_restore prints it.
    """

    id: int
    kind: str
    schema: str | None
    name: str
    owner: str

    @property
    def bare(self) -> str:
        """The object's own name, without its table, its kind of thing or its arguments."""
        return self.name.partition("(")[0].split()[-1]

    @property
    def label(self) -> str:
        """How a person would call it: kind and qualified name."""
        if not self.schema:
            return f"{self.kind} {self.name}"
        if self.kind in ("ACL", "COMMENT", "SECURITY LABEL"):
            thing = next((k for k in _LONGEST_FIRST if self.name.startswith(k + " ")), "COLUMN")
            return f"{self.kind} {thing} {self.schema}.{self.name.removeprefix(thing + ' ')}"
        return f"{self.kind} {self.schema}.{self.name}"


def parse_toc(text: str) -> TocEntry | None:
    """The entry in a `from TOC entry …` line; None when it is cut or of an unknown kind."""
    found = _ENTRY.search(text)
    if not found:
        return None
    rest = found[4]
    for kind in _LONGEST_FIRST:
        if rest.startswith(kind + " "):
            break
    else:
        return None
    name, _, owner = rest[len(kind) + 1 :].rpartition(" ")
    # A cut line has no owner's place at all; "(no owner)" holds a space itself.
    if owner == "owner)" and name.endswith(" (no"):
        name, owner = name.removesuffix(" (no"), ""
    return TocEntry(int(found[1]), kind, None, name, owner) if name else None


class Recent:
    """The last verbose lines that named an object with its schema, to qualify TOC entries.

    `creating INDEX "public.foo_idx"` and `processing data for table "public.foo"` come shortly
    before the errors about them; the TOC line itself has no schema.
    """

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=64)
        self.add = self._lines.append
        """Take a verbose line that names an object."""

    def qualify(self, entry: TocEntry) -> TocEntry:
        """The entry with its schema, when the lines name exactly one."""
        said = "processing data for table" if entry.kind == "TABLE DATA" else "creating"
        kind = "" if entry.kind == "TABLE DATA" else f" {entry.kind}"
        found = {
            line.partition(f'{said}{kind} "')[2].removesuffix(f'.{entry.name}"')
            for line in self._lines
            if f'{said}{kind} "' in line and line.endswith(f'.{entry.name}"')
        }
        if len(found) != 1:
            return entry
        return replace(entry, schema=found.pop())
