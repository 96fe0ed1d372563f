"""Large objects, in blocks: each keeps its OID, by which rows refer to it.

Their owners, privileges and comments belong to the schema; this is their contents.
https://www.postgresql.org/docs/current/lo-funcs.html
"""

import hashlib
import os
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass

from psycopg import Error

from tswizard.core.db.connection import Connection, connect, enter_snapshot, rows, value
from tswizard.core.db.errors import message_of
from tswizard.core.split.copy.copy_job import CopyJob
from tswizard.core.split.copy.errors import SnapshotLost, SourceFailed, is_snapshot_missing
from tswizard.core.split.copy.snapshot import SourceSnapshot
from tswizard.core.split.copy.staging import FileBroken, StagedFile, other_checksum
from tswizard.core.split.plan.piece import Piece

_BLOCK = 1 << 20
_SMALL = 1 << 16
"""What is read of each object at first: most end there."""
_TOGETHER = 64
"""Objects whose beginnings are read in one round trip: at most 4 MiB."""
_CREATED = 256
"""Objects that are created in one round trip, as long as they are small: at most 16 MiB."""
_WRITE = 0x20000
"""INV_WRITE of libpq-fs.h."""
_HEAD = struct.Struct(">IB")
"""In a file: OID, and whether an object begins; then the block's length and the block."""
_LENGTH = struct.Struct(">I")

_BEGINNINGS = """
SELECT o.oid, pg_catalog.lo_get(o.oid::pg_catalog.oid, 0, %s)
FROM pg_catalog.unnest(%s::bigint[]) WITH ORDINALITY o (oid, number) ORDER BY o.number
"""

# Refuses an OID that is taken.
_CREATE = """
SELECT pg_catalog.count(pg_catalog.lo_from_bytea(o.oid::pg_catalog.oid, o.contents))
FROM ROWS FROM (pg_catalog.unnest(%s::bigint[]), pg_catalog.unnest(%s::bytea[])) o (oid, contents)
"""

_UNLINK = """
SELECT pg_catalog.count(pg_catalog.lo_unlink(o::pg_catalog.oid))
FROM pg_catalog.unnest(%s::bigint[]) o
"""

_OIDS = """
SELECT oid::bigint FROM pg_catalog.pg_largeobject_metadata
WHERE oid BETWEEN %s::bigint::pg_catalog.oid AND %s::bigint::pg_catalog.oid ORDER BY oid
"""


@dataclass(slots=True)
class CopiedObjects:
    """What was copied."""

    number: int = 0
    """Objects."""
    bytes: int = 0


async def _read(
    job: CopyJob, piece: Piece, snapshot: SourceSnapshot
) -> AsyncIterator[tuple[int, bytes, bool]]:
    """(OID, block, is it the object's first) of all objects; an empty one has one empty block.

    Raises SourceFailed, SnapshotLost.
    """
    source = await connect(job.source)
    blocks = _blocks(source, piece, snapshot)
    try:
        while True:
            try:
                block = await anext(blocks)
            except StopAsyncIteration:
                return
            except Error as error:
                failed = SourceFailed(error.sqlstate, message_of(error))
                if is_snapshot_missing(failed):
                    raise SnapshotLost from error
                raise failed from error
            yield block
    finally:
        await blocks.aclose()
        await source.close()


async def _blocks(
    source: Connection, piece: Piece, snapshot: SourceSnapshot
) -> AsyncGenerator[tuple[int, bytes, bool], None]:
    await enter_snapshot(source, snapshot.name)
    oids = [oid for (oid,) in await rows(source, _OIDS, (piece.first_oid, piece.last_oid))]
    for first in range(0, len(oids), _TOGETHER):
        some = oids[first : first + _TOGETHER]
        for oid, beginning in await rows(source, _BEGINNINGS, (_SMALL, some)):
            yield oid, beginning, True
            if len(beginning) == _SMALL:
                async for block in _rest(source, oid):
                    yield oid, block, False


async def _rest(source: Connection, oid: int) -> AsyncGenerator[bytes, None]:
    """What follows the beginning of an object that is not small."""
    offset = _SMALL
    while True:
        block = await value(
            source,
            "SELECT pg_catalog.lo_get(%s::bigint::pg_catalog.oid, %s, %s)",
            (oid, offset, _BLOCK),
        )
        if block:
            yield block
        offset += len(block)
        if len(block) < _BLOCK:
            return


