"""How many jobs there are where the user has not said so."""

from dataclasses import replace

import pytest

from tests.support.sample_inventory import SERVER
from tswizard.core.catalog.inventory import Server
from tswizard.core.model.answers import Answers
from tswizard.core.model.parallel_jobs import FAR_AWAY, parallel_jobs

FAR = replace(SERVER, latency_s=FAR_AWAY)


@pytest.mark.parametrize(
    ("said", "source", "target", "jobs"),
    [
        pytest.param(0, SERVER, SERVER, 4, id="near"),
        pytest.param(0, FAR, SERVER, 8, id="source far away"),
        pytest.param(0, SERVER, FAR, 8, id="target far away"),
        pytest.param(6, SERVER, FAR, 6, id="as the user said"),
        pytest.param(6, replace(SERVER, concurrent=False), FAR, 1, id="one backend for all"),
    ],
)
def test_jobs_by_distance(said: int, source: Server, target: Server, jobs: int) -> None:
    assert parallel_jobs(Answers(jobs=said), source, target) == jobs
