"""One estimate of disk space: the same figures in preflight, the method's facts and the plan."""

import shutil
from dataclasses import replace
from typing import Any

import pytest

from tests.support.sample_inventory import HYPERTABLE, inventory, prepared
from tswizard.core.build_plan import build_plan
from tswizard.core.catalog.hypertable_model import Dimension, DimensionKind
from tswizard.core.methods import method_of
from tswizard.core.model.disk_estimate import dump_bounds, row_file_bounds, target_bytes
from tswizard.core.model.wording import size
from tswizard.core.preflight.check import Check
from tswizard.core.preflight.checks import disk_space
from tswizard.core.prepare import shown_task

TIME = Dimension(
    number=1,
    column="time",
    quoted="time",
    column_type="timestamp with time zone",
    kind=DimensionKind.RANGE,
    interval="7 days",
    partitions=None,
    partitioning_function=None,
    integer_now=None,
)
SOURCE = inventory(
    hypertables=(replace(HYPERTABLE, dimensions=(TIME,), bytes=100 << 30, index_bytes=20 << 30),)
)


@pytest.mark.parametrize(
    "answers", [{}, {"method": "split", "via": "files"}, {"method": "split"}], ids=str
)
def test_preflight_facts_and_plan_say_the_same(
    answers: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: _Disk(1 << 60))
    subject = prepared(SOURCE, **answers)
    plan = build_plan(shown_task(subject))
    here = [
        finding.what
        for check in disk_space.DISK_SPACE_CHECKS
        if isinstance(check, Check) and subject.answers.method in check.methods
        for finding in check.run(subject)
    ]
    if plan.disk_here:
        (said,) = here
        assert size(plan.disk_here) in said
    else:
        assert here == []
    assert size(plan.disk_there) in disk_space.target_space(subject, None).what
    server = subject.inventory.server
    facts = method_of(subject.answers).facts(SOURCE, server, server)
    if subject.answers.method == "full":
        assert size(plan.disk_here) in facts.needs


class _Disk:
    def __init__(self, free: int) -> None:
        self.free = free


def test_indexes_are_for_the_target_alone() -> None:
    bare = replace(SOURCE.hypertables[0], bytes=80 << 30, index_bytes=0)
    without = replace(SOURCE, hypertables=(bare,))
    assert dump_bounds(SOURCE) == dump_bounds(without)
    assert row_file_bounds(SOURCE) == row_file_bounds(without)
    assert target_bytes(SOURCE) > target_bytes(without)


def test_the_careful_factors_stand() -> None:
    """Of two estimates that a screen could give, the larger one."""
    assert dump_bounds(SOURCE).most > SOURCE.dump_bytes
    assert row_file_bounds(SOURCE).most > dump_bounds(SOURCE).most
    assert target_bytes(SOURCE) > SOURCE.stored_bytes
