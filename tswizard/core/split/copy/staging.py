"""Pieces in files: `<piece>.binary.copy` in the staging folder, and a manifest of what is whole.

A file is listed only when all of it is on the disk; a file that is not listed is nothing. So the
two halves of the copy can lie days and crashes apart.
"""

import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from tswizard.core.split.plan.piece import Piece, PieceKind, SourceTable

_MANIFEST = "manifest.jsonl"


class FileBroken(Exception):
    """A staged file that is not what the manifest says; it is made again."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A whole file."""

    piece: int
    file: str
    bytes: int
    sha256: str
    snapshot_id: int


_STAGED = TypeAdapter(Staged)


class Staging:
    """The folder of one run on this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.location = f"{socket.gethostname()}:{folder.absolute()}"
        """How the ledger names it."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._listed = {entry.piece: entry for entry in self._read()}

    def _read(self) -> Iterator[Staged]:
        """The manifest; a last line that a crash cut short is no line."""
        path = self.folder / _MANIFEST
        if not path.exists():
            return
        for line in path.read_bytes().splitlines():
            with suppress(ValidationError):
                yield _STAGED.validate_json(line)

    def listed(self, piece: Piece) -> Staged | None:
        """The piece's file, if a whole one is there."""
        entry = self._listed.get(piece.id)
        if entry is None:
            return None
        with suppress(OSError):
            if (self.folder / entry.file).stat().st_size == entry.bytes:
                return entry
        return None

    @contextmanager
    def writing(self, table: SourceTable, piece: Piece) -> Iterator["Draft"]:
        """A file under way. Unless it is kept, nothing of it stays."""
        path = self.folder / file_name(table, piece)
        part = path.with_name(path.name + ".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            yield Draft(self, path, part, descriptor)
        finally:
            os.close(descriptor)
            part.unlink(missing_ok=True)

    def keep(self, entry: Staged) -> None:
        """List a whole file, for good."""
        line = json.dumps(asdict(entry)).encode() + b"\n"
        descriptor = os.open(self.folder / _MANIFEST, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            # After a line that a crash cut short, this one must begin at its own beginning.
            os.write(descriptor, b"\n" + line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._listed[entry.piece] = entry

    def remove(self, piece: Piece) -> None:
        """The piece is on the target: its file is not needed any more."""
        entry = self._listed.pop(piece.id, None)
        if entry is not None:
            (self.folder / entry.file).unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove the manifest, and the folder if nothing else is in it."""
        (self.folder / _MANIFEST).unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()


@dataclass(frozen=True, slots=True)
class Draft:
    """A file that is being written."""

    staging: Staging
    path: Path
    part: Path
    descriptor: int

    def keep(self, piece: Piece, sha256: str, snapshot_id: int) -> Staged:
        """Make it the piece's file: on the disk first, listed then."""
        size = os.fstat(self.descriptor).st_size
        os.fsync(self.descriptor)
        self.part.rename(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        entry = Staged(piece.id, self.path.name, size, sha256, snapshot_id)
        self.staging.keep(entry)
        return entry


@contextmanager
def opened(staging: Staging, entry: Staged) -> Iterator[int]:
    """The file's descriptor. Raises FileBroken when it is not there."""
    try:
        descriptor = os.open(staging.folder / entry.file, os.O_RDONLY)
    except OSError as error:
        raise FileBroken(f"{entry.file} cannot be opened: {error.strerror}") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def file_name(table: SourceTable, piece: Piece) -> str:
    """`000017-metrics.conditions-_hyper_1_2_chunk.binary.copy`; safe whatever the names hold."""
    names = [table.label] if piece.name == table.name else [table.label, piece.name]
    safe = "-".join(re.sub(r"[^A-Za-z0-9_.]+", "_", name)[:80] for name in names)
    form = "objects" if piece.kind is PieceKind.OBJECTS else f"{table.format}.copy"
    return f"{piece.id:06d}-{safe}.{form}"
