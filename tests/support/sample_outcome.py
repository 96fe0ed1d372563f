"""Outcomes of a run, and verdicts in them, for tests of the checklist and the report."""

from dataclasses import replace
from typing import Any

from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.judged import JudgedMessage, Severity
from tswizard.core.model.outcome import Outcome
from tswizard.core.model.verdict import Verdict


def outcome(*findings: Finding, **more: object) -> Outcome:
    made = Outcome(
        run="run-1",
        result=Level.PASS,
        method="full",
        source="a:5432/defaultdb",
        target="b:5432/tsdb",
        started=0.0,
        seconds=1.0,
        steps=(),
        findings=findings,
        judged=(),
        tables=(),
    )
    return replace(made, **more)  # type: ignore[arg-type]  # fields by name


def judged(verdict: Verdict, **more: Any) -> JudgedMessage:
    """A verdict on an error of pg_restore."""
    fields: dict[str, Any] = {
        "verdict": verdict,
        "rule": "",
        "tool": "pg_restore",
        "method": "full",
        "phase": "data",
        "object": "",
        "message": "",
        "reason": "",
        "todo": "",
        "detail": (),
        "number": 1,
        "severity": Severity.ERROR,
        "counts_as_error": True,
    }
    return JudgedMessage(**(fields | more))
