"""Compares the schemas of source and target: what is missing, differs, or is only there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tswizard.core.catalog.database_properties import PRIVILEGES_OF, property_statements
from tswizard.core.catalog.job_statements import alter_built_in
from tswizard.core.db.identifiers import unquoted
from tswizard.core.model.finding import Level
from tswizard.core.model.object_kinds import OBJECT_KINDS
from tswizard.core.verify.schema.compare_grants import compare_grants
from tswizard.core.verify.schema.extension_members import extension_of, of_missing
from tswizard.core.verify.schema.read import Object, ObjectKey, Schema
from tswizard.core.verify.schema.same_definition import same_definition

DifferenceState = Literal["missing", "differs", "extra", "unseen"]
"""`unseen`: it is in both databases, and one of the roles may not read what is to be compared."""

HIDDEN = "hidden_"
"""Properties with this prefix are compared and never shown: they may contain passwords."""


PropertyChange = tuple[str, Any, Any]
"""Property, on the source, on the target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One object that is not the same on source and target."""

    key: ObjectKey
    state: DifferenceState
    level: Level
    part: str | None = None
    """The internal relation that it belongs to, if any."""
    changed: tuple[PropertyChange, ...] = ()
    why: str = ""
    about: str = ""
    """A description, where the name is only a number."""
    statement: str = ""
    """What a person runs on the target to make it equal; empty where that is not known."""
    on: str = ""
    """Of a grant or an owner: the object, after the word for its kind; empty for the owner's own
    privileges."""
    grantee: str = ""
    """Of a grant: the role, not quoted. Names of roles and objects may hold any text."""

    @property
    def words(self) -> str:
        """The difference in one line."""
        name = f"{self.key.name} ({self.about})" if self.about else self.key.name
        reason = f" ({self.why})" if self.why else ""
        if self.state == "unseen":
            return f"{name}: {self.why}"
        if self.state != "differs":
            where = "missing on the target" if self.state == "missing" else "only on the target"
            return f"{name}: {where}{reason}"
        changes = "; ".join(_change(*change) for change in self.changed)
        return f"{name}: {changes}{reason}"


@dataclass(frozen=True, slots=True)
class SchemaComparison:
    """Everything that differs, and how much was compared."""

    differences: tuple[Difference, ...]
    compared: Mapping[str, int]
    """Kind -> number of objects on the source, without those of internal relations."""
    parts_compared: Mapping[str, int]
    """Kind -> number of objects of internal relations on the source."""


def compare_schemas(source: Schema, target: Schema) -> SchemaComparison:
    """Every difference; definitions that mean the same are equal (see `same_definition`)."""
    differences: list[Difference] = []
    compared = dict.fromkeys(OBJECT_KINDS, 0)
    parts = dict.fromkeys(OBJECT_KINDS, 0)
    for key, found in source.objects.items():
        if key.kind == "grant" or not _comparable(key, source, target):
            continue
        (compared if found.part is None else parts)[key.kind] += 1
        other = target.objects.get(key)
        if other is None:
            differences.append(_missing(key, found, source, target))
        elif unseen := _unseen(key, found, other):
            differences.append(unseen)
        elif found.text == other.text:
            continue
        elif changed := _changed(key, found, other, source, target):
            differences.append(_differs(key, found, changed, source, target))
    for key, found in target.objects.items():
        if key.kind != "grant" and key not in source.objects and _comparable(key, source, target):
            differences.append(
                Difference(
                    key=key,
                    state="extra",
                    level=_of_extra(key, found),
                    part=found.part,
                    about=about(key, found),
                    statement=_of_property(key, None, found, target),
                )
            )
    grants = compare_grants(source, target)
    compared["grant"] = grants.compared
    parts["grant"] = grants.parts_compared
    compared["owner"] = grants.owners
    differences += [
        Difference(
            key=ObjectKey(d.kind, d.name),
            state="differs",
            level=d.level,
            part=d.part,
            changed=d.changed,
            why=d.why,
            on=d.on,
            grantee=d.grantee,
        )
        for d in grants.differences
    ]
    return SchemaComparison(tuple(differences), compared, parts)


def _comparable(key: ObjectKey, source: Schema, target: Schema) -> bool:
    """NOT NULL constraints are in the catalog since PostgreSQL 18; columns show them anyway. What
    an owner may do in its database is no matter of grants, whoever it is at the other end. Which
    members an extension has depends on its version."""
    if key.kind == "database-setting":
        ends = (schema.objects.get(key) for schema in (source, target))
        return not any(found is not None and found.definition.get("owner") for found in ends)
    if key.kind == "extension-member":
        extension = ObjectKey("extension", extension_of(key.name))
        versions = [_version(schema.objects.get(extension)) for schema in (source, target)]
        return versions[0] is not None and versions[0] == versions[1]
    return key.kind != "not-null-constraint" or source.major == target.major


def _version(extension: Object | None) -> str | None:
    return extension.definition["version"] if extension else None


def _of_property(
    key: ObjectKey, source: Object | None, target: Object | None, there: Schema
) -> str:
    """Of a property of the database that one end lacks: it has the default."""
    if key.kind != "database-setting":
        return ""
    ours, theirs = (end.definition["value"] if end else None for end in (source, target))
    return _statement(key, (("value", ours, theirs),), there)


def _statement(key: ObjectKey, changed: tuple[PropertyChange, ...], target: Schema) -> str:
    """What makes the target's object equal; None is what an end lacks."""
    if key.kind == "built-in-job":
        wanted = {name: ours for name, ours, _ in changed}
        return alter_built_in(unquoted(key.name), wanted, target.timescaledb)
    if key.kind != "database-setting":
        return ""
    _, ours, theirs = changed[0]
    return " ".join(property_statements(target.database, key.name, ours, theirs))


