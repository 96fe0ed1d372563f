"""Grants, default privileges and policies that name a role which the target lacks.

pg_restore sends all grants on an object as one statement, so one missing role would cost the other
roles theirs. So these entries are withheld from it: grants to existing roles are applied by
statements, the rest is kept in a file. Roles belong to the server and may have passwords: they are
named, never created here.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tswizard.core.catalog.roles import role_statements
from tswizard.core.db.identifiers import identifier
from tswizard.core.dump.dump_output import dump_output
from tswizard.core.dump.toc import DumpEntry, write_use_list
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.plan import Task
from tswizard.core.model.wording import plural
from tswizard.core.run.context import Context
from tswizard.core.split.schema.dump import schema_dump_path
from tswizard.core.split.schema.execute import Change, run_changes
from tswizard.core.split.schema.target_session import schema_session

KINDS_NAMING_ROLES = ("ACL", "DEFAULT ACL", "POLICY")

_HEADER = re.compile(r"^-- TOC entry (\d+) \(class \d+ OID \d+\)$", re.MULTILINE)
_NEEDS_NO_QUOTES = re.compile(r"^[a-z_][a-z0-9_]*$")


@dataclass(frozen=True, slots=True)
class WithheldGrants:
    """Entries that pg_restore must not be given, because they name a missing role."""

    ids: frozenset[int] = frozenset()
    applicable: tuple[tuple[str, ...], ...] = ()
    """Their statements for existing roles, by entry."""
    pending: tuple[str, ...] = ()
    """Their statements that name a missing role."""
    roles: tuple[str, ...] = ()
    """The missing roles."""


async def withhold_grants(
    ctx: Context, entries: Iterable[DumpEntry], missing: Collection[str]
) -> WithheldGrants:
    """Those of these entries that name a missing role. Raises StepFailed."""
    candidates = [entry for entry in entries if entry.kind in KINDS_NAMING_ROLES]
    if not candidates or not missing:
        return WithheldGrants()
    dump = schema_dump_path(ctx.task)
    use_list = dump.with_name("grants.list")
    write_use_list(use_list, candidates)
    script = await dump_output(
        ctx.task.tools, dump, "--verbose", "--no-owner", f"--use-list={use_list}", "--file=-"
    )
    return split_by_role(statements_by_entry(script), missing)


def statements_by_entry(script: str) -> dict[int, tuple[str, ...]]:
    """Statements of each entry in a script by `pg_restore --verbose`, by the entry's ID."""
    headers = list(_HEADER.finditer(script))
    ends = [header.start() for header in headers[1:]] + [len(script)]
    return {
        int(header[1]): split_statements(script[header.end() : end])
        for header, end in zip(headers, ends, strict=True)
    }


def split_statements(text: str) -> tuple[str, ...]:
    """The statements of an entry of grants or a policy. Each ends at the end of a line, outside of
    quotes."""
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


def split_by_role(
    statements: Mapping[int, tuple[str, ...]], missing: Collection[str]
) -> WithheldGrants:
    """Statements of entries (by ID) that name a missing role, told from the others of the same
    entries."""
    ids, applicable, pending, roles = set(), [], [], set()
    for id, texts in statements.items():
        named = {role for role in missing if any(names_role(text, role) for text in texts)}
        if not named:
            continue
        ids.add(id)
        roles |= named
        naming = [text for text in texts if any(names_role(text, role) for role in named)]
        pending += naming
        if others := tuple(text for text in texts if text not in naming):
            applicable.append(others)
    return WithheldGrants(frozenset(ids), tuple(applicable), tuple(pending), tuple(sorted(roles)))


def names_role(statement: str, role: str) -> bool:
    """Does a grant, a default privilege or a policy name this role?

    Roles follow TO, FROM, FOR ROLE or AUTHORIZATION, quoted as pg_dump quotes.
    """
    quoted = identifier(role)
    forms = {quoted, role} if _NEEDS_NO_QUOTES.match(role) else {quoted}
    word = "|".join(map(re.escape, forms))
    pattern = rf"\b(?:TO|FROM|FOR ROLE|AUTHORIZATION)\s+(?:[^\s,]+,\s*)*(?:{word})(?![\w\"$.])"
    return bool(re.search(pattern, statement))


async def apply_grants(ctx: Context, withheld: WithheldGrants, part: str) -> None:
    """Apply what names existing roles only; keep the rest in a file in the run folder and report
    it. Raises StepFailed, CannotConnect, psycopg.Error."""
    if not withheld.ids:
        return
    async with schema_session(ctx) as target:
        changes = [Change(texts[0], texts) for texts in withheld.applicable]
        refused = await run_changes(ctx, target, changes)
    path = ctx.run_folder.path / f"grants-{part}.sql"
    path.write_text("".join(f"{text};\n" for text in withheld.pending), encoding="utf-8")
    ctx.found(_missing_roles_finding(withheld, path, ctx.task))
    if refused:
        ctx.found(
            Finding(
                Level.LOOK,
                "grants-refused",
                f"The target refused the grants on {plural(len(refused), 'object')}.",
                where=ctx.task.target.label,
                todo="Run them as a role that may grant them.",
                details=tuple(refusal.labeled for refusal in refused),
            )
        )


def _missing_roles_finding(withheld: WithheldGrants, path: Path, task: Task) -> Finding:
    owners = {job.owner for job in task.inventory.jobs}
    return Finding(
        Level.LOOK,
        "grants-without-role",
        f"{plural(len(withheld.pending), 'grant or policy names', 'grants or policies name')} "
        f"roles that the target lacks: {', '.join(withheld.roles)}.",
        where=task.target.label,
        why="Roles belong to the server, not to a database, so no dump holds them.",
        todo=f"On the target: {' '.join(role_statements(withheld.roles, owners))} Then run the "
        f"statements: psql -d … -f {path}",
        details=withheld.pending,
    )
