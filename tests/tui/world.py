"""A recorded world for the screens: two servers, an inventory, findings, a run's events.

Everything is made of the engine's own dataclasses; nothing here decides anything.
"""

from dataclasses import replace
from pathlib import Path

from tswizard.core.build_plan import build_plan
from tswizard.core.catalog.cagg_model import Cagg
from tswizard.core.catalog.hypertable_model import (
    Chunk,
    Compression,
    Dimension,
    DimensionKind,
    Hypertable,
    OrderByColumn,
)
from tswizard.core.catalog.inventory import (
    Constraint,
    Extension,
    Inventory,
    Job,
    Role,
    Server,
    Table,
    TableKind,
)
from tswizard.core.db.client_tools import ClientTools
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.answers import Answers
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.plan import Plan, Step, Task

GIB = 1 << 30
MIB = 1 << 20

SOURCE = Endpoint.parse(
    "postgresql://tsdbadmin@mst-2f1a.example.com:20985/defaultdb", password="mst-secret"
)
TARGET = Endpoint.parse(
    "postgresql://tsdbadmin@x7f0q.tsdb.example.com:33412/tsdb?sslmode=require",
    password="cloud-secret",
)

ROLE = Role(
    name="tsdbadmin", superuser=False, createrole=True, bypass_rls=False, owns_database=True
)
SOURCE_SERVER = Server(
    version_num=150010,
    version="15.10",
    timescaledb="2.23.0",
    timescaledb_schema="public",
    timescaledb_offered=("2.19.3", "2.22.1", "2.23.0"),
    license="timescale",
    database="defaultdb",
    encoding="UTF8",
    collate="en_US.UTF-8",
    ctype="en_US.UTF-8",
    size_bytes=61 * GIB,
    role=ROLE,
    in_recovery=False,
    tls="TLSv1.3",
    latency_s=0.0124,
    pooler=False,
    concurrent=True,
    restoring=False,
)
TARGET_SERVER = replace(
    SOURCE_SERVER,
    version_num=170006,
    version="17.6",
    timescaledb="2.23.1",
    timescaledb_offered=("2.22.1", "2.23.0", "2.23.1"),
    database="tsdb",
    size_bytes=11 * MIB,
    latency_s=0.0287,
)


def _time(interval: str, column: str = "time") -> Dimension:
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


def _space(column: str, partitions: int) -> Dimension:
    return replace(
        _time(""),
        number=2,
        column=column,
        quoted=column,
        column_type="text",
        kind=DimensionKind.HASH,
        interval=None,
        partitions=partitions,
    )


_BY_DEVICE = Compression(("device_id",), (OrderByColumn("time", True, True),))


def _chunks(first: int, count: int, compressed: int, size: int) -> tuple[Chunk, ...]:
    return tuple(
        Chunk(
            schema="_timescaledb_internal",
            name=f"_hyper_{first}_{number}_chunk",
            compressed=number <= compressed,
            partial=False,
            range_start=None,
            range_end=None,
            bytes=size // count,
        )
        for number in range(1, count + 1)
    )


def _hypertable(
    number: int,
    name: str,
    size: int,
    chunks: int,
    compressed: int,
    rows: int,
    *dimensions: Dimension,
    cagg: str | None = None,
) -> Hypertable:
    return Hypertable(
        schema="public" if cagg is None else "_timescaledb_internal",
        name=name,
        owner="tsdbadmin",
        dimensions=dimensions,
        chunks=_chunks(number, chunks, compressed, size),
        compression=Compression(("device_id",), (OrderByColumn("time", True, True),))
        if compressed
        else None,
        bytes=size,
        rows_estimate=rows,
        cagg=cagg,
    )


def _table(name: str, size: int, rows: int, kind: TableKind = TableKind.PLAIN) -> Table:
    return Table(
        schema="public", name=name, kind=kind, owner="tsdbadmin", bytes=size, rows_estimate=rows
    )


