"""Watermarks that the target does not store."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.native import databases
from tests.support.sample_cagg_state import STATE
from tests.support.step_context import offline_context
from tswizard.core.catalog.cagg_state import WATERMARK
from tswizard.core.db.connection import connected, value
from tswizard.core.split.caggs.refresh import Refresh
from tswizard.core.split.caggs.watermark import WatermarkSetter
from tswizard.core.split.schema.cagg_facts import read_cagg_facts

pytestmark = pytest.mark.native

_TABLE = """
CREATE TABLE public.ticks (tick bigint NOT NULL, v int);
SELECT public.create_hypertable('public.ticks', 'tick', chunk_time_interval => 100);
CREATE FUNCTION public.now_tick() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT 1000::bigint';
SELECT public.set_integer_now_func('public.ticks', 'public.now_tick');
"""
_CAGG = """
CREATE MATERIALIZED VIEW public.tens WITH (timescaledb.continuous) AS
SELECT public.time_bucket(10::bigint, tick) AS t, pg_catalog.sum(v) AS v
FROM public.ticks GROUP BY 1 WITH NO DATA
"""


async def test_nothing_is_set_where_none_is_stored(tmp_path: Path) -> None:
    async with (
        databases(community=True) as (source, target),
        connected(target) as there,
        connected(source) as here,
    ):
        for end in (here, there):
            await end.execute(_TABLE.encode())
            await end.execute(_CAGG.encode())
        (made,) = (await read_cagg_facts(there)).values()
        refresh = await Refresh.of(there, "public")
        stored: Mapping[str, Mapping[str, str]] = {
            name: columns
            for name, columns in refresh.shape.columns.items()
            if name != WATERMARK  # as on 2.9 and 2.10
        }
        before = await value(there, f"SELECT pg_catalog.sum(watermark) FROM {WATERMARK}")
        with offline_context(tmp_path, source, target) as run:
            watermarks = WatermarkSetter(
                ctx=run.ctx,
                source=here,
                target=there,
                refresh=replace(refresh, shape=replace(refresh.shape, columns=stored)),
            )
            assert await watermarks.set(made, STATE)
        assert run.events == []
        after = await value(there, f"SELECT pg_catalog.sum(watermark) FROM {WATERMARK}")
        assert after == before
