"""Objects that an answers file names, looked up in the source."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tswizard.core.catalog.cagg_model import Cagg
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.model.answers import Answers
from tswizard.core.model.object_selection import job_label

_NEAR = 3
"""How many near names are told."""

_PART = re.compile(r'"((?:[^"]|"")+)"|([^".]+)')


class UnknownObject(ValueError):
    """A name that fits none or several; one sentence with the key, the name and the near ones."""


def with_found_names(inventory: Inventory, answers: Answers) -> Answers:
    """The answers with continuous aggregates as `schema.name`, however they were written.

    Raises UnknownObject.
    """

    def found(key: str, named: str | tuple[str, ...]) -> Any:
        if isinstance(named, str):
            return named
        labels = [_cagg(key, text, inventory.caggs).label for text in named]
        return tuple(dict.fromkeys(labels))

    answers = replace(
        answers,
        caggs=found("caggs", answers.caggs),
        history=found("history", answers.history),
        lose_history=found("lose_history", answers.lose_history),
    )
    if isinstance(answers.policies, tuple):
        _check_jobs(answers.policies, inventory)
    return answers


def _cagg(key: str, text: str, caggs: Sequence[Cagg]) -> Cagg:
    """The one of that name: as screens show it, or as in SQL."""
    as_sql = _sql_name(text)
    fits = [cagg for cagg in caggs if text == cagg.label or as_sql == (cagg.schema, cagg.name)]
    alike = [cagg for cagg in caggs if cagg.label in {fit.label for fit in fits}]
    if len(alike) == 1:
        return fits[0]
    if alike:
        both = ", ".join(cagg.sql for cagg in alike)
        raise UnknownObject(f'answers.{key}: "{text}" fits {len(alike)} of the source: {both}.')
    near = difflib.get_close_matches(text.replace('"', ""), [c.label for c in caggs], _NEAR, 0.5)
    raise UnknownObject(
        f'answers.{key}: the source has no continuous aggregate "{text}".{_told(near)}'
    )


def _sql_name(text: str) -> tuple[str, str] | None:
    """Schema and name as SQL reads them; None for what it does not."""
    first = _PART.match(text)
    if first is None or text[first.end() : first.end() + 1] != ".":
        return None
    second = _PART.fullmatch(text, first.end() + 1)
    return None if second is None else (_unquoted(first), _unquoted(second))


def _unquoted(part: re.Match[str]) -> str:
    quoted, plain = part.groups()
    return plain.lower() if quoted is None else quoted.replace('""', '"')


def _check_jobs(ids: Sequence[int], inventory: Inventory) -> None:
    there = {job.id: job for job in inventory.jobs}
    for id in ids:
        if id not in there:
            near = sorted(sorted(there, key=lambda other: abs(other - id))[:_NEAR])
            raise UnknownObject(
                f"answers.policies: the source has no job {id}."
                f"{_told([job_label(there[other]) for other in near])}"
            )


def _told(near: Sequence[str]) -> str:
    return f" Did you mean: {', '.join(near)}?" if near else ""