async def copy_objects(
    job: CopyJob, target: Connection, piece: Piece, snapshot: SourceSnapshot
) -> CopiedObjects:
    """Write the source's objects of this range to the target."""
    writer = _Writer(target, piece)
    await writer.begin()
    async for oid, block, first in _read(job, piece, snapshot):
        await writer.put(oid, block, first)
    await writer.end()
    return writer.copied


class _Writer:
    """Writes objects to the target. Existing ones keep their privileges and comments."""

    def __init__(self, target: Connection, piece: Piece) -> None:
        self._target = target
        self._piece = piece
        self._existing: set[int] = set()
        self._seen: set[int] = set()
        self._offset = 0
        self._new: list[tuple[int, bytes]] = []
        """Objects that are to be created with the first block of each."""
        self.copied = CopiedObjects()

    async def begin(self) -> None:
        found = await rows(self._target, _OIDS, (self._piece.first_oid, self._piece.last_oid))
        self._existing = {oid for (oid,) in found}

    async def put(self, oid: int, block: bytes, first: bool) -> None:
        """Take the next block."""
        self._seen.add(oid)
        if first and oid not in self._existing:
            self._new.append((oid, block))
            self.copied.number += 1
            self._offset = 0
            if len(self._new) == _CREATED or len(block) > _SMALL:
                await self.finish()
        else:
            await self.finish()
            await self._write(oid, block, first)
        self._offset += len(block)
        self.copied.bytes += len(block)

    async def finish(self) -> None:
        """Create what was put off until there is more of it: one by one, a million objects far
        away would take days."""
        if self._new:
            oids, contents = zip(*self._new, strict=True)
            await self._target.execute(_CREATE, (list(oids), list(contents)))
            self._new.clear()

    async def end(self) -> None:
        """Finish, and remove what the source had when the piece was copied before and has no
        more."""
        await self.finish()
        if gone := list(self._existing - self._seen):
            await self._target.execute(_UNLINK, (gone,))

    async def _write(self, oid: int, block: bytes, first: bool) -> None:
        """A block of an object that is there."""
        if first:
            await self._empty(oid)
        if block:
            await self._target.execute(
                "SELECT pg_catalog.lo_put(%s::bigint::pg_catalog.oid, %s, %s)",
                (oid, self._offset, block),
            )

    async def _empty(self, oid: int) -> None:
        self._offset = 0
        self.copied.number += 1
        await self._target.execute(
            "SELECT pg_catalog.lo_truncate(pg_catalog.lo_open(%s::bigint::pg_catalog.oid, %s), 0)",
            (oid, _WRITE),
        )


async def write_file(
    job: CopyJob, piece: Piece, snapshot: SourceSnapshot, put: Callable[[bytes], None]
) -> None:
    """Write the objects of a range to a file, as one stream of bytes."""
    async for oid, block, first in _read(job, piece, snapshot):
        put(_HEAD.pack(oid, first) + _LENGTH.pack(len(block)) + block)


async def read_file(
    target: Connection, piece: Piece, file: StagedFile, descriptor: int
) -> CopiedObjects:
    """Write a file's objects to the target.

    Raises FileBroken for a file that ends too soon, or that is not what the manifest says: then
    what was written has to be rolled back.
    """
    writer, blocks = _Writer(target, piece), _Blocks(file, descriptor)
    await writer.begin()
    while head := blocks.read(_HEAD.size, or_end=True):
        oid, first = _HEAD.unpack(head)
        (length,) = _LENGTH.unpack(blocks.read(_LENGTH.size))
        await writer.put(oid, blocks.read(length), bool(first))
    await writer.end()
    if blocks.sum.hexdigest() != file.sha256:
        raise other_checksum(file)
    return writer.copied


class _Blocks:
    """A file as it is read, with its checksum so far."""

    def __init__(self, file: StagedFile, descriptor: int) -> None:
        self._file = file
        self._descriptor = descriptor
        self.sum = hashlib.sha256()

    def read(self, length: int, *, or_end: bool = False) -> bytes:
        """The next bytes, or none at the end of the file if it may be there. Raises FileBroken."""
        block = b""
        while len(block) < length:
            some = os.read(self._descriptor, length - len(block))
            if not some and or_end and not block:
                return b""
            if not some:
                raise FileBroken(f"{self._file.file} ends in the middle of an object")
            block += some
        self.sum.update(block)
        return block
