"""What is expected of both ends when a migration between cloud-like databases is over."""

from tests.support.program import Program
from tswizard.core.db.connection import connected, rows, value
from tswizard.core.db.endpoint import Endpoint

_JOBS = """
SELECT job_id, application_name, scheduled FROM timescaledb_information.jobs
WHERE job_id >= 1000 ORDER BY 1
"""


async def jobs(end: Endpoint) -> list[tuple[object, ...]]:
    async with connected(end) as connection:
        return await rows(connection, _JOBS)


async def finished(program: Program, source: Endpoint, target: Endpoint) -> None:
    """The run is over, and both ends are as they should be."""
    report = program.report()
    wrong = [f for f in report["findings"] if f["level"] in ("fail", "look")]
    wrong += [j for j in report["errors"] if j["verdict"] in ("look", "lost")]
    assert all(table["equal"] for table in report["tables"]), report["tables"]
    assert report["result"] == "pass", wrong
    async with connected(target) as connection:
        assert await value(connection, "SHOW timescaledb.restoring") == "off"
        assert await value(connection, "SELECT to_regnamespace('_tswizard')") is None
    ours, theirs = await jobs(source), await jobs(target)
    assert [job[2] for job in ours] == [True] * len(ours)
    assert sorted(str(job[2]) for job in ours) == sorted(str(job[2]) for job in theirs)
