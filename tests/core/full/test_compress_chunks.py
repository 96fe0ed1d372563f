"""Chunks of the source that are compressed before a dump."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.native import databases
from tests.support.sample_inventory import CHUNK, HYPERTABLE, inventory
from tests.support.step_context import step_context
from tswizard.core.full.compress_chunks import compress, eligible
from tswizard.core.model.events import StepProgress


@pytest.mark.native
async def test_a_chunk_that_the_server_refuses_is_not_called_compressed(tmp_path: Path) -> None:
    chunks = tuple(
        replace(CHUNK, name=f"chunk_{n}", compressed=False, range_end=f"{n}") for n in range(3)
    )
    sample = inventory(hypertables=(replace(HYPERTABLE, chunks=chunks),))
    refused = eligible(sample)
    assert [chunk.name for _, chunk in refused] == ["chunk_0", "chunk_1"]
    async with databases() as (source, target), step_context(tmp_path, source, target) as run:
        held = replace(run.task.inventory, hypertables=sample.hypertables)  # on no server
        run.ctx.task = replace(run.task, inventory=held)
        await compress(run.ctx)
        log = run.ctx.run_folder.log_path.read_text()
    assert [finding.id for finding in run.findings] == ["chunk-not-compressed"] * len(refused)
    for hypertable, chunk in refused:
        assert f"compressed {chunk.name} of {hypertable.label}" not in log
    assert "compressed 0 chunks: 0 Bytes -> 0 Bytes" in log
    (*_, last) = [event for event in run.events if isinstance(event, StepProgress)]
    assert last.done == last.total == sum(chunk.bytes for _, chunk in refused)
