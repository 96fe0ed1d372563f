"""The screens' tests show what the engine says today: its steps, findings, verdicts and log lines.

Where a test here fails: `python -m scripts.record_runs`, then `bin/test tests/tui/test_screens.py
--snapshot-update`, read the diff, and `python -m scripts.screenshots`.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.record_runs import RECORDINGS, record
from tests.support.embedded import SMALL
from tests.support.recordings import FOLDER, load_run
from tests.support.wizard_world import titles
from tswizard.core.model.answers import Answers, MethodName
from tswizard.core.model.events import RunStarted

Sayings = dict[tuple[str, ...], set[str]]
"""Texts by who said them, a number in them being any number."""

_NUMBER = re.compile(r"[\d.,]*\d( [KMGTP]iB)?")


def read(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def sayings(recorded: Any) -> Sayings:
    found: Sayings = defaultdict(set)
    for speaker, text in _said(recorded):
        found[speaker].add(_NUMBER.sub("#", text))
    return found


def _said(value: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    match value:
        case {"id": id, "level": level, "what": what}:
            yield (id, level), "\n".join((what, value.get("why", ""), value.get("todo", "")))
        case {"rule": rule, "verdict": verdict, "reason": reason}:
            yield (rule, verdict), "\n".join((reason, value.get("todo", "")))
        case {"tool": "tswizard", "text": text}:
            yield ("log",), text
        case {"refused": [what, todo], **rest}:
            yield ("refused",), f"{what}\n{todo}"
            yield from _said(rest)
        case dict():
            for part in value.values():
                yield from _said(part)
        case list():
            for part in value:
                yield from _said(part)


@pytest.mark.parametrize(
    ("name", "method"),
    [("full", "full"), ("interrupted", "full"), ("lost", "full"), ("split", "split")],
)
def test_recorded_steps_are_those_of_the_method(name: str, method: MethodName) -> None:
    started = load_run(name).events[0]
    assert isinstance(started, RunStarted)
    assert [id for id, _, _ in started.steps] == list(titles(Answers(method=method)))


@pytest.mark.parametrize("name", ["full", "interrupted"])
def test_recordings_agree(name: str) -> None:
    """Those that are not made again below say the same as those that are."""
    others: Sayings = defaultdict(set)
    for other in ("pair", "split", "lost"):
        for speaker, texts in sayings(read(other)).items():
            others[speaker] |= texts
    for speaker, texts in sayings(read(name)).items():
        if speaker in others and speaker != ("log",):
            assert texts <= others[speaker]


@pytest.mark.e2e
@pytest.mark.usefixtures("prepared_sample")
@pytest.mark.parametrize("name", ["pair", "split", "lost"])
async def test_the_engine_says_what_is_recorded(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(tmp_path))
    assert name in RECORDINGS
    fresh, kept = sayings(json.loads(await record(name, SMALL))), sayings(read(name))
    # A busy machine has more to tell in the log.
    assert kept.pop(("log",), set()) <= fresh.pop(("log",), set())
    assert fresh == kept
