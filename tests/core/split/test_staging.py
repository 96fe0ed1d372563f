"""Files of pieces, and the pump that fills them."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.split_ends import PIECE, TABLE
from tswizard.core.split.copy.pump import FileSink, Pump, Stopped
from tswizard.core.split.copy.staging import StagedFile, StagingFolder, file_name


def test_file_names_are_safe_and_their_own() -> None:
    wild = replace(TABLE, label="../a/b c.\n\u00e4" + "x" * 300)
    name = file_name(wild, replace(PIECE, name="chunk"))
    assert "/" not in name
    assert len(name) < 200
    assert name.startswith("000001-")
    assert name.endswith(".binary.copy")
    assert name != file_name(wild, replace(PIECE, id=2, name="chunk"))


def test_a_manifest_survives_a_torn_line(tmp_path: Path) -> None:
    staging = StagingFolder(tmp_path / "staging")
    with staging.writing(TABLE, PIECE) as partial_file:
        os.write(partial_file.descriptor, b"rows")
        partial_file.commit(PIECE, "sum", 3)
    with (tmp_path / "staging" / "manifest.jsonl").open("ab") as file:
        file.write(b'{"piece": 2, "file": "tor')
    again = StagingFolder(tmp_path / "staging")
    assert again.find(PIECE) == StagedFile(
        piece=1, file=file_name(TABLE, PIECE), bytes=4, sha256="sum", snapshot_id=3
    )
    assert again.find(replace(PIECE, id=2)) is None
    other = replace(PIECE, id=3)
    with again.writing(TABLE, other) as partial_file:
        os.write(partial_file.descriptor, b"more")
        partial_file.commit(other, "sum", 3)
    assert StagingFolder(tmp_path / "staging").find(other) is not None
    (tmp_path / "staging" / file_name(TABLE, PIECE)).write_bytes(b"row")
    assert StagingFolder(tmp_path / "staging").find(PIECE) is None


def test_an_unfinished_file_leaves_nothing(tmp_path: Path) -> None:
    staging = StagingFolder(tmp_path)
    with pytest.raises(OSError, match="full"), staging.writing(TABLE, PIECE) as partial_file:
        os.write(partial_file.descriptor, b"half")
        raise OSError(errno.ENOSPC, "disk full")
    assert list(tmp_path.iterdir()) == []
    assert staging.find(PIECE) is None


@given(st.binary(max_size=600_000))
def test_a_pump_moves_every_byte(data: bytes) -> None:
    read, write = os.pipe()
    with os.fdopen(write, "wb") as file, os.fdopen(os.memfd_create("out"), "r+b") as out:
        pump = Pump(source=read, sink=FileSink(out.fileno()), sum_input=True)
        fed = os.fork()
        if fed == 0:
            try:
                file.write(data)
                file.close()
            finally:
                os._exit(0)
        file.close()
        assert pump.run() == len(data) == pump.moved
        os.waitpid(fed, 0)
        out.seek(0)
        assert out.read() == data
    os.close(read)


def test_a_pump_can_be_stopped() -> None:
    read, write = os.pipe()
    pump = Pump(source=read, sink=FileSink(write))
    pump.stop()
    with pytest.raises(Stopped):
        pump.run()
    os.close(read)
    os.close(write)
