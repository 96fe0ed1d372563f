"""Missing objects of which preflight has said that the target may refuse them, and what to do."""

from collections.abc import Iterable
from dataclasses import replace

from tswizard.core.model.finding import Level
from tswizard.core.verify.request import VerifyJob
from tswizard.core.verify.schema.compare import Difference

_ABOUT_ANOTHER = ("comment", "security-label")


def named_beforehand(differences: Iterable[Difference], job: VerifyJob) -> tuple[Difference, ...]:
    """Needs a look, as preflight has it: extensions that nothing in the source's catalog depends on
    (`extension-missing`, `extension-refused`), event triggers where no superuser creates them
    (`event-triggers`), and comments on what is missing for that reason."""
    differences = tuple(differences)
    unused = {e.name for e in job.inventory.extensions if not e.used and e.name != "timescaledb"}
    refused = {
        d.key.name: why
        for d in differences
        if d.state == "missing" and (why := _why(d, unused, job))
    }
    comments = {f"event trigger {name}" for name in refused}
    return tuple(
        replace(d, level=Level.LOOK, why=refused.get(d.key.name, "it is on a missing object"))
        if d.state == "missing" and (_why(d, unused, job) or _is_on(d, comments))
        else d
        for d in differences
    )


def _why(difference: Difference, unused: set[str], job: VerifyJob) -> str:
    kind, name = difference.key.kind, difference.key.name
    if kind == "extension" and name.strip('"').replace('""', '"') in unused:
        return "nothing in the source's catalog depends on it"
    if kind == "event-trigger" and not job.target_server.role.superuser:
        return "only a superuser may create one"
    return ""


def _is_on(difference: Difference, names: set[str]) -> bool:
    return difference.key.kind in _ABOUT_ANOTHER and difference.key.name.rpartition(" on ")[2] in (
        names
    )
