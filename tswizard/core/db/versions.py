"""Versions as numbers."""

import re


def version_key(version: str) -> tuple[int, ...]:
    """The numbers of a version, for ordering: `2.19.3` is (2, 19, 3), `2.20.0-dev` (2, 20, 0)."""
    return tuple(int(number) for number in re.findall(r"\d+", version.split("-")[0]))


def between(version: str, first: str, fixed: str) -> bool:
    """Is `version` at least `first` and before `fixed`? For the range of a known bug."""
    return version_key(first) <= version_key(version) < version_key(fixed)
