"""Roles of the source that the target lacks, has differently, or makes nobody's owner."""

from collections.abc import Iterator

from tswizard.core.catalog.role_model import RoleFacts
from tswizard.core.catalog.role_statements import attribute_statements, membership_statements
from tswizard.core.catalog.roles import role_statements
from tswizard.core.model.finding import Finding
from tswizard.core.model.prepared import Prepared
from tswizard.core.preflight.check import AnyCheck, Check
from tswizard.core.preflight.wording import look, some


def _granted(prepared: Prepared) -> Iterator[Finding]:
    missing = prepared.missing_roles
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


def _differing(prepared: Prepared) -> Iterator[Finding]:
    source, target = prepared.inventory, prepared.target_inventory
    there = {role.name: role for role in target.role_facts}
    own = {source.server.role.name, target.server.role.name}
    found = {
        role.name: statements
        for role in source.role_facts
        if role.name in there and role.name not in own
        if (statements := _statements(role, there[role.name], prepared))
    }
    if found:
        yield look(
            "roles-differ",
            f"Roles that are not the same on the target: {some(list(found))}.",
            where=prepared.target.label,
            why="Roles belong to the server, so a dump holds neither their attributes and settings "
            "nor what they are members of. These own something in this database, are granted "
            "something in it, or are members of one that is.",
            todo="Decide for each, and run what you want on the target (a service may refuse some "
            "of it): the statements are in the details. Passwords are not compared.",
            details=[line for statements in found.values() for line in statements],
        )


def _statements(role: RoleFacts, there: RoleFacts, prepared: Prepared) -> tuple[str, ...]:
    """What makes the target's role have what the source's has; of a role that this database does
    not name, its memberships in those that it does."""
    needed = set(prepared.inventory.roles_granted)
    known = set(prepared.target_inventory.roles)
    groups = [
        group
        for group in role.member_of
        if group in known or group.startswith("pg_")
        if role.name in needed or group in needed
    ]
    return (
        *membership_statements(role, there, groups),
        *(
            attribute_statements(
                role, there, superuser=prepared.target_inventory.server.role.superuser
            )
            if role.name in needed
            else ()
        ),
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
    Check(gives=("roles-differ",), run=_differing),
    Check(gives=("owners-change",), run=_owners, settled_by_check=True),
)
