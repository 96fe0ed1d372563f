"""What the code says of each finding: the calls that make one, and every text that they can give.

A sentence is listed as the code has it; what only a run can know is `…`.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

PROGRAM = Path(__file__).parents[1] / "tswizard"
LEVELS = ("pass", "look", "fail", "skip")
_LEVEL_OF = {"passed": "pass", "look": "look", "fail": "fail", "failed": "fail"}


@dataclass(frozen=True, slots=True)
class Said:
    """One way in which a finding can be put."""

    levels: tuple[str, ...]
    what: str
    why: str
    todo: str


Function = ast.FunctionDef | ast.AsyncFunctionDef


class Module:
    """A module, and what its names stand for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tree = ast.parse(path.read_text(encoding="utf-8"))

    @cached_property
    def functions(self) -> dict[str, Function]:
        return {n.name: n for n in ast.walk(self.tree) if isinstance(n, Function)}

    @cached_property
    def constants(self) -> dict[str, list[ast.expr]]:
        """Its own, and those that it imports."""
        found = _assigned(self.tree.body)
        for node in self.tree.body:
            match node:
                case ast.ImportFrom(module=str(name)) if name.startswith("tswizard."):
                    path = PROGRAM.parent.joinpath(*name.split(".")).with_suffix(".py")
                    there = (
                        _assigned(ast.parse(path.read_text(encoding="utf-8")).body)
                        if (path.exists())
                        else {}
                    )
                    found |= {a.name: there[a.name] for a in node.names if a.name in there}
        return found

    def calls(self) -> Iterator[tuple[ast.Call, Function | None]]:
        """Each call, with the innermost function that it is in."""
        waiting: list[tuple[ast.AST, Function | None]] = [(self.tree, None)]
        while waiting:
            node, inside = waiting.pop()
            if isinstance(node, ast.Call):
                yield node, inside
            within = node if isinstance(node, Function) else inside
            waiting += [(child, within) for child in ast.iter_child_nodes(node)]

    def parameters(self, function: Function) -> Iterator[dict[str, "Value"]]:
        """What each caller in this module gives a function."""
        names = [a.arg for a in function.args.args]
        for call, inside in self.calls():
            if _name(call.func) == function.name:
                given = dict(zip(names, call.args, strict=False))
                given |= {k.arg: k.value for k in call.keywords if k.arg}
                yield {name: (value, inside) for name, value in given.items()}


Value = tuple[ast.expr, Function | None]
"""An expression, and the function that it is in."""


def _assigned(body: list[ast.stmt]) -> dict[str, list[ast.expr]]:
    found: dict[str, list[ast.expr]] = {}
    for node in body:
        for name, value in _pairs(node).items():
            found.setdefault(name, []).append(value)
    return found


