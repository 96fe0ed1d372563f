"""The record of a run: what was decided, what is done, what must be put back."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from pydantic import TypeAdapter

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.model.answers import Answers
from tswizard.core.model.events import StepState
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.judged import JudgedMessage
from tswizard.core.model.outcome import TableRows
from tswizard.core.model.recommendation import Advice
from tswizard.core.model.write_counters import WriteCounters

RECORD_FORMAT = 2
"""Of a run's folder; grows when ids of steps or fields of the record change their meaning."""


FINAL = (StepState.DONE, StepState.SKIPPED)
"""States of a step that a resume does not repeat by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """One step as it stands, with what it said; all of it goes when the step is repeated."""

    name: str
    state: StepState = StepState.PENDING
    seconds: float = 0.0
    findings: tuple[Finding, ...] = ()
    judged: tuple[JudgedMessage, ...] = ()
    title: str = ""
    """As Review and Run show it; runs of older versions have none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """Everything that a resume needs, without secrets."""

    id: str
    started: float
    source: str
    """Conninfo without the password."""
    target: str
    source_label: str
    target_label: str
    answers: Answers
    steps: tuple[StepRecord, ...]
    preflight: tuple[Finding, ...] = ()
    leaving: tuple[Finding, ...] = ()
    """What went wrong when the run was left; forgotten when it is resumed."""
    tables: tuple[TableRows, ...] = ()
    paused_source_jobs: tuple[int, ...] = ()
    """Jobs of the source that this run pauses and has not put back yet."""
    source_timescaledb: str = ""
    """The source's version of TimescaleDB, where jobs are paused; empty in earlier runs."""
    result: Level | None = None
    demo: bool = False
    format: int = RECORD_FORMAT
    counters: WriteCounters | None = None
    """How often each table of the source had been written to before the dump."""
    source_fingerprint: str = ""
    """Of the source when the pieces were reconciled (`split/source_fingerprint.py`)."""
    source_xid: int | None = None
    """The source's next transaction when its rows began to be read: a row of a later one was
    written since."""
    checked: float = 0.0
    """When both databases were compared last, in seconds since the epoch; 0 before the first
    time."""
    missing_roles: tuple[str, ...] = ()
    """Roles that the source uses and the target lacked when the run began."""
    abandoned: tuple[str, ...] = ()
    """Labels of targets that this run was restored into before it went on into another."""
    arrived: tuple[str, ...] = ()
    """Tables that were equal at some check."""
    target_counters: WriteCounters | None = None
    """How often each table of the target had been written to when both databases were compared
    first: what was written there since is the applications' own."""
    advice: Advice | None = None
    """What was timed, estimated and recommended before the run."""

    @property
    def seconds(self) -> float:
        return sum(step.seconds for step in self.steps)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything found so far: by preflight, step by step, and in leaving."""
        by_steps = tuple(f for step in self.steps for f in step.findings)
        return self.preflight + by_steps + self.leaving

    @property
    def judged(self) -> tuple[JudgedMessage, ...]:
        return tuple(j for step in self.steps for j in step.judged)

    def step(self, name: str) -> StepRecord:
        """That step; a pending one when the run has none of that name."""
        return next((s for s in self.steps if s.name == name), StepRecord(name=name))

    def with_step(self, changed: StepRecord) -> "RunRecord":
        steps = tuple(changed if s.name == changed.name else s for s in self.steps)
        return replace(self, steps=steps)

    def with_steps_before(self, name: str, *new: StepRecord) -> "RunRecord":
        """The record with these steps before that one; those that it has already stay."""
        known = {step.name for step in self.steps}
        fresh = tuple(step for step in new if step.name not in known)
        at = next((n for n, s in enumerate(self.steps) if s.name == name), len(self.steps))
        return replace(self, steps=(*self.steps[:at], *fresh, *self.steps[at:]))

    def with_addresses_of(self, other: "RunRecord") -> "RunRecord":
        """The record with the same databases as another record reaches them."""
        return replace(
            self,
            source=other.source,
            target=other.target,
            source_label=other.source_label,
            target_label=other.target_label,
        )

    def with_plan(self, plan: Sequence[StepRecord]) -> "RunRecord":
        """The record with the steps of this plan that it lacks, each where the plan has it: an
        earlier version did not have them."""
        record, following = self, ""
        for step in reversed(plan):
            record = record.with_steps_before(following, step)
            following = step.name
        return record

    def to_do_again(self, names: Collection[str]) -> "RunRecord":
        """The record with these steps pending again. What they said stays until each begins: it is
        what there is to do."""
        steps = tuple(
            replace(s, state=StepState.PENDING) if s.name in names else s for s in self.steps
        )
        return replace(self, steps=steps)

    def repeated(self, names: Collection[str]) -> "RunRecord":
        """The record with these steps pending again; their time stays counted."""
        steps = tuple(
            replace(s, state=StepState.PENDING, findings=(), judged=()) if s.name in names else s
            for s in self.steps
        )
        return replace(self, steps=steps)

    @property
    def over(self) -> bool:
        """Has it come to a result?"""
        return self.result is not None

    @property
    def planned(self) -> bool:
        """Was it planned to its end? Else it has done nothing, and nobody can resume it."""
        return bool(self.steps)

    @property
    def resumable(self) -> bool:
        return self.planned and not self.over

    @property
    def state(self) -> str:
        """One word for a list: the result, or `unfinished`."""
        return self.result.value if self.result else "unfinished"


RECORD_JSON = TypeAdapter(RunRecord)
"""As in `run.json`."""
INVENTORY_JSON = TypeAdapter(Inventory)
"""As in `inventory.json`."""


def record_to_text(record: RunRecord) -> str:
    """The record as JSON in ASCII, which every database can hold."""
    return json.dumps(RECORD_JSON.dump_python(record, mode="json"))


def record_from_text(text: str) -> RunRecord:
    """Raises pydantic.ValidationError for what another version wrote."""
    return RECORD_JSON.validate_json(text)


def inventory_to_text(inventory: Inventory) -> str:
    """The inventory as JSON in ASCII."""
    return json.dumps(INVENTORY_JSON.dump_python(inventory, mode="json"))


def inventory_from_text(text: str) -> Inventory:
    """Raises pydantic.ValidationError for what another version wrote."""
    return INVENTORY_JSON.validate_json(text)
