"""The answers file: TOML, one key for each question, for an unattended run."""

import difflib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tswizard.core.db.endpoint import BadEndpoint, Endpoint
from tswizard.core.model.answers import Answers
from tswizard.questions import QUESTIONS, RECOMMENDED, Kind, Question, question


class BadAnswers(ValueError):
    """An answers file that cannot be used; one sentence with file, key and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What an answers file asks for. Endpoints are None where a demo brings its own."""

    source: Endpoint | None
    target: Endpoint | None
    confirm: str
    answers: Answers
    recommended: bool = False
    """The method of `answers` is still to be chosen by the recommendation."""


def load(path: Path, *, demo: bool = False) -> Request:
    """Read and check an answers file. Raises BadAnswers.

    With `demo` both databases are the embedded pair's: conninfos and confirm are not asked for.
    """
    given = _read(path)
    for section, keys in given.items():
        for key, answer in keys.items():
            _check(path, section, key, answer)
    if not demo:
        for q in QUESTIONS:
            if q.required and q.key not in given.get(q.section, {}):
                raise BadAnswers(f"{path}: {q.name} is missing. {q.help}")
    source, target = given.get("source", {}), given.get("target", {})
    answers = dict(given.get("answers", {}))
    recommended = answers.get("method", RECOMMENDED) == RECOMMENDED
    if recommended:
        answers.pop("method", None)
    return Request(
        source=None if demo else _endpoint(path, "source", source["conninfo"]),
        target=None if demo else _endpoint(path, "target", target["conninfo"]),
        confirm=str(target.get("confirm", "")),
        answers=_answers(path, answers),
        recommended=recommended,
    )


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # editors on Windows mark it
    except OSError as error:
        raise BadAnswers(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise BadAnswers(f"{path} is not UTF-8 text.") from None
    except tomllib.TOMLDecodeError as error:
        raise BadAnswers(f"{path} is not TOML: {error}.") from None
    except ValueError:  # a number of thousands of digits, which Python does not read
        raise BadAnswers(f"{path} has a number with too many digits.") from None
    except RecursionError:
        raise BadAnswers(f"{path} has lists or tables nested too deeply.") from None
    for section, keys in data.items():
        if not isinstance(keys, dict):
            raise BadAnswers(
                f"{path}: {section} is outside of a table; "
                "put it under [source], [target] or [answers]."
            )
    return data


def _check(path: Path, section: str, key: str, answer: Any) -> None:
    asked = question(section, key)
    if asked is None or asked.kind is Kind.SECRET:
        names = [q.name for q in QUESTIONS if q.kind is not Kind.SECRET]
        near = difflib.get_close_matches(f"{section}.{key}", names, 1)
        hint = f" Did you mean {near[0]}?" if near else f" Known keys: {', '.join(names)}."
        if key == "password":
            hint = " Put the password into ~/.pgpass."
        raise BadAnswers(f"{path}: {section}.{key} is not a known key.{hint}")
    wrong = _wrong_kind(asked, answer) or asked.check(answer)
    if wrong:
        raise BadAnswers(f"{path}: {asked.name}: {wrong}.")


def _wrong_kind(asked: Question, answer: Any) -> str | None:
    if asked.kind is Kind.NAMES and isinstance(answer, list):
        wrong = [name for name in answer if not isinstance(name, str)]
        return f"{wrong[0]!r} is not text in quotes" if wrong else None
    if asked.kind is Kind.IDS and isinstance(answer, list):
        strange = [id for id in answer if not _is_whole(id)]
        return f"{strange[0]!r} is not a whole number" if strange else None
    if asked.kind in (Kind.CHOICE, Kind.NAMES, Kind.IDS):
        allowed = [choice.value for choice in asked.choices]
        if answer not in allowed:
            return f'"{answer}" is not one of {", ".join(allowed)}'
        return None
    if asked.kind is Kind.YES_NO:
        return None if isinstance(answer, bool) else f"{answer!r} is not true or false"
    if asked.kind is Kind.NUMBER:
        return None if _is_whole(answer) else f"{answer!r} is not a whole number"
    if isinstance(answer, str) or (asked.or_whole_number and _is_whole(answer)):
        return None
    return f"{answer!r} is not text in quotes"


def _is_whole(answer: Any) -> bool:
    return isinstance(answer, int) and not isinstance(answer, bool)


def _endpoint(path: Path, section: str, conninfo: str) -> Endpoint:
    try:
        return Endpoint.parse(conninfo)
    except BadEndpoint as error:
        raise BadAnswers(f"{path}: {section}.conninfo: {error}") from None


def _answers(path: Path, given: dict[str, Any]) -> Answers:
    texts = {q.key for q in QUESTIONS if q.or_whole_number}
    given = {key: str(value) if key in texts else value for key, value in given.items()}
    try:
        return TypeAdapter(Answers).validate_python(given)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadAnswers(f"{path}: answers.{first['loc'][0]}: {first['msg']}.") from None
