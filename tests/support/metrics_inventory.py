"""A source with much in it: hundreds of chunks, long names, constraints of every kind."""

from dataclasses import replace

from tests.support.sample_inventory import CAGG, CHUNK, HYPERTABLE, RETENTION, TABLE, inventory
from tswizard.core.catalog.cagg_model import Cagg
from tswizard.core.catalog.hypertable_model import (
    Chunk,
    Compression,
    Dimension,
    DimensionKind,
    Hypertable,
    OrderByColumn,
)
from tswizard.core.catalog.inventory import Constraint, Job

GIB = 1 << 30
MIB = 1 << 20


def by_range(interval: str, column: str = "time") -> Dimension:
    return Dimension(
        number=1,
        column=column,
        quoted=column,
        column_type="timestamp with time zone",
        kind=DimensionKind.RANGE,
        interval=interval,
        partitions=None,
        partitioning_function=None,
        integer_now=None,
    )


def by_hash(column: str, partitions: int) -> Dimension:
    return replace(
        by_range("", column),
        number=2,
        column_type="text",
        kind=DimensionKind.HASH,
        interval=None,
        partitions=partitions,
    )


def _chunks(first: int, count: int, compressed: int, size: int) -> tuple[Chunk, ...]:
    return tuple(
        replace(
            CHUNK,
            name=f"_hyper_{first}_{number}_chunk",
            compressed=number <= compressed,
            range_start=None,
            range_end=None,
            bytes=size // count,
        )
        for number in range(1, count + 1)
    )


METRICS = replace(
    HYPERTABLE,
    name="metrics",
    dimensions=(by_range("1 day"), by_hash("device_id", 4)),
    chunks=_chunks(1, 412, 398, 38 * GIB),
    compression=Compression(("device_id",), (OrderByColumn("time", True, True),)),
    bytes=38 * GIB,
    rows_estimate=31_204_551_000,
)
EVENTS = replace(
    HYPERTABLE,
    name="events",
    dimensions=(by_range("7 days", "ts"),),
    chunks=_chunks(2, 97, 0, 2 * GIB),
    compression=None,
    bytes=2 * GIB,
    rows_estimate=48_000_210,
)
LONG_NAMED = replace(
    HYPERTABLE,
    name="readings_of_all_the_very_long_named_sensors_in_the_northern_plants",
    dimensions=(by_range("30 days"),),
    chunks=_chunks(3, 12, 6, 120 * MIB),
    bytes=120 * MIB,
    rows_estimate=900_113,
)
MATERIALIZATION = replace(
    HYPERTABLE,
    schema="_timescaledb_internal",
    name="_materialized_hypertable_4",
    dimensions=(by_range("70 days", "bucket"),),
    chunks=_chunks(4, 9, 0, 64 * MIB),
    compression=None,
    bytes=64 * MIB,
    rows_estimate=118_000,
    cagg="public.metrics_hourly",
)


def sensors(count: int) -> tuple[Hypertable, ...]:
    """So many small hypertables."""
    return tuple(
        replace(
            HYPERTABLE,
            name=f"sensor_{number:03}",
            dimensions=(by_range("12:00:00"),),
            chunks=_chunks(10 + number, 3, 0, GIB),
            compression=None,
            bytes=GIB,
        )
        for number in range(count)
    )


def _cagg(name: str, on: str, parent: str | None = None, *, real_time: bool = False) -> Cagg:
    return replace(CAGG, name=name, hypertable=on, parent=parent, materialized_only=not real_time)


def _job(
    id: int, proc: str, on: tuple[str, str] | None, every: str, *, scheduled: bool = True
) -> Job:
    return replace(
        RETENTION,
        id=id,
        application=proc,
        proc_schema="public" if on is None else "_timescaledb_functions",
        proc_name=proc,
        scheduled=scheduled,
        schedule_interval=every,
        config=None,
        on=on,
        next_start=None,
    )


def _constraint(
    table: str, name: str, kind: str, definition: str, *, incoming: bool = False
) -> Constraint:
    return Constraint(
        oid=1,
        schema="public",
        table=table,
        name=name,
        kind=kind,
        definition=definition,
        validated=True,
        storage=None,
        incoming=incoming,
    )


INVENTORY = inventory(
    hypertables=(METRICS, EVENTS, LONG_NAMED, MATERIALIZATION),
    tables=(replace(TABLE, name="devices"),),
    caggs=(
        _cagg("metrics_hourly", "public.metrics", real_time=True),
        _cagg("metrics_daily", "public.metrics_hourly", "public.metrics_hourly"),
        _cagg("events_weekly", "public.events"),
    ),
    jobs=(
        _job(1000, "policy_refresh_continuous_aggregate", ("public", "metrics_hourly"), "01:00:00"),
        _job(1001, "policy_compression", ("public", "metrics"), "12:00:00"),
        _job(1002, "policy_retention", ("public", "metrics"), "1 day"),
        _job(1003, "nightly_report", None, "1 day", scheduled=False),
    ),
    constraints=(
        _constraint("events", "events_pkey", "p", "PRIMARY KEY (id, ts)"),
        _constraint(
            "metrics", "metrics_device_fkey", "f", "FOREIGN KEY (device_id) REFERENCES devices(id)"
        ),
        _constraint(
            "notes",
            "notes_event_fkey",
            "f",
            "FOREIGN KEY (event_id, ts) REFERENCES events(id, ts)",
            incoming=True,
        ),
    ),
)
