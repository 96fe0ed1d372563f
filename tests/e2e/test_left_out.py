"""One continuous aggregate and two policies left out of a full migration."""

from pathlib import Path

import pytest

from tests.support.program import Program
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.catalog.read import read_inventory
from tswizard.core.db.endpoint import Endpoint
from tswizard.demo import EmbeddedPair

pytestmark = pytest.mark.e2e

DAILY = "public.conditions_daily"


async def test_those_and_their_dependents_are_missing_and_named(
    pair: EmbeddedPair, tmp_path: Path
) -> None:
    source = Endpoint.parse(pair.source_conninfo, password=pair.source_password)
    target = Endpoint.parse(pair.target_conninfo, password=pair.target_password)
    held = await read_inventory(source)
    reorder, retention, of_daily = (
        next(job.id for job in held.jobs if (job.what, job.target) == wanted)
        for wanted in (
            ("reorder", "public.fill_levels"),
            ("retention", "public.events"),
            ("refresh", DAILY),
        )
    )
    program = Program.make(tmp_path, pair)
    answers = program.answers(
        pair,
        caggs=[cagg.sql for cagg in held.caggs if cagg.label != DAILY],
        policies=[job.id for job in held.jobs if job.id not in (reorder, retention)],
    )
    ended = await program.call("--answers", answers)
    assert ended.code == 0, ended.err
    assert program.report()["result"] == "pass"
    skipped = [line for line in ended.err.splitlines() if line.startswith("SKIP")]
    jobs = {
        of_daily: f"refresh on {DAILY}",
        reorder: "reorder on public.fill_levels",
        retention: "retention on public.events",
    }
    assert skipped == [
        f"SKIP  1 continuous aggregate left out: {DAILY}",
        "SKIP  2 views left out: public.site_temperatures, public.hot_days",
        f"SKIP  3 policies left out: {', '.join(f'{id} {jobs[id]}' for id in sorted(jobs))}",
    ]
    there = await read_inventory(target)
    assert _names(held) - _names(there) == {
        DAILY,
        "view public.site_temperatures",
        "view public.hot_days",
        *(str(id) for id in jobs),
    }
    assert _names(there) <= _names(held)


def _names(inventory: Inventory) -> set[str]:
    """Everything by name, chunks left out."""
    return {
        *(hypertable.label for hypertable in inventory.hypertables),
        *(table.label for table in inventory.tables),
        *(cagg.label for cagg in inventory.caggs),
        *inventory.extras.objects,
        *(str(job.id) for job in inventory.jobs),
    }
