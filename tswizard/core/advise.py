"""From what was read and timed to estimates of both methods and a recommendation."""

import os
from collections.abc import Iterable

from tswizard.core.estimate.recommend import Situation, recommend
from tswizard.core.estimate.workload import Workload
from tswizard.core.methods import METHODS
from tswizard.core.model.finding import Finding
from tswizard.core.model.prepared import Prepared
from tswizard.core.model.probed import Probe
from tswizard.core.model.recommendation import Advice
from tswizard.core.model.time_limit import seconds_of


def advise(
    prepared: Prepared,
    findings: Iterable[Finding],
    probe: Probe | None,
    *,
    cores: int | None = None,
) -> Advice:
    """Both estimates and what to recommend, for these answers. Asks no server and no disk.

    `cores` are those of this machine, counted where they are not given.

    `findings` are of the checks for every method; `probe` is None where nothing was timed. Raises
    ValueError without client tools.
    """
    task = prepared.task(prepared.staging)
    load = Workload(
        inventory=prepared.inventory,
        target=prepared.target_inventory.server,
        answers=prepared.answers,
        probe=probe,
        cores=cores or os.cpu_count() or 1,
        shared=prepared.source.is_local and prepared.target.is_local,
    )
    estimates = tuple(method.estimate(task, load) for method in METHODS)
    by_name = {estimate.method: estimate for estimate in estimates}
    limit = seconds_of(prepared.answers.time_limit)
    situation = Situation(
        load=load,
        findings=tuple(findings),
        full=by_name["full"],
        split=by_name["split"],
        limit=limit,
    )
    return Advice(
        probe=probe, estimates=estimates, recommendation=recommend(situation), limit=limit
    )
