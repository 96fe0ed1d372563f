"""What the engine said on the demo's servers, kept as files: the screens' tests show nothing else.

`python -m scripts.record_runs` makes them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.model.events import Event
from tswizard.core.model.finding import Finding
from tswizard.core.model.outcome import Outcome
from tswizard.core.probe.events import ProbeEvent

FOLDER = Path(__file__).parents[1] / "tui" / "recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedPair:
    """Both databases as they were read, and what was said of them before a run."""

    source: Inventory
    target: Inventory
    preflight: dict[str, tuple[Finding, ...]]
    """By situation; `scripts.record_runs` names them."""
    refused: tuple[str, str]
    """A connection with a wrong password: what is said, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRun:
    """What a run told, and what it came to."""

    told: tuple[tuple[str, dict[str, Any]], ...]
    """Each event's class and fields."""
    outcome: Outcome | None = None
    """None when it was stopped or broke off."""
    confirmation: str | None = None
    """What a resume asks before it removes anything."""

    @classmethod
    def of(
        cls, events: Iterable[Event], outcome: Outcome | None, confirmation: str | None = None
    ) -> "RecordedRun":
        named = ((type(event).__name__, event) for event in events)
        told = tuple((name, as_data(_EVENTS[name], event)) for name, event in named)
        return cls(told=told, outcome=outcome, confirmation=confirmation)

    @property
    def events(self) -> list[Event]:
        return [_EVENTS[name].validate_python(fields) for name, fields in self.told]


_EVENTS: dict[str, TypeAdapter[Event]] = {
    kind.__name__: TypeAdapter(kind) for kind in Event.__subclasses__()
}


def as_data(adapter: TypeAdapter[Any], value: Any) -> dict[str, Any]:
    """For JSON, without what every value has unless it says otherwise."""
    data: dict[str, Any] = adapter.dump_python(value, mode="json", exclude_defaults=True)
    return data


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedProbe:
    """What a probe told, its last event included."""

    told: tuple[tuple[str, dict[str, Any]], ...]
    """Each event's class and fields."""

    @classmethod
    def of(cls, events: Iterable[ProbeEvent]) -> "RecordedProbe":
        named = ((type(event).__name__, event) for event in events)
        return cls(told=tuple((name, as_data(_PROBE_EVENTS[name], e)) for name, e in named))

    @property
    def events(self) -> list[ProbeEvent]:
        return [_PROBE_EVENTS[name].validate_python(fields) for name, fields in self.told]


_PROBE_EVENTS: dict[str, TypeAdapter[ProbeEvent]] = {
    kind.__name__: TypeAdapter(kind) for kind in ProbeEvent.__subclasses__()
}

PAIR = TypeAdapter(RecordedPair)
PROBE = TypeAdapter(RecordedProbe)
RUN = TypeAdapter(RecordedRun)


@cache
def load_pair() -> RecordedPair:
    return PAIR.validate_json((FOLDER / "pair.json").read_bytes())


@cache
def load_probe() -> RecordedProbe:
    return PROBE.validate_json((FOLDER / "probe.json").read_bytes())


@cache
def load_run(name: str) -> RecordedRun:
    """One of `full`, `split`, `interrupted` and `lost`."""
    return RUN.validate_json((FOLDER / f"{name}.json").read_bytes())
