"""The report has what was timed, estimated and recommended, beside what a run took."""

import json

from tests.support.sample_outcome import outcome
from tswizard.core.model.estimate import MethodEstimate, PhaseEstimate, SecondsRange
from tswizard.core.model.events import StepState
from tswizard.core.model.outcome import StepOutcome
from tswizard.core.model.probed import Probe, SampleKind, Timed, Timing
from tswizard.core.model.recommendation import Advice, Reason, Recommendation
from tswizard.core.report.report import from_json, to_json, to_markdown

DUMP = Timing(
    what=Timed.DUMP,
    kind=SampleKind.CHUNK,
    table="public.m, 1 of 2 chunks",
    connections=1,
    bytes=1 << 20,
    stored=1 << 20,
    rows=10,
    seconds=2.0,
)
FULL = MethodEstimate(
    method="full",
    bytes=5,
    bytes_how="5 bytes as stored",
    disk_here=7,
    disk_there=9,
    phases=(
        PhaseEstimate(name="dump", title="Dump", seconds=SecondsRange(50.0, 90.0), how="a dump"),
    ),
    seconds=SecondsRange(100.0, 180.0),
)
ADVICE = Advice(
    probe=Probe(at=1.0, timings=(DUMP,), problems=("One table cannot be read.",)),
    estimates=(FULL,),
    recommendation=Recommendation(
        "full",
        (Reason("quicker", "full", "it takes less"), Reason("simple", "full", "it is small")),
    ),
    limit=3600.0,
)
STEPS = (
    StepOutcome("dump", StepState.DONE, 63.0),
    StepOutcome("other", StepState.DONE, 1.0),
)
MADE = outcome(advice=ADVICE, steps=STEPS, seconds=64.0)


def test_the_json_has_estimate_and_truth() -> None:
    data = to_json(MADE)
    assert data["probe"] == [
        {
            "table": "public.m, 1 of 2 chunks",
            "kind": "chunk",
            "what": "pg_dump",
            "connections": 1,
            "bytes": 1 << 20,
            "seconds": 2.0,
            "rate": (1 << 20) / 2,
        }
    ]
    phases = [{"name": "dump", "low": 50.0, "high": 90.0}]
    assert data["estimate"] == {"full": {"low": 100.0, "high": 180.0, "bytes": 5, "phases": phases}}
    assert data["recommendation"] == {
        "method": "full",
        "reasons": [
            {"id": "quicker", "text": "it takes less"},
            {"id": "simple", "text": "it is small"},
        ],
    }
    assert data["phases"] == [
        {"name": "dump", "estimate": {"low": 50.0, "high": 90.0}, "seconds": 63.0},
        {"name": "other", "estimate": None, "seconds": 1.0},
    ]
    assert from_json(json.dumps(data)) == MADE


def test_a_run_without_a_probe_says_so() -> None:
    data = to_json(outcome(steps=STEPS))
    assert (data["probe"], data["estimate"], data["recommendation"]) == ([], None, None)
    assert [phase["estimate"] for phase in data["phases"]] == [None, None]


def test_people_read_truth_beside_the_estimate() -> None:
    text = to_markdown(MADE)
    assert "| dump | done | 1 min 3 s | 50 – 90 s |" in text
    assert "| **all** |  | 1 min 4 s | 1.7 – 3.0 min |" in text
    assert "- Recommended: Full: it takes less." in text
    assert "One table cannot be read." in text
