"""Compares grants, although the owners of the objects differ.

The restore runs with --no-owner: whoever owned an object on the source, the target's role owns it
there. So an owner's own privileges are compared as the owner's, whoever that is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tswizard.core.model.finding import Level
from tswizard.core.verify.schema.privileges import LARGE_OBJECTS, OWNER
from tswizard.core.verify.schema.read import Object, ObjectKey, Schema

_NOT_OWNED = ("column ", "schema public")
"""Without an owner of its own, or owned by a predefined role."""
_NO_OWNER = "restored with --no-owner"
AS_OWNER = "it runs with its owner's privileges"
"""Of a SECURITY DEFINER function: why its owner matters, and who may call it."""
_NOTHING = Object('{"granted": {}}')


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivilegeDifference:
    kind: str
    name: str
    level: Level
    part: str | None
    changed: tuple[tuple[str, Any, Any], ...]
    why: str
    on: str = ""
    """The object, after the word for its kind; empty for its owner's privileges."""
    grantee: str = ""
    """Empty where it is the object's owner, whoever that is."""


@dataclass(frozen=True, slots=True)
class GrantComparison:
    """Differences in grants and owners; counts are of pairs (object, grantee), and of objects."""

    differences: tuple[PrivilegeDifference, ...]
    compared: int
    parts_compared: int
    owners: int


def compare_grants(source: Schema, target: Schema) -> GrantComparison:
    """Every grant of the source must exist on the target, and no other."""
    differences: list[PrivilegeDifference] = []
    compared = parts = 0
    for key, found in source.objects.items():
        if key.kind != "grant":
            continue
        other = _counterpart(key, target)
        count = sum(grantee != OWNER for grantee in {*granted(found), *_revoked(found)})
        if found.part is None:
            compared += count
        else:
            parts += count
        if other is None and _rows_come_with_grants(key.name, found, target):
            other = _NOTHING
        if other is not None and other.text != found.text:  # a missing object is reported as such
            differences += _of_object(key.name, found, other, source, target)
    for key, found in target.objects.items():
        # Columns have a row only where something is granted on them. What only the target grants
        # or revokes on objects of an extension or of PostgreSQL comes from the service.
        if key.kind != "grant" or key in source.objects:
            continue
        if key.name.startswith("column ") and "owner" in found.definition:
            differences += _of_object(key.name, _NOTHING, found, source, target)
        elif ours := _counterpart(key, source):
            differences += _of_object(key.name, ours, found, source, target)
    owners = _owners(source, target)
    return GrantComparison(tuple(differences) + owners, compared, parts, _owned(source))


def _counterpart(key: ObjectKey, other: Schema) -> Object | None:
    """The same object of the other database. A large object without grants may be one of many
    there, which are told together."""
    found = other.objects.get(key)
    if found is None and key.name.startswith("large object "):
        return other.objects.get(ObjectKey("grant", LARGE_OBJECTS))
    return found


def granted(found: Object) -> Mapping[str, str]:
    """Grantee -> its privileges, comma-separated."""
    result: Mapping[str, str] = found.definition.get("granted", {})
    return result


def _revoked(found: Object) -> Mapping[str, str]:
    """The same of what an object of an extension or of PostgreSQL has lost of its initial ones."""
    result: Mapping[str, str] = found.definition.get("revoked", {})
    return result


def _rows_come_with_grants(name: str, found: Object, target: Schema) -> bool:
    """Columns, and objects of extensions and of PostgreSQL, are read only where something was
    granted on them, or revoked."""
    if "owner" not in found.definition:
        return True
    if name.startswith("column "):
        return ObjectKey("column", name.removeprefix("column ")) in target.objects
    return False


