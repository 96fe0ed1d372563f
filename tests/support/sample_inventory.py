"""A source and a target in which nothing is wrong; tests change one thing."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tswizard.core.catalog.cagg_model import Cagg
from tswizard.core.catalog.hypertable_model import Chunk, Compression, Hypertable
from tswizard.core.catalog.inventory import (
    Extension,
    Extras,
    Inventory,
    Job,
    Offered,
    Role,
    Server,
    Table,
    TableKind,
)
from tswizard.core.db.client_tools import ClientTools
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import CannotConnect
from tswizard.core.model.answers import Answers, MethodName
from tswizard.core.model.finding import Finding
from tswizard.core.model.prepared import Prepared
from tswizard.core.preflight import examine

ROLE = Role(
    name="tsdbadmin", superuser=False, createrole=True, bypass_rls=False, owns_database=True
)

SERVER = Server(
    version_num=150004,
    version="15.4 (Debian 15.4-1)",
    timescaledb="2.23.0",
    timescaledb_schema="public",
    timescaledb_offered=("2.19.3", "2.20.3", "2.23.0"),
    license="timescale",
    database="defaultdb",
    encoding="UTF8",
    collate="en_US.UTF-8",
    ctype="en_US.UTF-8",
    size_bytes=10_000_000,
    role=ROLE,
    in_recovery=False,
    tls="TLSv1.3",
    latency_s=0.001,
    pooler=False,
    concurrent=True,
    restoring=False,
    identity="2026-01-01 16385",
)

CHUNK = Chunk(
    schema="_timescaledb_internal",
    name="_hyper_1_1_chunk",
    compressed=True,
    partial=False,
    range_start="2024-01-01 00:00:00+00",
    range_end="2024-01-08 00:00:00+00",
    bytes=4_000_000,
    compressed_table="_timescaledb_internal.compress_hyper_2_2_chunk",
)

HYPERTABLE = Hypertable(
    schema="public",
    name="readings",
    owner="tsdbadmin",
    dimensions=(),
    chunks=(CHUNK,),
    compression=Compression((), ()),
    bytes=6_000_000,
    rows_estimate=1000,
    index_bytes=1_000_000,
)

TABLE = Table(
    schema="public",
    name="sites",
    kind=TableKind.PLAIN,
    owner="tsdbadmin",
    bytes=1_000_000,
    rows_estimate=10,
)

CAGG = Cagg(
    schema="public",
    name="daily",
    owner="tsdbadmin",
    definition="SELECT 1",
    materialized_only=True,
    compressed=False,
    finalized=True,
    hypertable="public.readings",
    parent=None,
    materialization_schema="_timescaledb_internal",
    materialization_name="_materialized_hypertable_3",
    reads=("public", "readings"),
)

RETENTION = Job(
    id=1000,
    application="Retention Policy [1000]",
    proc_schema="_timescaledb_functions",
    proc_name="policy_retention",
    owner="tsdbadmin",
    scheduled=True,
    schedule_interval="1 day",
    config="{}",
    on=("public", "readings"),
    next_start="2026-12-01 00:00:00+00",
)

OFFERED = (Offered("plpgsql", ("1.0",), "1.0"), Offered("citext", ("1.5", "1.6"), "1.6"))


def inventory(**changes: Any) -> Inventory:
    """The source; `server_…` and `extras_…` change what those hold."""
    server = {k[7:]: changes.pop(k) for k in list(changes) if k.startswith("server_")}
    extras = {k[7:]: changes.pop(k) for k in list(changes) if k.startswith("extras_")}
    base = Inventory(
        server=replace(SERVER, **server),
        extensions=(
            Extension(name="plpgsql", version="1.0", schema="pg_catalog", used=True),
            Extension(name="timescaledb", version="2.23.0", schema="public", used=True),
        ),
        schemas=("public",),
        hypertables=(HYPERTABLE,),
        tables=(TABLE,),
        caggs=(),
        jobs=(RETENTION,),
        sequences=(),
        roles_granted=("tsdbadmin",),
        roles=("postgres", "tsdbadmin"),
        large_objects=0,
        distributed=False,
        tiered=False,
        null_compressed=(),
        offered=OFFERED,
        extras=replace(Extras(lock_slots=6400, locale_provider="libc"), **extras),
    )
    return replace(base, **changes)


def empty(**changes: Any) -> Inventory:
    """The target: the same kind of server, nothing in it."""
    base: dict[str, Any] = {
        "server_database": "tsdb",
        "server_identity": "2026-01-02 16385",
        "hypertables": (),
        "tables": (),
        "jobs": (),
    }
    return inventory(**base | changes)


def tools(major: int = 15, *, tls: bool = True) -> ClientTools:
    return ClientTools(
        folder=Path(f"/usr/lib/postgresql/{major}/bin"),
        version=f"{major}.4",
        major=major,
        origin="system",
        tls=tls,
        compressions=("gzip",),
    )


CLOSED = Endpoint.parse("host=127.0.0.1 port=1"), Endpoint.parse("host=127.0.0.1 port=2")
"""Ends at which nobody listens."""


def prepared(
    source: Inventory | None = None,
    target: Inventory | None = None,
    *,
    ends: tuple[Endpoint, Endpoint] = CLOSED,
    client: ClientTools | None = None,
    staging: Path | None = None,
    **answers: Any,
) -> Prepared:
    """The two of them, as preflight looks at them."""
    client = client or tools()
    return Prepared(
        source=ends[0],
        target=ends[1],
        inventory=source or inventory(),
        target_inventory=target or empty(),
        answers=Answers(**answers),
        found=(client,),
        tools=client,
        staging=staging or Path(tempfile.gettempdir()),
    )


async def until_it_connects(
    subject: Prepared, methods: Sequence[MethodName] | None = None
) -> list[Finding]:
    """Findings up to the first that needs a server, at which nobody listens."""
    found: list[Finding] = []
    try:
        async for finding in examine(subject, methods):
            found.append(finding)
    except CannotConnect:
        pass
    return found
