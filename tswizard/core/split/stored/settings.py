"""Empty chunks of the target compressed by the settings of the source's chunk, whatever the
hypertable's are.

A hypertable's settings may have changed since a chunk was compressed, or have left the choice to
the server: since 2.20 that chooses by statistics, which an empty target has not. Where the
hypertable has none, the choice is offered by functions of the session
(timescaledb.compression_segmentby_default_function and its sister); where it has others, they are
changed and set back in the transaction that compresses.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager

from psycopg import sql

from tswizard.core.catalog.catalog_shape import COMPRESSION_SETTINGS, Shape
from tswizard.core.catalog.hypertable_model import Compression, OrderByColumn
from tswizard.core.db.connection import Connection, Statement, batch
from tswizard.core.split.plan.piece import SourceTable
from tswizard.core.split.schema.compression import compression_options, orderby_clauses
from tswizard.core.split.stored.layout import CompressionSettings

SEGMENTBY_FUNCTION = "timescaledb.compression_segmentby_default_function"
ORDERBY_FUNCTION = "timescaledb.compression_orderby_default_function"

_CHOICES = (
    (SEGMENTBY_FUNCTION, "tswizard_segmentby", "pg_catalog.regclass", "columns"),
    (ORDERBY_FUNCTION, "tswizard_orderby", "pg_catalog.regclass, pg_catalog.text[]", "clauses"),
)


class SettingsNotRestored(Exception):
    """The hypertable's settings could not be set back to what they were."""


@asynccontextmanager
async def compressing_by(
    target: Connection,
    shape: Shape,
    table: SourceTable,
    wanted: CompressionSettings,
    *,
    offers_choice: bool,
) -> AsyncIterator[None]:
    """What is compressed within has these settings, if the server lets it. Use it in a transaction.

    `offers_choice`: the server asks functions of the session where a hypertable has no settings.
    Not for continuous aggregates, whose settings stay as they are. Raises SettingsNotRestored.
    """
    before = await _read(target, shape, table, _offers(wanted) if offers_choice else ())
    differs = before is not None and bool(before[0].orderby) and before[0] != wanted
    if before is None or not differs or table.cagg:
        yield
        return
    await _set(target, table, wanted)
    yield
    await _set(target, table, before[0])
    if await _read(target, shape, table) != before:
        raise SettingsNotRestored(
            "its settings, unlike its hypertable's, cannot be set for it alone"
        )


def _offers(wanted: CompressionSettings) -> Iterator[Statement]:
    values = {"columns": wanted.segmentby, "clauses": orderby_clauses(_order(wanted))}
    for setting, name, arguments, key in _CHOICES:
        body = sql.SQL(
            "CREATE OR REPLACE FUNCTION pg_temp.{name}({arguments}) RETURNS pg_catalog.jsonb "
            "LANGUAGE sql STABLE RETURN pg_catalog.jsonb_build_object({key}, "
            "pg_catalog.to_jsonb({values}::pg_catalog.text[]), 'confidence', 10)"
        ).format(
            name=sql.Identifier(name),
            arguments=sql.SQL(arguments),
            key=sql.Literal(key),
            values=sql.Literal(list(values[key])),
        )
        yield body, None
        yield "SELECT pg_catalog.set_config(%s, %s, true)", (setting, f"pg_temp.{name}")


def _order(settings: CompressionSettings) -> tuple[OrderByColumn, ...]:
    columns = zip(settings.orderby, settings.descending, settings.nulls_first, strict=True)
    return tuple(OrderByColumn(*column) for column in columns)


async def _set(target: Connection, table: SourceTable, wanted: CompressionSettings) -> None:
    options = ", ".join(compression_options(Compression(wanted.segmentby, _order(wanted))))
    await target.execute(
        sql.SQL("ALTER TABLE {} SET ({})").format(table.target_sql, sql.SQL(options))
    )


async def _read(
    target: Connection, shape: Shape, table: SourceTable, first: Iterable[Statement] = ()
) -> tuple[CompressionSettings, str] | None:
    """The hypertable's own settings, and all that the catalog says of them; None before 2.14, where
    a chunk has no others. What comes `first` goes in the same round trip."""
    if not shape.has(COMPRESSION_SETTINGS):
        await batch(target, first)
        return None
    query = (
        "SELECT segmentby, orderby, orderby_desc, orderby_nullsfirst, pg_catalog.to_jsonb(s)::text "
        f"FROM {COMPRESSION_SETTINGS} s WHERE relid = {{}}::pg_catalog.regclass"
    )
    name = sql.Literal(table.target_sql.as_string(None))
    *_, settings = await batch(target, [*first, sql.SQL(query).format(name)])
    for *found, everything in settings:
        return CompressionSettings(
            segmentby=tuple(found[0] or ()),
            orderby=tuple(found[1] or ()),
            descending=tuple(found[2] or ()),
            nulls_first=tuple(found[3] or ()),
        ), everything
    return None
