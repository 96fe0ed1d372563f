"""Streams of rows in one pipe are told apart, wherever a block ends."""

import os
import threading

import pytest

from tswizard.core.split.copy.frames import FramedRows, RowsEnded, new_token
from tswizard.core.split.copy.pump import BLOCK, Stopped


def _read(token: str, sent: bytes, number: int) -> list[tuple[bytes, str]]:
    read, write = os.pipe()

    def feed() -> None:
        with os.fdopen(write, "wb") as pipe:
            pipe.write(sent)

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        frames = FramedRows(read, token, stopped=lambda: False, paused=lambda: False)
        found = []
        for _ in range(number):
            rows = bytearray()
            line = frames.next(rows.extend)
            found.append((bytes(rows), line))
        return found
    finally:
        os.close(read)
        thread.join()


@pytest.mark.parametrize("size", [0, 1, BLOCK - 33, BLOCK - 16, BLOCK - 1, BLOCK, 3 * BLOCK + 7])
def test_pieces_of_any_size(size: int) -> None:
    token = new_token()
    rows = os.urandom(size)
    sent = b"".join(
        [
            f"{token}12 f|13 f\n".encode(),
            rows,
            f"{token}\n".encode(),
            b"rest",
            f"{token}\n".encode(),
        ]
    )
    assert _read(token, sent, 3) == [(b"", "12 f|13 f"), (rows, ""), (b"rest", "")]


def test_a_part_of_the_token_is_rows() -> None:
    token = "0123456789abcdef" * 2  # one that begins as it ends would be in the rows
    rows = token[:-1].encode() * 3
    assert _read(token, rows + f"{token}\n".encode(), 1) == [(rows, "")]


def test_a_line_of_many_states() -> None:
    token, states = new_token(), "1 2 3|" * BLOCK
    assert _read(token, f"{token}{states}\n".encode(), 1) == [(b"", states)]


def test_rows_without_an_end() -> None:
    with pytest.raises(RowsEnded):
        _read(new_token(), b"rows", 1)


def test_a_pipe_in_which_nothing_comes() -> None:
    read, write = os.pipe()
    try:
        frames = FramedRows(read, new_token(), stopped=lambda: True, paused=lambda: False)
        with pytest.raises(Stopped):
            frames.next(bytearray().extend)
    finally:
        os.close(read)
        os.close(write)
