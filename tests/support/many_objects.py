"""A source with many continuous aggregates and policies, some of them with history."""

from dataclasses import replace

from tests.support.metrics_inventory import INVENTORY
from tswizard.core.catalog.cagg_model import Cagg, CaggDependent, CaggState, InvalidRange
from tswizard.core.catalog.inventory import Inventory, Job

HOUR = 3_600_000_000
FIRST = 1_672_531_200_000_000  # 2023-01-01

_STATE = CaggState(
    time_column="bucket",
    time_type="timestamp with time zone",
    bucket="01:00:00",
    fixed=True,
    width=HOUR,
    watermark=FIRST + 20_000 * HOUR,
    first=FIRST,
    last=FIRST + 19_999 * HOUR,
    first_raw=FIRST + 10 * HOUR,
    last_raw=FIRST + 20_100 * HOUR,
    raw_from=FIRST,
    invalid=(),
    valid_until=FIRST + 20_000 * HOUR,
)
_HISTORY = replace(
    _STATE,
    raw_from=FIRST + 8_760 * HOUR,
    first_raw=FIRST + 8_760 * HOUR,
    invalid=(InvalidRange(low=FIRST + 9_000 * HOUR, high=FIRST + 9_002 * HOUR - 1, raw_rows=True),),
)

_DEFINITION = """ SELECT public.time_bucket('01:00:00'::interval, metrics."time") AS bucket,
    metrics.device_id,
    avg(metrics.temperature) AS temperature,
    count(*) AS readings
   FROM public.metrics
  GROUP BY (public.time_bucket('01:00:00'::interval, metrics."time")), metrics.device_id"""


def _cagg(base: Cagg, name: str, hypertable: str, parent: str | None) -> Cagg:
    return replace(
        base,
        name=name,
        hypertable=hypertable,
        parent=parent,
        definition=_DEFINITION,
        state=_STATE,
    )


def few() -> Inventory:
    """Three continuous aggregates and four jobs, with what the source says of them."""
    hourly, daily, weekly = INVENTORY.caggs
    config = '{"drop_after": "90 days", "hypertable_id": 1}'
    jobs = [
        replace(job, config=config) if job.what == "retention" else job for job in INVENTORY.jobs
    ]
    return replace(
        INVENTORY,
        caggs=(
            replace(hourly, definition=_DEFINITION, state=_HISTORY),
            replace(daily, definition=_DEFINITION, state=_STATE),
            replace(weekly, definition=_DEFINITION, state=None),
        ),
        jobs=tuple(
            replace(job, next_start="2026-03-14 02:30:00+00") if job.scheduled else job
            for job in jobs
        ),
        cagg_dependents=(
            CaggDependent("view", "public.daily_report", ("public.metrics_daily",)),
            CaggDependent("materialized view", "public.busiest", ("public.events_weekly",)),
        ),
    )


def many(caggs: int = 80, policies: int = 300) -> Inventory:
    """That many of them; every fourth continuous aggregate stands on a hypertable."""
    base = INVENTORY.caggs[0]
    held: list[Cagg] = []
    for n in range(caggs):
        on_other = n % 4 > 0
        parent = held[-1].label if on_other else None
        held.append(_cagg(base, f"rollup_{n:03}", parent or f"public.raw_{n // 4:02}", parent))
    jobs = tuple(_policy(n, held[n % caggs]) for n in range(policies))
    return replace(INVENTORY, caggs=tuple(held), jobs=jobs)


def _policy(number: int, on: Cagg) -> Job:
    base = INVENTORY.jobs[0]
    kinds = ("policy_refresh_continuous_aggregate", "policy_compression", "policy_retention")
    return replace(
        base, id=1000 + number, proc_name=kinds[number % 3], on=(on.schema, on.name), config="{}"
    )
