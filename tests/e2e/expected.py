"""What more than one test expects of a run's report and of the source afterward."""

from typing import Any

from tests.support.program import Program
from tswizard.core.db.connection import connected, rows
from tswizard.core.db.endpoint import Endpoint
from tswizard.demo import EmbeddedPair

ROWS = 35_000
"""The source has more."""


def proved(report: dict[str, Any]) -> None:
    """Every row is there, nothing failed and nothing was left out."""
    assert report["method"] == "split"
    assert report["result"] == "pass"
    assert sum(table["source_rows"] for table in report["tables"]) > 0.7 * ROWS
    assert all(table["equal"] for table in report["tables"])
    levels = {finding["id"]: finding["level"] for finding in report["findings"]}
    assert set(levels.values()) == {"pass"}
    assert {"cagg-states", "schema-continuous-aggregate"} <= set(levels)
    assert report["verdicts"]["lost"] == 0


async def scheduled(pair: EmbeddedPair) -> list[int]:
    """Retention and compression jobs of the source that are switched on."""
    source = Endpoint.parse(pair.source_conninfo, password=pair.source_password)
    async with connected(source) as connection:
        found = await rows(
            connection,
            "SELECT job_id FROM timescaledb_information.jobs WHERE scheduled "
            "AND proc_name IN ('policy_retention', 'policy_compression') ORDER BY 1",
        )
    return [job for (job,) in found]


async def names_a_chunk_created_since(program: Program, source: Endpoint) -> None:
    """The run has passed; `check` says LOOK, and nothing worse, of a row in a new chunk."""
    async with connected(source) as connection:
        await connection.execute(
            "INSERT INTO public.conditions (time, sensor_id, temperature, humidity) "
            "VALUES ('2026-06-01 00:00+00', 1, 20, 40)"
        )
    later = await program.call("check")
    assert later.code == 1, later.err
    found = program.report()["findings"]
    assert [f for f in found if f["level"] == "fail"] == []
    assert any(f["id"].startswith("rows") and "public.conditions" in f["what"] for f in found)
