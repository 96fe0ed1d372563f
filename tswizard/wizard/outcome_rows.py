"""What a finished run came to, as rows: what each step took, and how many rows each table has."""

from collections.abc import Iterable, Iterator

from tswizard.core.model.events import StepState
from tswizard.core.model.outcome import Outcome
from tswizard.core.model.wording import number
from tswizard.core.report.report import steps
from tswizard.core.run.method import Method


def step_rows(outcome: Outcome, methods: Iterable[Method]) -> Iterator[tuple[str, str, str]]:
    """Each step with its time and what was estimated for it; the whole run last."""
    titles = {step.id: step.title for m in methods if m.name == outcome.method for step in m.steps}
    *each, (_, _, took, estimated) = steps(outcome)
    for step, state, seconds, guessed in each:
        skipped = state == StepState.SKIPPED
        yield titles.get(step, step), state if skipped else seconds, guessed
    yield "all of it", took, estimated


def row_counts(outcome: Outcome, most: int) -> Iterator[tuple[str, str, str, str]]:
    """Each table with its rows at either end; those that differ first, then the largest, and of
    what is over `most` only the number."""
    tables = sorted(outcome.tables, key=lambda table: (table.equal, -table.source_rows))
    for table in tables[:most]:
        verdict = "equal" if table.equal else "DIFFERS"
        yield table.name, number(table.source_rows), number(table.target_rows), verdict
    if rest := tables[most:]:
        yield f"… and {number(len(rest))} more in the report", "", "", ""
