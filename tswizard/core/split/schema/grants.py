"""Grants that name a role which the target lacks: taken out, kept in a file, the rest given.

pg_restore sends all grants of an object as one statement, so one missing role would take the
others' grants with it. Roles belong to the server and may have passwords: they are never made
here, only named.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from psycopg import Error, sql

from tswizard.core.db.connection import Connection, rows
from tswizard.core.model.finding import Finding, Level
from tswizard.core.run.context import Context
from tswizard.core.split.schema.dump import schema_dump_path
from tswizard.core.split.schema.execute import identifier, refusal, run_statements
from tswizard.core.split.schema.target_session import schema_session
from tswizard.core.split.schema.toc import DumpEntry, pg_restore_output, write_use_list

KINDS_NAMING_ROLES = ("ACL", "DEFAULT ACL", "POLICY")
"""Entries that name roles."""

_HEADER = re.compile(r"^-- TOC entry (\d+) \(class \d+ OID \d+\)$", re.MULTILINE)
_PLAIN = re.compile(r"^[a-z_][a-z0-9_]*$")
_ROLES = "SELECT rolname::text FROM pg_catalog.pg_roles"


@dataclass(frozen=True, slots=True)
class WithheldGrants:
    """What pg_restore must not be given, because it names a missing role."""

    ids: frozenset[int] = frozenset()
    give: tuple[tuple[str, ...], ...] = ()
    """Statements of these entries for roles that are there, entry by entry."""
    keep: tuple[str, ...] = ()
    """Statements that wait for a role."""
    roles: tuple[str, ...] = ()


async def missing_roles(target: Connection, needed: Iterable[str]) -> tuple[str, ...]:
    """Roles that own or are granted something on the source and are not on the target."""
    there = {name for (name,) in await rows(target, _ROLES)}
    return tuple(sorted(set(needed) - there))


async def withhold(
    ctx: Context, entries: Iterable[DumpEntry], missing: Collection[str]
) -> WithheldGrants:
    """Of these entries, those that name a missing role, and what becomes of them."""
    candidates = [entry for entry in entries if entry.kind in KINDS_NAMING_ROLES]
    if not candidates or not missing:
        return WithheldGrants()
    dump = schema_dump_path(ctx.task)
    chosen = dump.with_name("grants.list")
    write_use_list(chosen, candidates)
    script = await pg_restore_output(
        ctx.task.tools, dump, "--verbose", "--no-owner", f"--use-list={chosen}", "--file=-"
    )
    return split_by_role(statements_by_entry(script), missing)


def statements_by_entry(script: str) -> dict[int, tuple[str, ...]]:
    """Statements of each entry in a verbose script, by the entry's id."""
    headers = list(_HEADER.finditer(script))
    ends = [header.start() for header in headers[1:]] + [len(script)]
    return {
        int(header[1]): split_statements(script[header.end() : end])
        for header, end in zip(headers, ends, strict=True)
    }


def split_statements(text: str) -> tuple[str, ...]:
    """The statements of an entry that holds grants or a policy: each ends with its line, outside
    of quotes."""
    found: list[str] = []
    open_lines: list[str] = []
    for line in text.splitlines():
        if not open_lines and (not line.strip() or line.startswith(("--", "\\"))):
            continue
        open_lines.append(line)
        whole = "\n".join(open_lines)
        if line.endswith(";") and whole.count("'") % 2 == 0 and whole.count('"') % 2 == 0:
            found.append(whole.removesuffix(";"))
            open_lines = []
    return tuple(found)


def split_by_role(found: Mapping[int, tuple[str, ...]], missing: Collection[str]) -> WithheldGrants:
    """Entries that name a missing role, statement by statement."""
    ids, give, keep, roles = set(), [], [], set()
    for id, texts in found.items():
        named = {role for role in missing if any(names_role(text, role) for text in texts)}
        if not named:
            continue
        ids.add(id)
        roles |= named
        waiting = [text for text in texts if any(names_role(text, role) for role in named)]
        keep += waiting
        if rest := tuple(text for text in texts if text not in waiting):
            give.append(rest)
    return WithheldGrants(frozenset(ids), tuple(give), tuple(keep), tuple(sorted(roles)))


def names_role(statement: str, role: str) -> bool:
    """Does a grant, a default privilege or a policy name this role?

    Roles stand after TO, FROM, FOR ROLE or AUTHORIZATION, each quoted as pg_dump quotes.
    """
    quoted = identifier(role)
    forms = {quoted, role} if _PLAIN.match(role) else {quoted}
    word = "|".join(map(re.escape, forms))
    pattern = rf"\b(?:TO|FROM|FOR ROLE|AUTHORIZATION)\s+(?:[^\s,]+,\s*)*(?:{word})(?![\w\"$.])"
    return bool(re.search(pattern, statement))


async def apply_grants(ctx: Context, withheld: WithheldGrants, part: str) -> None:
    """Give what can be given, keep the rest in a file beside the run's record and name it."""
    if not withheld.ids:
        return
    refused: list[str] = []
    async with schema_session(ctx) as target:
        for texts in withheld.give:
            try:
                await run_statements(ctx, target, *texts)
            except Error as error:
                refused.append(f"{texts[0]}: {refusal(error)}")
    path = ctx.run_folder.path / f"grants-{part}.sql"
    path.write_text("".join(f"{text};\n" for text in withheld.keep), encoding="utf-8")
    ctx.found(_finding(withheld, path, ctx.task.target.label))
    if refused:
        ctx.found(
            Finding(
                Level.LOOK,
                "grants-refused",
                f"Grants of {len(refused)} objects were refused by the target.",
                where=ctx.task.target.label,
                todo="Give them as a role that may.",
                details=tuple(refused),
            )
        )


def create_roles(roles: Iterable[str]) -> str:
    """SQL that makes roles that nobody can log in as; whoever needs a login gives a password."""
    return " ".join(
        sql.SQL("CREATE ROLE {} NOLOGIN;").format(sql.Identifier(role)).as_string(None)
        for role in roles
    )


def _finding(withheld: WithheldGrants, path: Path, where: str) -> Finding:
    count = len(withheld.keep)
    return Finding(
        Level.LOOK,
        "grants-without-role",
        f"{count} grants or policies name roles that the target lacks: "
        f"{', '.join(withheld.roles)}.",
        where=where,
        why="Roles belong to the server, not to a database, so no dump holds them.",
        todo=f"On the target: {create_roles(withheld.roles)} Then run the statements: "
        f"psql -d … -f {path}",
        details=withheld.keep,
    )
