"""Objects that were created, dropped or altered on the source after the snapshot that dump and
check share: the target has none of that, and nothing else would say so."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.object_kinds import OBJECT_KINDS
from tswizard.core.model.wording import plural
from tswizard.core.verify.schema.compare import HIDDEN, about, changes
from tswizard.core.verify.schema.privileges import LARGE_OBJECTS
from tswizard.core.verify.schema.read import Object, ObjectKey

_SHOWN = 200
"""Objects listed."""

_RELATIONS = frozenset({"table", "view", "materialized-view"})
_MARKS = frozenset({"grant", "comment", "security-label"})
_ON = re.compile(r" ON (?:ONLY )?(.+?) USING ", re.DOTALL)

Objects = Mapping[ObjectKey, Object]


def newer_objects(then: Objects, now: Objects, source: str) -> tuple[Finding, ...]:
    """One finding for all that differs between two readings of the source, without what belongs to
    chunks: new ones are told by their rows. `source` is its label."""
    then, now = _told_here(then), _told_here(now)
    created = _without_parts({key: found for key, found in now.items() if key not in then})
    dropped = _without_parts({key: found for key, found in then.items() if key not in now})
    lines = [f"created: {_name(key, found)}" for key, found in created]
    lines += [f"dropped: {_name(key, found)}" for key, found in dropped]
    lines += _altered(then, now)
    if not lines:
        return ()
    shown = lines[:_SHOWN]
    if len(lines) > _SHOWN:
        shown.append(f"and {len(lines) - _SHOWN:,} more")
    return (
        Finding(
            Level.LOOK,
            "schema-newer",
            f"{plural(len(lines), 'object')} created, dropped or altered on the source since the "
            "dump",
            where=source,
            why="That was after the snapshot that dump and check share, so the target has nothing "
            "of it.",
            todo="Do the same on the target, rows of new tables included, or migrate again while "
            "nobody changes the source.",
            details=tuple(shown),
        ),
    )


def _told_here(objects: Objects) -> Objects:
    """Without the grants on all large objects, which change with their number: rows tell that."""
    return {
        key: found
        for key, found in objects.items()
        if (key.kind, key.name) != ("grant", LARGE_OBJECTS)
    }


def _altered(then: Objects, now: Objects) -> Iterator[str]:
    for key, found in _in_order(then.items()):
        other = now.get(key)
        if other is None or other.text == found.text:
            continue
        what = [name.removeprefix(HIDDEN) for name, _, _ in changes(found, other, across=False)]
        if what:
            yield f"altered: {_name(key, other)} ({', '.join(what)})"


def _name(key: ObjectKey, found: Object) -> str:
    own = about(key, found)
    return f"{OBJECT_KINDS[key.kind].one} {key.name}" + (f" ({own})" if own else "")


def _without_parts(objects: Objects) -> list[tuple[ObjectKey, Object]]:
    """Without columns, indexes, grants and the like of what is among them itself."""
    names: dict[str, set[str]] = defaultdict(set)
    for key in objects:
        names["mark" if key.kind in _MARKS else key.kind].add(key.name)
    return _in_order(
        (key, found) for key, found in objects.items() if not _is_part(key, found, names)
    )


def _is_part(key: ObjectKey, found: Object, names: Mapping[str, set[str]]) -> bool:
    def new(name: str, kinds: Iterable[str]) -> bool:
        return any(name in names.get(kind, ()) for kind in kinds)

    if key.kind in _RELATIONS:
        return key.kind == "view" and new(key.name, ["continuous-aggregate"])
    if key.kind == "index":
        on = _ON.search(str(found.definition.get("definition", "")))
        return on is not None and new(on[1], _RELATIONS)
    if any(new(key.name[:at], _RELATIONS) for at in _all(".", key.name)):
        return True
    if key.kind not in _MARKS:
        return False
    others = [kind for kind in names if kind != "mark"]  # `function public.f()`: of what is named
    return any(new(key.name[at + 1 :], others) for at in _all(" ", key.name))


def _all(letter: str, text: str) -> Iterator[int]:
    return (at for at, found in enumerate(text) if found == letter)


_ORDER = {kind: number for number, kind in enumerate(OBJECT_KINDS)}


def _in_order(objects: Iterable[tuple[ObjectKey, Object]]) -> list[tuple[ObjectKey, Object]]:
    return sorted(objects, key=lambda found: (_ORDER[found[0].kind], found[0].name))