def _changed(
    key: ObjectKey, ours: Object, theirs: Object, source: Schema, target: Schema
) -> tuple[PropertyChange, ...]:
    """What differs; of TimescaleDB's own jobs, whose defaults depend on its version, what a person
    has changed."""
    found = changes(ours, theirs, across=source.major != target.major)
    if key.kind == "built-in-job" and source.timescaledb != target.timescaledb:
        return tuple(change for change in found if change[0] == "scheduled")
    return found


def changes(source: Object, target: Object, *, across: bool) -> tuple[PropertyChange, ...]:
    """The properties that differ; `across` majors only those that both catalogs have."""
    ours, theirs = _flat(source.definition), _flat(target.definition)
    names = [*ours, *(name for name in theirs if name not in ours)]
    if across:
        names = [name for name in names if name in ours and name in theirs]
    return tuple(
        (name, ours.get(name), theirs.get(name))
        for name in names
        if not _same(name, ours.get(name), theirs.get(name))
    )


def _same(name: str, ours: Any, theirs: Any) -> bool:
    """A missing column is a difference of its own; the order is compared among the others."""
    if name == "column_order" and ours and theirs:
        return [c for c in ours if c in theirs] == [c for c in theirs if c in ours]
    return same_definition(ours, theirs)


def _flat(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Catalog rows in a definition are compared column by column."""
    flat: dict[str, Any] = {}
    for name, value in definition.items():
        if isinstance(value, dict) and name in ("row", "properties"):
            flat |= value
        else:
            flat[name] = value
    return flat


def _unseen(key: ObjectKey, found: Object, other: Object) -> Difference | None:
    """Options that only some roles may see are neither equal nor different."""
    if key.kind != "user-mapping":
        return None
    ends = (("source", found), ("target", other))
    blind = [end for end, read in ends if read.definition.get("unseen")]
    if not blind:
        return None
    why = f"its options could not be compared: the role on the {' and the '.join(blind)} may not "
    return Difference(key=key, state="unseen", level=Level.LOOK, why=f"{why}see them")


def _missing(key: ObjectKey, found: Object, source: Schema, target: Schema) -> Difference:
    level, why = OBJECT_KINDS[key.kind].missing, ""
    if key.kind == "index" and found.definition.get("valid") is False:
        level, why = Level.LOOK, "it is invalid on the source, and pg_dump skips invalid indexes"
    elif key.kind == "database-setting":
        why = f"pg_dump does not dump it; its value is {found.definition['value']}"
        role = key.name.removeprefix(PRIVILEGES_OF)
        if role != key.name and unquoted(role) not in target.roles | {"PUBLIC"}:
            why += f"; the target has no role {role}"
    elif key.kind == "extension-member":
        level = of_missing(found.definition["type"])
    elif key.kind == "subscription":
        why = "pg_dump dumps it for superusers only"
    elif _on_extension(key):
        level, why = Level.LOOK, _OWNERS_ONLY
    elif key.kind in ("default-privilege", "policy"):
        level, why = _for_roles(level, key, found, target)
    elif key.kind == "job":
        owner = found.definition.get("owner")
        if owner in source.roles - target.roles:  # preflight has named it: its owner has to add it
            level, why = Level.LOOK, f"the target has no role {owner}"
    return Difference(
        key=key,
        state="missing",
        level=level,
        part=found.part,
        changed=(),
        why=why,
        about=about(key, found),
        statement=_of_property(key, found, None, target),
    )


def _of_extra(key: ObjectKey, found: Object) -> Level:
    """A unique index rejects rows that the source accepts, like a constraint."""
    if key.kind == "index":
        text = str(found.definition.get("definition", key.name))
        if text.startswith(("CREATE UNIQUE ", "UNIQUE ")):
            return Level.FAIL
    if key.kind == "database-setting" and key.name == f"{PRIVILEGES_OF}PUBLIC":
        return Level.LOOK  # the source has PostgreSQL's default
    if _on_extension(key):
        return OBJECT_KINDS["extension"].extra
    return OBJECT_KINDS[key.kind].extra


_OWNERS_ONLY = "only the extension's owner may comment on it"


def _on_extension(key: ObjectKey) -> bool:
    return key.kind == "comment" and key.name.startswith("extension ")


def about(key: ObjectKey, found: Object) -> str:
    """What a job does, whose name is only a number; else nothing."""
    row = found.definition.get("row") if key.kind == "job" else None
    if row is None:
        return ""
    on = found.definition.get("hypertable")
    return f"{row['proc_schema']}.{row['proc_name']}" + (f" on {on}" if on else "")


def _for_roles(level: Level, key: ObjectKey, found: Object, target: Schema) -> tuple[Level, str]:
    """What refers to a role cannot be created before the role."""
    named = set(found.definition.get("roles", ()))
    named |= {found.definition[name] for name in ("role",) if name in found.definition}
    named |= set(found.definition.get("granted", ()))
    absent = sorted(named - target.roles - {"PUBLIC", "<owner>"})
    if not absent:
        return level, ""
    level = Level.FAIL if key.kind == "policy" else Level.LOOK
    return level, f"the target has no role {', '.join(absent)}"


def _differs(
    key: ObjectKey,
    found: Object,
    changed: tuple[PropertyChange, ...],
    source: Schema,
    target: Schema,
) -> Difference:
    level, why = Level.FAIL, ""
    if all(name in OBJECT_KINDS[key.kind].soft for name, _, _ in changed):
        level = Level.LOOK
    elif source.major != target.major:
        level = Level.LOOK
        majors = f"{source.major} and {target.major}"
        why = f"PostgreSQL {majors} may print the same definition differently"
    if key.kind == "extension" and key.name == "timescaledb":
        level = Level.FAIL
    elif _on_extension(key):
        level, why = Level.LOOK, _OWNERS_ONLY
    return Difference(
        key=key,
        state="differs",
        level=level,
        part=found.part,
        changed=changed,
        why=why,
        about=about(key, found),
        statement=_statement(key, changed, target),
    )


_SHOWN = 300


def _change(name: str, source: Any, target: Any) -> str:
    if name.startswith(HIDDEN):
        return f"{name.removeprefix(HIDDEN)} differ"
    source_text, target_text = _shortened(_text(source), _text(target))
    return f"{name} is {target_text} instead of {source_text}"


def _text(value: Any) -> str:
    if value is None:
        return "nothing"
    return " ".join(str(value).split())


def _shortened(source: str, target: str) -> tuple[str, str]:
    """Long texts, from shortly before their first difference."""
    if max(len(source), len(target)) <= _SHOWN:
        return source, target
    start = next(
        (n for n, (a, b) in enumerate(zip(source, target, strict=False)) if a != b),
        min(len(source), len(target)),
    )
    first = max(0, start - 40)

    def cut(text: str) -> str:
        end = first + _SHOWN
        return f"{'…' if first else ''}{text[first:end]}{'…' if end < len(text) else ''}"

    return cut(source), cut(target)
