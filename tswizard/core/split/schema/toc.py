"""A dump's table of contents: entries with what they depend on, lists for `pg_restore -L`.

`pg_restore --list --verbose` prints each entry with the catalog's and the object's OID on the
source and the entries that it depends on, so nothing has to be guessed from names
(`PrintTOCSummary` in PostgreSQL's pg_backup_archiver.c). Verbose lists ignore `--section`, hence
one call for each section.
"""

import asyncio
import re
import subprocess
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tswizard.core.classify.toc import TOC_KINDS
from tswizard.core.db.client_tools import ClientTools
from tswizard.core.run.context import failed

PRE, POST = "pre-data", "post-data"

# OIDs of system catalogs: fixed since they were made (src/include/catalog/*.h).
CLASS, CONSTRAINT, TRIGGER, RULE = 1259, 2606, 2620, 2618
POLICY, STATISTICS, EVENT_TRIGGER = 3256, 3381, 3466

_ENTRY = re.compile(r"^(\d+); (\d+) (\d+) (.*)$")
_DEPENDS = re.compile(r"^;\s+depends on:((?: \d+)+)$")
_LONGEST_FIRST = sorted(TOC_KINDS, key=len, reverse=True)
_ABOUT_ANOTHER = ("ACL", "COMMENT", "SECURITY LABEL")


@dataclass(frozen=True, slots=True)
class DumpEntry:
    """One entry. `catalog` and `oid` name the object on the source; 0 where there is none."""

    id: int
    catalog: int
    oid: int
    kind: str
    words: str
    """Schema, name and owner as pg_restore lists them, with spaces in between."""
    section: str
    """`pre-data` or `post-data`; empty for what no section holds."""
    needs: frozenset[int]
    """Ids of entries that it depends on."""

    def label(self, schemas: Collection[str] = ()) -> str:
        """Kind and name as a person would say it; schemas are what can stand before a name."""
        name = self.words.rpartition(" ")[0]  # the owner may be empty, its place is there
        for schema in sorted(schemas, key=len, reverse=True):
            if name.startswith(f"{schema} "):
                rest = name.removeprefix(f"{schema} ")
                about = next((k for k in _LONGEST_FIRST if rest.startswith(f"{k} ")), "")
                if self.kind in _ABOUT_ANOTHER and about:
                    return f"{self.kind} {about} {schema}.{rest.removeprefix(about + ' ')}"
                return f"{self.kind} {schema}.{rest}"
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

    def below(self, ids: Iterable[int]) -> frozenset[int]:
        """Everything that these entries need, through any number of steps."""
        found: set[int] = set()
        todo = list(ids)
        while todo:
            entry = self.by_id.get(todo.pop())
            new = entry.needs - found if entry else ()
            found |= set(new)
            todo += new
        return frozenset(found)


def parse_toc_lists(verbose: str, sections: Mapping[str, str]) -> Toc:
    """The TOC from a verbose list, and from a plain list for each section."""
    section_of = {
        int(found[1]): name
        for name, text in sections.items()
        for found in map(_ENTRY.match, text.splitlines())
        if found
    }
    # Entries of no section (encoding, search_path) are in every list.
    shared = set.intersection(*(_ids(text) for text in sections.values()))
    entries: list[DumpEntry] = []
    for line in verbose.splitlines():
        if depends := _DEPENDS.match(line):
            last = entries.pop()
            needs = frozenset(map(int, depends[1].split()))
            entries.append(
                DumpEntry(
                    last.id, last.catalog, last.oid, last.kind, last.words, last.section, needs
                )
            )
        elif found := _ENTRY.match(line):
            id = int(found[1])
            kind, words = _kind(found[4])
            section = "" if id in shared else section_of.get(id, "")
            entries.append(
                DumpEntry(id, int(found[2]), int(found[3]), kind, words, section, frozenset())
            )
    return Toc(tuple(entries))


def _ids(text: str) -> set[int]:
    return {int(found[1]) for found in map(_ENTRY.match, text.splitlines()) if found}


def _kind(text: str) -> tuple[str, str]:
    kind = next((k for k in _LONGEST_FIRST if text.startswith(f"{k} ")), "")
    return kind or text.partition(" ")[0], text.removeprefix(kind).removeprefix(" ")


async def read_toc(tools: ClientTools, dump: Path) -> Toc:
    """Read a dump's TOC. Raises StepFailed when the dump cannot be read."""
    verbose = await pg_restore_output(tools, dump, "--list", "--verbose")
    sections = {
        name: await pg_restore_output(tools, dump, "--list", f"--section={name}")
        for name in (PRE, POST)
    }
    return parse_toc_lists(verbose, sections)


async def pg_restore_output(tools: ClientTools, dump: Path, *args: str) -> str:
    """What pg_restore prints about a dump, without any server. Raises StepFailed."""
    done = await asyncio.to_thread(_capture, [str(tools.pg_restore), *args, str(dump)])
    if done.returncode != 0:
        raise failed(
            "dump-unreadable",
            f"The dump cannot be read: {done.stderr.strip()}",
            where=str(dump),
            todo="Remove that file and resume; the schema is then dumped again.",
        )
    return done.stdout


def _capture(argv: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        argv,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        stdin=subprocess.DEVNULL,
    )


def write_use_list(
    path: Path, entries: Iterable[DumpEntry], why: Mapping[int, str] | None = None
) -> None:
    """A list for `pg_restore -L`: ids count, the rest is for people; `why` stands behind it."""
    lines = []
    for entry in entries:
        reason = (why or {}).get(entry.id, "")
        lines.append(f"{entry.id}; {entry.catalog} {entry.oid} {entry.kind} {entry.words}")
        if reason:
            lines.append(f";   {reason}")
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
