"""The table of contents (TOC) of a dump: its entries, what each depends on, and lists
for `pg_restore --use-list`.

`pg_restore --list --verbose` prints each entry with the OID of its object on the source and the
entries that it depends on, so nothing has to be guessed from names (`PrintTOCSummary` in
PostgreSQL's pg_backup_archiver.c). Verbose lists ignore `--section`, hence one call per section.
"""

import asyncio
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tswizard.core.db.client_tools import ClientTools
from tswizard.core.db.toc import ON_EVENT_TRIGGERS, TocLine, parse_toc_line, toc_label
from tswizard.core.dump.dump_output import dump_output

PRE, POST = "pre-data", "post-data"

# OIDs of system catalogs, which never change (src/include/catalog/*.h).
PG_CLASS, PG_CONSTRAINT, PG_EXTENSION = 1259, 2606, 3079
PG_TRIGGER, PG_REWRITE, PG_POLICY = 2620, 2618, 3256
PG_STATISTIC_EXT, PG_EVENT_TRIGGER = 3381, 3466

_DEPENDS = re.compile(r"^;\s+depends on:((?: \d+)+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class DumpEntry(TocLine):
    """One entry of a dump."""

    section: str
    """`pre-data` or `post-data`; empty for what belongs to no section."""
    depends_on: frozenset[int] = frozenset()
    """IDs of other entries."""

    @property
    def is_grant(self) -> bool:
        """Privileges of an object, or default privileges."""
        return self.kind in ("ACL", "ACL LANGUAGE", "DEFAULT ACL")

    def label(self, schemas: Collection[str] = ()) -> str:
        """Kind and name as a person would say them; `schemas` are those a name may start with."""
        name = self.rest.rpartition(" ")[0]
        for schema in sorted(schemas, key=len, reverse=True):
            if name.startswith(f"{schema} "):
                return toc_label(self.kind, schema, name.removeprefix(f"{schema} "))
        return f"{self.kind} {name.removeprefix('- ')}"


@dataclass(frozen=True)
class Toc:
    """All entries in the order in which they are restored."""

    entries: tuple[DumpEntry, ...]

    @cached_property
    def by_id(self) -> Mapping[int, DumpEntry]:
        return {entry.id: entry for entry in self.entries}

    def section(self, name: str) -> tuple[DumpEntry, ...]:
        return tuple(entry for entry in self.entries if entry.section == name)

    def find(self, catalog: int, oid: int) -> DumpEntry | None:
        """The entry of an object of the source."""
        return next((e for e in self.entries if (e.catalog, e.oid) == (catalog, oid)), None)

    def dependencies(self, ids: Iterable[int]) -> frozenset[int]:
        """Everything that these entries depend on, directly or not."""
        found: set[int] = set()
        todo = list(ids)
        while todo:
            entry = self.by_id.get(todo.pop())
            new = entry.depends_on - found if entry else ()
            found |= set(new)
            todo += new
        return frozenset(found)


def parse_toc_lists(verbose: str, sections: Mapping[str, str]) -> Toc:
    """The TOC from a verbose list, and from a plain list of each section."""
    ids = {name: {line.id for line in _lines(text)} for name, text in sections.items()}
    # Entries of no section (encoding, search_path) are in every list.
    shared = set.intersection(*ids.values())
    section_of = {id: name for name, own in ids.items() for id in own - shared}
    depends_on: dict[int, frozenset[int]] = {}
    lines: list[TocLine] = []
    for text in verbose.splitlines():
        if depends := _DEPENDS.match(text):
            depends_on[lines[-1].id] = frozenset(map(int, depends[1].split()))
        elif line := parse_toc_line(text):
            lines.append(line)
    return Toc(
        tuple(
            DumpEntry(
                id=line.id,
                catalog=line.catalog,
                oid=line.oid,
                kind=line.kind,
                rest=line.rest,
                section=section_of.get(line.id, ""),
                depends_on=depends_on.get(line.id, frozenset()),
            )
            for line in lines
        )
    )


def _lines(text: str) -> Iterable[TocLine]:
    return filter(None, map(parse_toc_line, text.splitlines()))


async def read_toc(tools: ClientTools, dump: Path) -> Toc:
    """Read a dump's TOC. Raises StepFailed when the dump cannot be read."""
    verbose, pre, post = await asyncio.gather(
        dump_output(tools, dump, "--list", "--verbose"),
        dump_output(tools, dump, "--list", f"--section={PRE}"),
        dump_output(tools, dump, "--list", f"--section={POST}"),
    )
    return parse_toc_lists(verbose, {PRE: pre, POST: post})


def in_order_of_restore(entries: Sequence[DumpEntry]) -> list[DumpEntry]:
    """As pg_restore goes through them: grants behind everything else, event triggers last
    (`_tocEntryRestorePass` in PostgreSQL's pg_backup_archiver.c)."""

    def turn(entry: DumpEntry) -> int:
        if entry.is_grant:
            return 1
        return 2 if entry.text.startswith(ON_EVENT_TRIGGERS) else 0

    return sorted(entries, key=turn)


def write_use_list(
    path: Path, entries: Iterable[TocLine], reasons: Mapping[int, str] | None = None
) -> None:
    """A file for `pg_restore --use-list`. Only IDs count; names and reasons are for people."""
    lines = []
    for entry in entries:
        lines.append(f"{entry}\n")
        if reason := (reasons or {}).get(entry.id):
            lines.append(f";   {reason}\n")
    path.write_text("".join(lines), encoding="utf-8")
