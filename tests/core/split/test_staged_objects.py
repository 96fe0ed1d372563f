"""A staged file of large objects is loaded only if it is, to the last byte, what was written."""

import hashlib
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.native import TARGET, database, named
from tests.support.split_ends import PIECE
from tswizard.core.db.connection import Connection, connected, rows
from tswizard.core.split.copy.large_objects import CopiedObjects, read_file
from tswizard.core.split.copy.staging import FileBroken, StagedFile
from tswizard.core.split.plan.piece import PieceKind

pytestmark = pytest.mark.native

OBJECTS = replace(PIECE, kind=PieceKind.OBJECTS, first_oid=700_000, last_oid=700_009)
ONE = (700_001).to_bytes(4, "big") + b"\1" + (5).to_bytes(4, "big") + b"hello"
EMPTY = (700_002).to_bytes(4, "big") + b"\1" + (0).to_bytes(4, "big")


@pytest_asyncio.fixture
async def target() -> AsyncIterator[Connection]:
    async with database(named(TARGET)) as end, connected(end) as connection:
        yield connection


async def load(target: Connection, path: Path, data: bytes, sha256: str) -> CopiedObjects:
    path.write_bytes(data)
    file = StagedFile(piece=1, file="a-file", bytes=len(data), sha256=sha256, snapshot_id=1)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        async with target.transaction():
            return await read_file(target, OBJECTS, file, descriptor)
    finally:
        os.close(descriptor)


async def test_a_whole_file(target: Connection, tmp_path: Path) -> None:
    data = ONE + EMPTY
    copied = await load(target, tmp_path / "file", data, hashlib.sha256(data).hexdigest())
    assert copied == CopiedObjects(2, 5)
    there = "SELECT oid::int, lo_get(oid) FROM pg_largeobject_metadata ORDER BY 1"
    assert await rows(target, there) == [(700_001, b"hello"), (700_002, b"")]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (ONE + EMPTY, "another checksum"),
        (ONE[:-1], "ends in the middle"),
        (ONE + EMPTY[:-1], "ends in the middle"),
        (ONE + EMPTY[:3], "ends in the middle"),
        (ONE[:5] + b"\xff\xff\xff\xff" + b"hello", "ends in the middle"),
        (b"", "another checksum"),
    ],
)
async def test_a_broken_file(target: Connection, tmp_path: Path, data: bytes, says: str) -> None:
    other = hashlib.sha256(ONE).hexdigest()
    with pytest.raises(FileBroken, match=says):
        await load(target, tmp_path / "file", data, other)
    assert await rows(target, "SELECT oid FROM pg_largeobject_metadata") == []
