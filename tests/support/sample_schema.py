"""Chunks, dimensions and schemas for tests of the comparison without a server."""

import json
from typing import Any

from tswizard.core.catalog.catalog_shape import Shape
from tswizard.core.catalog.hypertable_model import Chunk, Dimension, DimensionKind, Hypertable
from tswizard.core.catalog.inventory import Inventory, Role, Server
from tswizard.core.verify.schema.catalog_sql import Catalogs
from tswizard.core.verify.schema.read import Object, ObjectKey, Schema


def chunk(
    start: str,
    end: str,
    name: str = "c",
    *,
    schema: str = "i",
    size: int = 0,
    compressed: str | None = None,
) -> Chunk:
    return Chunk(
        schema=schema,
        name=name,
        compressed=compressed is not None,
        partial=False,
        range_start=start,
        range_end=end,
        bytes=size,
        compressed_table=compressed,
    )


def dimension(kind: str, column: str = "t", *, function: str | None = None) -> Dimension:
    return Dimension(
        number=1,
        column=column,
        quoted=column,
        column_type=kind,
        kind=DimensionKind.RANGE,
        interval="1",
        partitions=None,
        partitioning_function=function,
        integer_now=None,
    )


def server() -> Server:
    return Server(
        version_num=170005,
        version="17.5",
        timescaledb="2.23.0",
        timescaledb_schema="public",
        timescaledb_offered=(),
        license="timescale",
        database="x",
        encoding="UTF8",
        collate="C",
        ctype="C",
        size_bytes=0,
        role=Role(name="me", superuser=True, createrole=True, bypass_rls=True, owns_database=True),
        in_recovery=False,
        tls=None,
        latency_s=0.0,
        pooler=False,
        concurrent=True,
        restoring=False,
    )


def inventory(chunks: tuple[Chunk, ...] = ()) -> Inventory:
    """A source with one hypertable, `a.t`."""
    table = Hypertable(
        schema="a",
        name="t",
        owner="me",
        dimensions=(dimension("integer"),),
        chunks=chunks,
        compression=None,
        bytes=0,
        rows_estimate=0,
    )
    return Inventory(
        server=server(),
        extensions=(),
        schemas=("a",),
        hypertables=(table,),
        tables=(),
        caggs=(),
        jobs=(),
        sequences=(),
        roles_granted=(),
        roles=(),
        large_objects=0,
        distributed=False,
        tiered=False,
        null_compressed=(),
    )


def schema(*objects: tuple[Any, ...], major: int = 17, roles: set[str] | None = None) -> Schema:
    """One end: objects are (kind, name, properties) or (kind, name, properties, part)."""
    return Schema(
        objects={
            ObjectKey(kind, name): Object(json.dumps(properties), *part)
            for kind, name, properties, *part in objects
        },
        labels={},
        roles=frozenset(roles or ()),
        catalogs=Catalogs(Shape({}, frozenset()), {}),
        major=major,
        timescaledb="2.23.0",
    )