def _of_object(
    name: str, ours: Object, theirs: Object, source: Schema, target: Schema
) -> Iterator[PrivilegeDifference]:
    here, there = granted(ours), granted(theirs)
    less_here, less_there = _revoked(ours), _revoked(theirs)
    for grantee in dict.fromkeys([*here, *there, *less_here]):
        # Initial privileges that the source has revoked, and the target has not.
        kept = _set(less_here.get(grantee)) - _set(less_there.get(grantee))
        wanted, found = _set(here.get(grantee)), _set(there.get(grantee)) | kept
        if source.major != target.major:  # PostgreSQL 17 brought MAINTAIN
            wanted, found = wanted - {"MAINTAIN"}, found - {"MAINTAIN"}
        if grantee == theirs.definition.get("owner"):
            found |= _set(there.get(OWNER))
            wanted = {privilege.rstrip("*") for privilege in wanted}
            if wanted <= found:
                continue
        if wanted == found:
            continue
        level, why = Level.FAIL, ""
        absent = grantee not in target.roles and grantee not in (OWNER, "PUBLIC")
        if absent:
            level, why = Level.LOOK, f"the target has no role {grantee}"
        elif not wanted - found or source.major != target.major:
            level = Level.LOOK
            if grantee == "PUBLIC" and "definer" in theirs.definition and found - wanted:
                why = f"SECURITY DEFINER: everybody may call it, and {AS_OWNER}"
        owners = grantee == OWNER
        who = f"owner {theirs.definition.get('owner', '')}".rstrip() if owners else grantee
        yield PrivilegeDifference(
            kind="grant",
            name=f"{name} to {who}",
            level=level,
            part=ours.part or theirs.part,
            changed=(("privileges", _words(wanted), _words(found)),),
            why=why,
            on="" if owners else name,
            grantee="" if owners else grantee,
        )


def _set(privileges: str | None) -> set[str]:
    return set(privileges.split(",")) if privileges else set()


def _words(privileges: set[str]) -> str | None:
    return ", ".join(sorted(privileges)) or None


def _owned(source: Schema) -> int:
    return sum(1 for _ in _owned_objects(source))


def _owned_objects(schema: Schema) -> Iterator[tuple[str, str]]:
    for key, found in schema.objects.items():
        if key.kind != "grant" or found.part is not None or key.name.startswith(_NOT_OWNED):
            continue
        if owner := found.definition.get("owner"):  # not read for an extension's objects
            yield key.name, owner


def _their_owners(ours: Mapping[str, str], target: Schema) -> dict[str, str]:
    """Owners on the target of what the source has."""
    theirs = dict(_owned_objects(target))
    if owner := theirs.get(LARGE_OBJECTS):
        theirs |= {
            name: owner for name in ours if name.startswith("large object ") and name not in theirs
        }
    return theirs


def _owners(source: Schema, target: Schema) -> tuple[PrivilegeDifference, ...]:
    """Where one role replaces several, who owned what is lost; and where another role owns what its
    owner could own there, too."""
    ours = dict(_owned_objects(source))
    theirs = _their_owners(ours, target)
    replaced = {(owner, theirs[name]) for name, owner in ours.items() if name in theirs}
    told = {pair for pair in replaced if pair[0] != pair[1]}
    if (
        len({before for before, _ in replaced})
        == len(replaced)
        == len({after for _, after in replaced})
    ):
        told = {pair for pair in told if _could_own(*pair, target)}
    return tuple(
        PrivilegeDifference(
            kind="owner",
            name=name,
            level=Level.LOOK,
            part=None,
            changed=(("owner", owner, theirs[name]),),
            why=f"{_NO_OWNER}; {AS_OWNER}" if _as_owner(name, source) else _NO_OWNER,
            on=_to_alter(name, source),
        )
        for name, owner in ours.items()
        if name in theirs and (owner, theirs[name]) in told
    )


def _could_own(before: str, after: str, target: Schema) -> bool:
    """The target has the owner. A service's own superuser is no such role: who restores there is
    no superuser and cannot give it anything."""
    only_the_services = before in target.superusers and after not in target.superusers
    return before in target.roles and not only_the_services


def _to_alter(name: str, schema: Schema) -> str:
    """A continuous aggregate takes its materialization along only as a materialized view."""
    view = name.removeprefix("table ")
    cagg = view != name and ObjectKey("continuous-aggregate", view) in schema.objects
    return f"materialized view {view}" if cagg else name


def _as_owner(name: str, schema: Schema) -> bool:
    return "definer" in schema.objects[ObjectKey("grant", name)].definition
