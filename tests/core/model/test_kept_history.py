"""What recomputing loses, said before and accepted one by one."""

from dataclasses import replace

from tests.support.sample_cagg_state import STATE
from tests.support.sample_inventory import CAGG, inventory
from tests.support.sample_task import prepared
from tswizard.core.model.answers import Answers
from tswizard.core.model.finding import Level
from tswizard.core.model.kept_history import lost_history
from tswizard.core.preflight.checks.continuous_aggregates import _history

# Buckets of 10; raw rows from 505 on. The child reads buckets from 0 on, which its parent has.
PARENT = replace(CAGG, name="hours", state=STATE)
CHILD = replace(
    CAGG,
    name="days",
    hypertable=PARENT.label,
    parent=PARENT.label,
    state=replace(STATE, width=100, raw_from=0, first_raw=0, last=900),
)
HELD = inventory(caggs=(PARENT, CHILD))


def test_what_stands_on_a_recomputed_one_loses_what_the_raw_rows_lack() -> None:
    lost = lost_history(HELD, Answers(history="recompute"))
    assert {label: words.split(" from")[0] for label, words in lost.items()} == {
        PARENT.label: "50 buckets",
        CHILD.label: "5 buckets",
    }


def test_nothing_is_lost_while_its_parent_is_kept() -> None:
    assert lost_history(HELD, Answers(history=(CHILD.label,))) == {}


def test_an_unknown_state_is_no_proof() -> None:
    unknown = inventory(caggs=(replace(PARENT, state=None), CHILD))
    lost = lost_history(unknown, Answers(history="recompute"))
    assert set(lost) == {PARENT.label, CHILD.label}
    assert all("unknown" in words for words in lost.values())


def test_each_has_to_be_named() -> None:
    def levels(*named: str) -> dict[str, tuple[str, ...]]:
        answers = Answers(method="split", history="recompute", lose_history=named)
        found = _history(replace(prepared(answers), inventory=HELD))
        return {finding.level: finding.details for finding in found}

    assert set(levels()) == {Level.FAIL}
    some = levels(PARENT.label)
    assert [text.split(":")[0] for text in some[Level.FAIL]] == [CHILD.label]
    assert [text.split(":")[0] for text in some[Level.LOOK]] == [PARENT.label]
    assert set(levels(PARENT.label, CHILD.label)) == {Level.LOOK}
