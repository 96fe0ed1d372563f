"""The SQL of a dump's entries, entry by entry, as pg_restore would send it.

pg_restore writes it as a script for psql. `--verbose` puts a header before each entry; between two
of them there is all that pg_restore has for the first, and what it sets for the second.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tswizard.core.db.toc import TocLine
from tswizard.core.dump.dump_output import dump_output
from tswizard.core.dump.toc import write_use_list
from tswizard.core.run.context import Context

_HEADER = re.compile(r"^-- TOC entry (\d+) \(class (\d+) OID (\d+)\)$", re.MULTILINE)
# How the session stands to what is restored. All else (time limits) is set in ours already, or is
# no parameter of this server, as transaction_timeout before PostgreSQL 17.
_SETTING = re.compile(
    r"^SET ((?:standard_conforming_strings|check_function_bodies|xmloption|client_min_messages"
    r"|row_security) = \w+);$",
    re.MULTILINE,
)
_ENCODING = re.compile(r"^SET client_encoding = '([^']*)';$", re.MULTILINE)
_ACCESS_METHOD = re.compile(r"\nSET (default_table_access_method = [^\n]+);\s*\Z")
# psql's guard, which has no meaning to a server; since the releases of August 2025.
_UNRESTRICT = re.compile(r"^\\unrestrict \w+\s*\Z", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class EntryScript:
    """What is sent to a server."""

    settings: tuple[str, ...] = ()
    """`SET LOCAL …` for a transaction with entries."""
    texts: Mapping[int, str] = field(default_factory=dict)
    """ID of an entry -> its statements, each with its semicolon."""


async def read_entry_script(ctx: Context, dump: Path, entries: Sequence[TocLine]) -> EntryScript:
    """The SQL of these entries of a dump, which are in pg_restore's order; without tablespaces.

    Raises StepFailed.
    """
    use_list = ctx.run_folder.path / "at-once.list"
    write_use_list(use_list, entries)
    script = await dump_output(
        ctx.task.tools,
        dump,
        "--verbose",
        "--no-owner",
        "--no-tablespaces",
        f"--use-list={use_list}",
        "--file=-",
    )
    return split_entry_script(script, entries)


def split_entry_script(script: str, entries: Sequence[TocLine]) -> EntryScript:
    """The parts of a script with these entries. Nothing if it is not certain where each begins: a
    function's body may hold lines that look like headers, and in another encoding than UTF-8
    characters may have been lost on the way."""
    headers = list(_HEADER.finditer(script))
    wanted = [(entry.id, entry.catalog, entry.oid) for entry in entries]
    if not headers or [tuple(map(int, header.groups())) for header in headers] != wanted:
        return EntryScript()
    head = script[: headers[0].start()]
    encoding = _ENCODING.search(head)
    if encoding is None or encoding[1] != "UTF8":
        return EntryScript()
    script = _UNRESTRICT.sub("", script)
    method = _ACCESS_METHOD.search(head.removesuffix("--\n"))
    texts: dict[int, str] = {}
    ends = [header.start() for header in headers[1:]] + [len(script)]
    for entry, header, end in zip(entries, headers, ends, strict=True):
        text = script[header.end() : end].removesuffix("--\n")
        texts[entry.id] = f"SET LOCAL {method[1]};\n{text}" if method else text
        method = _ACCESS_METHOD.search(text) or method
    return EntryScript(
        ("SET LOCAL search_path = ''", *(f"SET LOCAL {found}" for found in _SETTING.findall(head))),
        texts,
    )
