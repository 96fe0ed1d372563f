"""The entry of a dump's table of contents that a line of pg_restore's log is about.

`pg_restore: from TOC entry 6239; 0 0 COMMENT EXTENSION timescaledb ` names it without its schema.
"""

from collections import deque
from dataclasses import dataclass, replace

from tswizard.core.classify.command import NOTHING_ADDED
from tswizard.core.db.toc import TOC_KINDS, parse_toc_line, toc_label

COMMAND_KINDS = NOTHING_ADDED | {"OWNER", "SESSION"}
"""What only a command tells, whatever entry it is part of: `ALTER … OWNER TO`, `SET`, `DROP`,
`ALTER TABLE … DISABLE TRIGGER`, `TRUNCATE`."""

RULE_KINDS = TOC_KINDS | COMMAND_KINDS
"""What a rule may ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
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
        return toc_label(self.kind, self.schema, self.name)


def parse_toc(text: str) -> TocEntry | None:
    """The entry in a `from TOC entry …` line; None when it is cut or of an unknown kind."""
    line = parse_toc_line(text.partition("from TOC entry ")[2])
    if line is None or line.kind not in TOC_KINDS:
        return None
    name, _, owner = line.rest.rpartition(" ")
    # A cut line has no owner's place at all; "(no owner)" holds a space itself.
    if owner == "owner)" and name.endswith(" (no"):
        name, owner = name.removesuffix(" (no"), ""
    return (
        TocEntry(id=line.id, kind=line.kind, schema=None, name=name, owner=owner) if name else None
    )


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
