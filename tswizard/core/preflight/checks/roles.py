"""Roles of the source that the target lacks."""

from collections.abc import Iterator

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


ROLE_CHECKS: tuple[AnyCheck, ...] = (
    Check(gives=("roles-missing",), run=_granted, settled_by_check=True),
)