def _pairs(node: ast.stmt) -> dict[str, ast.expr]:
    """What one statement assigns."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return {name: value}
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            return {name: value}
        case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
            both = zip(names, values, strict=True)
            return {name.id: value for name, value in both if isinstance(name, ast.Name)}
    return {}


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


@dataclass(frozen=True, slots=True)
class Case:
    """What is taken for granted while expressions are read: how conditions end, what names are."""

    module: Module
    tests: Mapping[str, bool] = field(default_factory=dict)
    bound: Mapping[str, Value] = field(default_factory=dict)

    def values(self, name: str, inside: Function | None) -> list[Value]:
        """What a name may stand for."""
        if name in self.bound:
            return [self.bound[name]]
        if inside is not None:
            body = [n for n in ast.walk(inside) if isinstance(n, ast.stmt)]
            if found := _assigned(body).get(name):
                return [(value, inside) for value in found]
            given = [one[name] for one in self.module.parameters(inside) if name in one]
            if given:
                return given
        return [(value, None) for value in self.module.constants.get(name, [])]

    def texts(self, node: ast.expr, inside: Function | None, depth: int = 0) -> list[str]:
        """The texts that an expression can be; `…` for what is not written down."""

        def again(part: ast.expr) -> list[str]:
            return self.texts(part, inside, depth + 1)

        def of(values: Iterable[Value]) -> list[str]:
            found = [t for value, where in values for t in self.texts(value, where, depth + 1)]
            return _unique(found) or ["…"]

        if depth > 8:
            return ["…"]
        match node:
            case ast.Constant(value=None):
                return []  # of an alternative that is never put into a sentence
            case ast.Constant(value=value):
                return [str(value)]
            case ast.JoinedStr(values=parts):
                return _joined([again(part) for part in parts])
            case ast.FormattedValue(value=value):
                return again(value)
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                return _joined([again(left), again(right)])
            case ast.IfExp(test=test, body=one, orelse=other):
                known = self.tests.get(ast.unparse(test))
                parts = [one, other] if known is None else [one if known else other]
                return _unique([text for part in parts for text in again(part)])
            case ast.BoolOp(values=values):
                return _unique([text for value in values for text in again(value)])
            case ast.Call(func=ast.Name(id="plural"), args=[_, one, *many]):
                return (
                    [f"… {text}" for text in again(many[0] if many else one)[:1]]
                    if many
                    else [f"… {text}s" for text in again(one)]
                )
            case ast.Call(
                func=ast.Attribute(value=ast.Constant(value=str(between)), attr="join"),
                args=[ast.Name() as words],
            ):
                lists = [
                    v.elts for v, _ in self.values(words.id, inside) if isinstance(v, ast.List)
                ]
                if not lists:
                    return ["…"]
                return [f"{text}{between}…" for text in again(lists[0][0])]
            case ast.Call(func=ast.Name(id=name)) if name in self.module.functions:
                function = self.module.functions[name]
                returns = (n for n in ast.walk(function) if isinstance(n, ast.Return))
                return of((n.value, function) for n in returns if n.value)
            case ast.Name(id=name):
                return of(self.values(name, inside))
        return ["…"]

    def levels(self, node: ast.expr, inside: Function | None) -> tuple[str, ...]:
        """The levels that an expression can be."""
        match node:
            case ast.Attribute(value=ast.Name(id="Level"), attr=name):
                return (name.lower(),)
            case ast.IfExp(test=test, body=one, orelse=other):
                known = self.tests.get(ast.unparse(test))
                parts = [one, other] if known is None else [one if known else other]
                return tuple(level for part in parts for level in self.levels(part, inside))
            case ast.Name(id=name) if name in _LEVEL_OF:
                return (_LEVEL_OF[name],)
            case ast.Name(id=name):
                found = [
                    level
                    for value, where in self.values(name, inside)
                    for level in self.levels(value, where)
                ]
                looped = found or self._looped(name, inside)
                return tuple(dict.fromkeys(looped))
        return ()

    def _looped(self, name: str, inside: Function | None) -> list[str]:
        """Levels that a loop's variable takes, where it goes over pairs that are written down."""
        return [
            level
            for loop in ast.walk(inside or self.module.tree)
            if isinstance(loop, ast.For)
            and name in {_name(n) for n in ast.walk(loop.target) if isinstance(n, ast.expr)}
            for node in ast.walk(loop.iter)
            if isinstance(node, ast.Attribute)
            for level in self.levels(node, inside)
        ]


def _cases(
    module: Module, id: ast.expr, inside: Function | None
) -> Iterator[tuple[ast.expr, Case]]:
    """Each id that a finding can have, with what else is true then."""
    match id:
        case ast.IfExp(test=test, body=one, orelse=other):
            yield one, Case(module, {ast.unparse(test): True})
            yield other, Case(module, {ast.unparse(test): False})
        case ast.Name(id=name) if inside is not None:
            pairs = [_pairs(node) for node in ast.walk(inside) if isinstance(node, ast.stmt)]
            for pair in (pair for pair in pairs if name in pair):
                yield id, Case(module, {}, {key: (value, inside) for key, value in pair.items()})
            givens = [given for given in module.parameters(inside) if name in given]
            for given in givens:
                yield id, Case(module, {}, given)
            if not givens and not any(name in pair for pair in pairs):
                yield id, Case(module)
        case _:
            yield id, Case(module)


def _joined(parts: list[list[str]]) -> list[str]:
    """Every way to put the parts together, or, where these are too many, the first ones."""
    made = [""]
    for part in parts:
        made = [text + more for text in made for more in part or ["…"]][:4]
    return _unique([re.sub(r"…(?: \(…\))?(?:[ .]?…)*", "…", text) for text in made])


def _unique(found: list[str]) -> list[str]:
    return list(dict.fromkeys(found))


def findings_of(module: Module) -> Iterator[tuple[str, Said]]:
    """Each finding that a module makes."""
    for call, inside in module.calls():
        maker = _name(call.func)
        given = {k.arg: k.value for k in call.keywords if k.arg}
        match maker, call.args:
            case "Finding", [level, id, what, *_]:
                pass
            case (("passed" | "look" | "fail" | "failed" | "tell"), [ast.expr() as id, what]):
                level = call.func
            case _:
                continue
        given["what"] = what
        for one, case in _cases(module, id, inside):
            said = (
                _alternatives(case.texts(given[name], inside) if name in given else [""])
                for name in ("what", "why", "todo")
            )
            way = Said(case.levels(level, inside) or LEVELS[:3], *said)
            yield from ((text, way) for text in case.texts(one, inside) if "…" not in text)


def _alternatives(found: list[str]) -> str:
    told = [text for text in (" ".join(t.split()) for t in found) if text.strip("… :.")]
    return " / ".join(_unique(told)) or ("…" if any(t.strip() for t in found) else "")
