"""How many tables are dumped, restored, copied or compared at once."""

from tswizard.core.catalog.inventory import Server
from tswizard.core.model.answers import Answers

FAR_AWAY = 0.02
"""Seconds of a round trip."""


def jobs_by_distance(source: Server, target: Server) -> int:
    """More where a server is far away: with small tables, a job waits there most of its time
    (docs/distance.md has what was measured)."""
    return 8 if max(source.latency_s, target.latency_s) >= FAR_AWAY else 4


def parallel_jobs(answers: Answers, source: Server, target: Server) -> int:
    """As many as the user said, or by distance; one where one backend serves every connection."""
    if not (source.concurrent and target.concurrent):
        return 1
    return answers.jobs or jobs_by_distance(source, target)
