"""Logs recorded from real runs of pg_dump, pg_restore and psql.

`expected.toml` holds what each log says by rule and verdict, as a log alone; it was read through
once, log by log, and `python -m tests.core.classify.test_logs` prints it again.
"""

import re
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from tests.support.classified import FixedProver
from tswizard.core.classify.classifier import Classifier
from tswizard.core.classify.encoding import LogReader
from tswizard.core.classify.log import classify_lines, classify_log
from tswizard.core.classify.message import PlainLine
from tswizard.core.classify.prove import Origin, prove
from tswizard.core.classify.tally import VerdictTally
from tswizard.core.classify.unmix_parallel_output import OutputUnmixer
from tswizard.core.model.judged import JudgedMessage
from tswizard.core.model.verdict import Verdict

FOLDER = Path(__file__).parent / "logs"
LOGS = sorted(path.stem for path in FOLDER.glob("*.log"))
EXPECTED = Path(__file__).with_name("expected.toml")
PHASES = ("dump", "pre-data", "catalog", "data", "post-data")


def about(name: str) -> dict[str, Any]:
    """What is known of a log: tool, method, phase, exit code and more."""
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def context(name: str) -> tuple[str, str | None]:
    facts = about(name)
    phase = facts["phase"].removeprefix("restore:").removeprefix("dump:")
    return facts["method"], phase if phase in PHASES else None


@cache
def items(name: str) -> list[PlainLine | JudgedMessage]:
    with (FOLDER / f"{name}.log").open("rb") as stream:
        return list(classify_lines(LogReader(stream), None, *context(name)))


def by_rule(name: str) -> dict[str, int]:
    """How often each rule gave which verdict."""
    counted = Counter(
        f"{item.verdict} {item.rule or item.message}"
        for item in items(name)
        if isinstance(item, JudgedMessage)
    )
    return dict(sorted(counted.items()))


@pytest.mark.parametrize("name", LOGS)
def test_log_says_what_it_is_known_to_say(name: str) -> None:
    expected = tomllib.loads(EXPECTED.read_text(encoding="utf-8"))
    assert by_rule(name) == expected[name]


@pytest.mark.parametrize("name", LOGS)
def test_every_error_of_pg_restore_is_counted_once(name: str) -> None:
    text = (FOLDER / f"{name}.log").read_text(encoding="utf-8", errors="replace")
    said = len(re.findall(r"\berror: ", text))
    counted = [i for i in items(name) if isinstance(i, JudgedMessage) and i.counts_as_error]
    assert len(counted) == (said if about(name)["tool"] == "pg_restore" else 0)


@pytest.mark.parametrize("name", LOGS)
def test_no_line_of_a_log_is_dropped(name: str) -> None:
    text = (FOLDER / f"{name}.log").read_text(encoding="utf-8")
    given = [
        line
        for item in items(name)
        for line in ((item.text,) if isinstance(item, PlainLine) else item.detail)
    ]
    unmixer = OutputUnmixer()
    lines = [unmixer.feed(line) for line in text.removesuffix("\n").split("\n")]
    assert given == lines[: len(given)]
    assert len(given) == text.count("\n")


@pytest.mark.parametrize("name", LOGS)
def test_a_run_that_failed_never_looks_safe(name: str) -> None:
    facts = about(name)
    with (FOLDER / f"{name}.log").open("rb") as stream:
        report = classify_log(LogReader(stream), None, *context(name))
    if (
        facts["exit_code"] != 0
        and report.lines
        and set(by_rule(name))
        != {
            "safe error-sum",
            "safe timeout-unknown",
        }
    ):
        assert report.worst in (Verdict.LOOK, Verdict.LOST)


@pytest.mark.parametrize("name", [n for n in LOGS if "errors_ignored" in about(n)])
def test_the_sum_is_checked_with_the_arithmetic_of_its_jobs(name: str) -> None:
    facts = about(name)
    (total,) = [i for i in items(name) if isinstance(i, JudgedMessage) and i.rule == "error-sum"]
    assert total.sum is not None
    assert total.sum.reported == facts["errors_ignored"]
    checkable = (
        "-j" not in facts["command"] or " -v" in facts["command"] or name.endswith("_client18")
    )
    assert total.sum.fits is checkable


async def test_lost_rows_of_a_real_run_carry_the_hypertables_name() -> None:
    """The run of issue 8893: 41 of 295 errors lose the rows of one hypertable."""
    classifier, tally = Classifier("pg_restore", "full"), VerdictTally()
    prover = FixedProver(
        answer=True, found=Origin("hypertable", "metrics.conditions", "one of its chunks")
    )
    named = 0
    with (FOLDER / "full_restore_copy_failed.log").open("rb") as stream:
        for line in LogReader(stream):
            for item in classifier.feed(line):
                if isinstance(item, JudgedMessage):
                    judged = tally.add(await prove(item, prover))
                    named += judged.object == "hypertable metrics.conditions" and judged.rule == (
                        "null-column"
                    )
    assert named == 41
    assert tally.worst is Verdict.LOST
    assert tally.errors == 295


async def test_a_real_restore_is_all_explained_once_the_proofs_hold() -> None:
    classifier, tally = Classifier("pg_restore", "split", "post-data"), VerdictTally()
    found = []
    with (FOLDER / "split_post_data.log").open("rb") as stream:
        for line in LogReader(stream):
            for item in classifier.feed(line):
                if isinstance(item, JudgedMessage):
                    found.append(tally.add(await prove(item, FixedProver(answer=True))))
    safe = {judged.rule for judged in found if judged.verdict is Verdict.SAFE}
    assert {"index-exists", "own-trigger-exists"} <= safe
    lost = [judged.object for judged in found if judged.rule == "only-constraint"]
    assert len(lost) == 5


if __name__ == "__main__":
    print(tomli_w.dumps({name: by_rule(name) for name in LOGS}), end="")