def _cagg(name: str, on: str, parent: str | None, *, real_time: bool) -> Cagg:
    return Cagg(
        schema="public",
        name=name,
        owner="tsdbadmin",
        definition="SELECT 1",
        materialized_only=not real_time,
        compressed=False,
        finalized=True,
        hypertable=on,
        parent=parent,
        materialization_schema="_timescaledb_internal",
        materialization_name="_materialized_hypertable_4",
    )


def _job(id: int, proc: str, on: str | None, every: str, *, scheduled: bool = True) -> Job:
    return Job(
        id=id,
        application=proc,
        proc_schema="public" if on is None else "_timescaledb_functions",
        proc_name=proc,
        owner="tsdbadmin",
        scheduled=scheduled,
        schedule_interval=every,
        config=None,
        on=tuple(on.split(".")) if on else None,  # type: ignore[arg-type]
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


INVENTORY = Inventory(
    server=SOURCE_SERVER,
    extensions=(
        Extension(name="pg_stat_statements", version="1.10", schema="public"),
        Extension(name="plpgsql", version="1.0", schema="pg_catalog"),
        Extension(name="timescaledb", version="2.23.0", schema="public"),
    ),
    schemas=("public",),
    hypertables=(
        _hypertable(
            1, "metrics", 38 * GIB, 412, 398, 31_204_551_000, _time("1 day"), _space("device_id", 4)
        ),
        _hypertable(2, "events", 2 * GIB, 97, 0, 48_000_210, _time("7 days", "ts")),
        _hypertable(
            3,
            "readings_of_all_the_very_long_named_sensors_in_the_northern_plants",
            120 * MIB,
            12,
            6,
            900_113,
            _time("30 days"),
        ),
        _hypertable(
            4,
            "_materialized_hypertable_4",
            64 * MIB,
            9,
            0,
            118_000,
            _time("70 days", "bucket"),
            cagg="public.metrics_hourly",
        ),
    ),
    tables=(
        _table("devices", 9 * MIB, 48_102),
        _table("customers", 2 * MIB, 1_912),
        _table("site_map", 64 << 10, -1, TableKind.MATVIEW),
    ),
    caggs=(
        _cagg("metrics_hourly", "public.metrics", None, real_time=True),
        _cagg("metrics_daily", "public.metrics_hourly", "public.metrics_hourly", real_time=False),
        _cagg("events_weekly", "public.events", None, real_time=False),
    ),
    jobs=(
        _job(1000, "policy_refresh_continuous_aggregate", "public.metrics_hourly", "01:00:00"),
        _job(1001, "policy_compression", "public.metrics", "12:00:00"),
        _job(1002, "policy_retention", "public.metrics", "1 day"),
        _job(1003, "nightly_report", None, "1 day", scheduled=False),
    ),
    sequences=(),
    roles_granted=("reporting", "tsdbadmin"),
    roles=("avnadmin", "postgres", "reporting", "tsdbadmin"),
    large_objects=0,
    distributed=False,
    tiered=False,
    null_compressed=(),
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

PASSED = (
    Finding(
        Level.PASS,
        "source-rights",
        "tsdbadmin may read everything in the source.",
        where="the source",
    ),
    Finding(
        Level.PASS,
        "target-empty",
        "The target is empty.",
        where="x7f0q.tsdb.example.com:33412/tsdb",
    ),
    Finding(
        Level.PASS, "tools", "pg_dump 17.6 serves both servers.", why="/usr/lib/postgresql/17/bin"
    ),
    Finding(
        Level.PASS,
        "disk-here",
        "There is room here for the dump.",
        why="40.1 GiB needed, 212.4 GiB free",
    ),
)
ROLES_MISSING = Finding(
    Level.LOOK,
    "roles-missing",
    "Roles that the source names and the target lacks: reporting.",
    where="x7f0q.tsdb.example.com:33412/tsdb",
    why="Each of their grants becomes an error of the restore, and is then missing. What they own "
    "will belong to the role that restores.",
    todo="Create them on the target before (without passwords; set those yourself): CREATE ROLE "
    '"reporting" NOLOGIN;',
    details=('CREATE ROLE "reporting" NOLOGIN;',),
)
VERSIONS_DIFFER = Finding(
    Level.FAIL,
    "timescaledb-version",
    "TimescaleDB is 2.23.0 on the source and 2.23.1 here.",
    where="x7f0q.tsdb.example.com:33412/tsdb",
    why="A full migration restores TimescaleDB's own catalog, which fits its own version only "
    "(timescale/timescaledb#7383).",
    todo="Answer recreate_extension with yes: the target is empty and offers 2.23.0, so tswizard "
    "will make the extension anew at it.",
    answered_by=("recreate_extension",),
)
VERSIONS_RECREATED = Finding(
    Level.PASS,
    "timescaledb",
    "TimescaleDB on the target will be made anew at 2.23.0, the source's version.",
    where="x7f0q.tsdb.example.com:33412/tsdb",
    why="It is 2.23.1 now; the target is empty and offers 2.23.0.",
)

EMPTY = replace(
    INVENTORY,
    server=TARGET_SERVER,
    hypertables=(),
    tables=(),
    caggs=(),
    jobs=(),
    roles_granted=("tsdbadmin",),
    roles=("postgres", "tsdbadmin"),
)

PLAN = Plan(
    steps=(
        Step(
            "pause-source-jobs",
            "Pause retention and compression on the source",
            "So that no chunk vanishes or changes between dump and check. Put back at the end.",
            (
                "SELECT alter_job(1001, scheduled => false);",
                "SELECT alter_job(1002, scheduled => false);",
            ),
        ),
        Step(
            "dump",
            "Dump the source",
            "One pg_dump of everything. The source goes on working; nothing on the target changes.",
            (
                "/usr/lib/postgresql/17/bin/pg_dump --no-password --verbose --format=directory "
                "--jobs=4 --compress=lz4 --file=/home/ada/.local/state/tswizard/runs/RUN/dump "
                "'--dbname=dbname=defaultdb host=mst-2f1a.example.com port=20985 sslmode=require "
                "user=tsdbadmin'",
            ),
        ),
        Step(
            "prepare",
            "Switch the target to restore mode",
            "And mark it as this run's, so that an interrupted restore is recognised.",
            ("SELECT public.timescaledb_pre_restore();",),
        ),
        Step("restore-schema", "Restore the schema", "Everything before rows."),
        Step("restore-catalog", "Restore TimescaleDB's catalog", "One by one."),
        Step("restore-rows", "Restore the rows", "Every chunk and table."),
        Step("restore-rest", "Restore indexes and constraints", "Everything after rows."),
        Step("finish", "Back to normal mode, jobs paused", "In one transaction."),
        Step("analyze", "Analyze the target", "Statistics for the planner.", ("ANALYZE;",)),
        Step("check", "Check everything", "Every object compared, every row checksummed."),
        Step("resume-source-jobs", "Switch the source's jobs on again", "Those paused."),
        Step("enable-jobs", "Enable the jobs on the target", "Retention last."),
    ),
    disk_here=41 * GIB,
    disk_there=41 * GIB,
)


def split_plan(more: int = 0) -> Plan:
    """The engine's own plan of a split migration, with `more` hypertables."""
    many = tuple(
        _hypertable(10 + n, f"sensor_{n:03}", GIB, 3, 0, 1_000, _time("12:00:00"))
        for n in range(more)
    )
    return build_plan(
        Task(
            SOURCE,
            TARGET,
            replace(INVENTORY, hypertables=(*INVENTORY.hypertables, *many)),
            TARGET_SERVER,
            Answers(method="split"),
            ClientTools(
                folder=Path("/usr/lib/postgresql/17/bin"),
                version="17.6",
                major=17,
                origin="system",
                tls=True,
                compressions=("lz4",),
            ),
            Path("/home/ada/.local/state/tswizard/runs/RUN/dump"),
        )
    )
