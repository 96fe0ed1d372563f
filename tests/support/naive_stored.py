"""Compressed rows copied without looking: what the traps of doing so are shown by."""

import json

from psycopg import sql

from tswizard.core.catalog.catalog_shape import read_shape
from tswizard.core.db.connection import Connection, connected, rows, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.split.plan.planner import plan_pieces
from tswizard.core.split.stored.layout import RelationName, read_compressed_chunks


async def naive_copy(source: Endpoint, target: Endpoint, *, loose: bool = False) -> list[str]:
    """Compress empty chunks on the target, and copy the columns that both ends have; the chunks
    that compress_chunk() returned. With `loose`, rows that are not compressed are copied into
    the chunk."""
    returned = []
    async with connected(source) as ours, connected(target) as theirs:
        plan = (await plan_pieces(ours)).plan
        chunks = {(p.schema, p.name): p for p in plan.pieces if p.dimension_slices}
        packed = await read_compressed_chunks(ours, await read_shape(ours), list(chunks))
        made = {}
        for name in packed:
            piece = chunks[name]
            table = plan.table_of(piece)
            made[name] = await _create(theirs, table.sql, piece.dimension_slices)
        for chunk in made.values():
            query = "SELECT public.compress_chunk(%s::regclass)::text"
            returned.append(await value(theirs, query, (_quoted(chunk),)))
        there = await read_compressed_chunks(theirs, await read_shape(theirs), list(made.values()))
        for name, chunk in made.items():
            if chunk not in there:
                continue
            own, other = packed[name], there[chunk]
            both = [c.name for c in own.layout.columns if other.layout.find(c.name) and not c.bloom]
            await _copy(ours, theirs, own.relation, other.relation, both)
            if loose:
                columns = [c.name for c in plan.table_of(chunks[name]).columns]
                await _copy(ours, theirs, name, chunk, columns)
    return returned


async def _create(target: Connection, table: sql.Identifier, slices: str) -> RelationName:
    shape = await read_shape(target)
    function = sql.Identifier(*shape.function("create_chunk").split("."))
    query = sql.SQL("SELECT schema_name::text, table_name::text FROM {}(%s, %s::jsonb)")
    assert json.loads(slices)
    found = await rows(target, query.format(function), (table.as_string(None), slices))
    return found[0][0], found[0][1]


def _quoted(name: RelationName) -> str:
    return sql.Identifier(*name).as_string(None)


async def _copy(
    source: Connection,
    target: Connection,
    here: RelationName,
    there: RelationName,
    columns: list[str],
) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    read = sql.SQL("COPY (SELECT {} FROM ONLY {}) TO STDOUT").format(names, sql.Identifier(*here))
    write = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(*there), names)
    blocks = []
    async with source.cursor() as cursor, cursor.copy(read) as out:
        blocks = [bytes(block) async for block in out]
    async with target.cursor() as cursor, cursor.copy(write) as into:
        for block in blocks:
            await into.write(block)
