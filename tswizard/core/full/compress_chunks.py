"""The migration page's step "compress all your data", when it is ticked: on the source."""

from psycopg import Error, sql

from tswizard.core.catalog.hypertable_model import Chunk, Hypertable
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.db.connection import Connection, connected, value
from tswizard.core.db.errors import is_refusal, message_of
from tswizard.core.model.events import Unit
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.wording import plural, size
from tswizard.core.run.context import Context, StepSkipped


def eligible(inventory: Inventory) -> tuple[tuple[Hypertable, Chunk], ...]:
    """Chunks that are not compressed, of hypertables with compression switched on.

    The newest chunk of each is left alone: it is the one that is written to.
    """
    found = []
    for hypertable in inventory.hypertables:
        if hypertable.compression is None or not hypertable.chunks:
            continue
        newest = hypertable.chunks[-1].range_end
        found += [
            (hypertable, chunk)
            for chunk in hypertable.chunks
            if not chunk.compressed and chunk.range_end != newest and not chunk.tiered
        ]
    return tuple(found)


async def compress(ctx: Context) -> None:
    """Compress them one by one; each is its own transaction and can be the last.

    https://docs.timescale.com/api/latest/compression/compress_chunk/
    """
    chunks = eligible(ctx.task.inventory)
    if not chunks:
        raise StepSkipped("all eligible chunks are already compressed")
    schema = ctx.task.inventory.server.timescaledb_schema or "public"
    statement = sql.SQL("SELECT {}(%s::pg_catalog.regclass, true)").format(
        sql.Identifier(schema, "compress_chunk")
    )
    total = sum(chunk.bytes for _, chunk in chunks)
    done = compressed = before_all = after_all = 0
    async with connected(ctx.task.source) as source:
        for hypertable, chunk in chunks:
            await ctx.unpaused()
            ctx.progress(done, total, Unit.BYTES, f"{hypertable.label} {chunk.name}")
            try:
                await source.execute(statement, (chunk.sql,))
            except Error as error:
                if not is_refusal(error):
                    raise
                done += chunk.bytes
                ctx.found(
                    Finding(
                        Level.LOOK,
                        "chunk-not-compressed",
                        f"{chunk.name} of {hypertable.label} could not be compressed: "
                        f"{message_of(error)}",
                        where=ctx.task.source.label,
                        todo="It is dumped as it is; nothing is lost.",
                    )
                )
                continue
            found = await _compressed_size(source, schema, hypertable, chunk)
            after = chunk.bytes if found is None else found
            done += chunk.bytes
            compressed += 1
            before_all += chunk.bytes
            after_all += after
            sizes = f"{size(chunk.bytes)} -> {size(after)}"
            ctx.say(f"compressed {chunk.name} of {hypertable.label}: {sizes}")
    ctx.progress(total, total, Unit.BYTES)
    ctx.say(f"compressed {plural(compressed, 'chunk')}: {size(before_all)} -> {size(after_all)}")


async def _compressed_size(
    source: Connection, schema: str, hypertable: Hypertable, chunk: Chunk
) -> int | None:
    """Bytes of a compressed chunk; None when it is not compressed.

    https://docs.timescale.com/api/latest/compression/chunk_compression_stats/
    """
    query = sql.SQL(
        "SELECT after_compression_total_bytes FROM {}(%s::pg_catalog.regclass) "
        "WHERE chunk_schema = %s AND chunk_name = %s"
    ).format(sql.Identifier(schema, "chunk_compression_stats"))
    found = await value(source, query, (hypertable.sql, chunk.schema, chunk.name))
    return None if found is None else int(found)
