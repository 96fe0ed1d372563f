"""Grants and comments on large objects, which the schema's dump leaves out together with them.

Owners are not migrated, as with every other object: all belong to the role that restores.
https://www.postgresql.org/docs/current/catalog-pg-largeobject-metadata.html
"""

from tswizard.core.catalog.roles import missing_roles, role_statements
from tswizard.core.db.connection import connected, rows
from tswizard.core.db.identifiers import identifier, literal
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.wording import plural
from tswizard.core.run.context import Context
from tswizard.core.split.schema.execute import run_batches
from tswizard.core.split.schema.target_session import schema_session

_MANY = "grants or comments"

_GRANTS = """
SELECT l.oid::bigint, CASE WHEN a.grantee <> 0 THEN r.rolname::text END, a.privilege_type,
  a.is_grantable
FROM pg_catalog.pg_largeobject_metadata l
CROSS JOIN LATERAL pg_catalog.aclexplode(l.lomacl) a
LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
WHERE a.grantee <> l.lomowner AND (a.grantee = 0 OR r.oid IS NOT NULL)
ORDER BY 1, 2, 3
"""
_COMMENTS = """
SELECT d.objoid::bigint, d.description FROM pg_catalog.pg_description d
WHERE d.classoid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass ORDER BY 1
"""


async def restore_large_object_grants(ctx: Context) -> None:
    """Give the target's large objects the source's grants and comments; report what is refused.

    Raises StepFailed, CannotConnect, psycopg.Error.
    """
    async with connected(ctx.task.source) as source:
        grants = await rows(source, _GRANTS)
        statements = [
            f"COMMENT ON LARGE OBJECT {oid} IS {literal(text)}"
            for oid, text in await rows(source, _COMMENTS)
        ]
    if not grants and not statements:
        return
    pending: list[str] = []
    async with schema_session(ctx) as target:
        missing = await missing_roles(target, {role for _, role, _, _ in grants if role})
        for oid, role, privilege, grantable in grants:
            statement = grant_statement(oid, role, privilege, grantable=grantable)
            if role in missing:
                pending.append(f"{statement};")
            else:
                statements.append(statement)
        refused = await run_batches(ctx, target, statements)
    restored = plural(len(statements) - len(refused), "grant or comment", _MANY)
    ctx.say(f"restored {restored} on large objects")
    where = ctx.task.target.label
    if pending:
        on = "on large objects"
        naming = plural(len(pending), f"grant {on} names", f"grants {on} name")
        ctx.found(
            Finding(
                Level.LOOK,
                "object-grants-without-role",
                f"{naming} roles that the target lacks: {', '.join(sorted(missing))}.",
                where=where,
                todo=f"On the target: {' '.join(role_statements(missing))} Then run these "
                "statements.",
                details=tuple(pending),
            )
        )
    if refused:
        ctx.found(
            Finding(
                Level.LOOK,
                "object-grants-refused",
                f"The target refused {plural(len(refused), 'grant or comment', _MANY)} on large "
                "objects.",
                where=where,
                todo="Run them as a role that may.",
                details=tuple(refusal.as_sql for refusal in refused),
            )
        )


def grant_statement(oid: int, role: str | None, privilege: str, *, grantable: bool) -> str:
    """The SQL; None as the role means PUBLIC."""
    grantee = "PUBLIC" if role is None else identifier(role)
    option = " WITH GRANT OPTION" if grantable else ""
    return f"GRANT {privilege} ON LARGE OBJECT {oid} TO {grantee}{option}"
