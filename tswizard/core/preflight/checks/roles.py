"""Roles of the source that the target lacks, or has and makes nobody's owner."""

from collections.abc import Iterator

from tswizard.core.catalog.roles import role_statements
from tswizard.core.model.finding import Finding
from tswizard.core.model.prepared import Prepared
from tswizard.core.preflight.check import AnyCheck, Check
from tswizard.core.preflight.wording import look, some


def _granted(prepared: Prepared) -> Iterator[Finding]:
    granted = prepared.inventory.roles_granted
    missing = sorted(set(granted) - set(prepared.target_inventory.roles))
    if missing:
        statements = role_statements(missing, {job.owner for job in prepared.inventory.jobs})
        yield look(
            "roles-missing",
            f"Roles that the source uses and the target lacks: {some(missing)}.",
            where=prepared.target.label,
            why="Each grant to them fails in the restore, and is then missing. What they own will "
            "belong to the role that restores.",
            todo="Create them on the target before the run (without passwords; set those "
            f"yourself): {' '.join(statements)}",
        )


def _owners(prepared: Prepared) -> Iterator[Finding]:
    role = prepared.target_inventory.server.role
    owners = sorted(
        set(prepared.inventory.owners) & set(prepared.target_inventory.roles) - {role.name}
    )
    if owners:
        member = "" if role.superuser else f" ({role.name} has to be a member of those roles)"
        yield look(
            "owners-change",
            f"What {some(owners)} {'owns' if len(owners) == 1 else 'own'} will belong to "
            f"{role.name}, although the target has the same {_roles(owners)}.",
            where=prepared.target.label,
            why="Objects are restored without their owners (pg_restore --no-owner), so a SECURITY "
            f"DEFINER function will run with the privileges of {role.name}.",
            todo=f"After the run, run each ALTER … OWNER TO that the check lists{member}.",
        )


def _roles(names: list[str]) -> str:
    return "role" if len(names) == 1 else "roles"


ROLE_CHECKS: tuple[AnyCheck, ...] = (
    Check(gives=("roles-missing",), run=_granted, settled_by_check=True),
    Check(gives=("owners-change",), run=_owners, settled_by_check=True),
)
