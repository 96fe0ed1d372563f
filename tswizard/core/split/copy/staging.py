"""Pieces in files: `<piece>.binary.copy` in the staging folder, and a manifest of complete files.

A file is added to the manifest only when all of it is on the disk; a file that is not in it does
not count. So days and crashes may lie between the two halves of the copy.
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
    """A staged file that is not what the manifest says; it is written again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedFile:
    """A complete file."""

    piece: int
    """The piece's id."""
    file: str
    bytes: int
    sha256: str
    snapshot_id: int
    stored: bool = False
    """It has compressed rows as they are stored."""


_STAGED_FILE = TypeAdapter(StagedFile)


def location_of(path: Path) -> str:
    """How the ledger names a folder of this machine: `host:folder`."""
    return f"{socket.gethostname()}:{path.absolute()}"


class StagingFolder:
    """The folder for the files of one run on this machine."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.location = location_of(path)
        """How the ledger names it."""
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._files = {file.piece: file for file in self._read_manifest()}

    def _read_manifest(self) -> Iterator[StagedFile]:
        """The manifest's files; a last line that a crash cut short is ignored."""
        path = self.path / _MANIFEST
        if not path.exists():
            return
        for line in path.read_bytes().splitlines():
            with suppress(ValidationError):
                yield _STAGED_FILE.validate_json(line)

    def find(self, piece: Piece) -> StagedFile | None:
        """The piece's file, if there is a complete one."""
        file = self._files.get(piece.id)
        if file is None or file.stored != (piece.packed is not None):
            return None
        with suppress(OSError):
            if (self.path / file.file).stat().st_size == file.bytes:
                return file
        return None

    @contextmanager
    def writing(self, table: SourceTable, piece: Piece) -> Iterator["PartialFile"]:
        """A new file, which is removed unless it is committed."""
        path = self.path / file_name(table, piece)
        part = path.with_name(path.name + ".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            yield PartialFile(self, path, part, descriptor)
        finally:
            os.close(descriptor)
            part.unlink(missing_ok=True)

    def add(self, file: StagedFile) -> None:
        """Add a complete file to the manifest, durably."""
        line = json.dumps(asdict(file)).encode() + b"\n"
        descriptor = os.open(self.path / _MANIFEST, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            # The line break in front ends a line that a crash cut short.
            os.write(descriptor, b"\n" + line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        before = self._files.get(file.piece)
        if before is not None and before.file != file.file:  # its rows go another way now
            (self.path / before.file).unlink(missing_ok=True)
        self._files[file.piece] = file

    def remove(self, piece: Piece) -> None:
        """Remove the piece's file, which is not needed anymore."""
        file = self._files.pop(piece.id, None)
        if file is not None:
            (self.path / file.file).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class PartialFile:
    """A file that is being written."""

    staging: StagingFolder
    path: Path
    part: Path
    descriptor: int

    def commit(self, piece: Piece, sha256: str, snapshot_id: int) -> StagedFile:
        """Make it the piece's file: flushed to disk first, then added to the manifest."""
        size = os.fstat(self.descriptor).st_size
        os.fsync(self.descriptor)
        self.part.rename(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        file = StagedFile(
            piece=piece.id,
            file=self.path.name,
            bytes=size,
            sha256=sha256,
            snapshot_id=snapshot_id,
            stored=piece.packed is not None,
        )
        self.staging.add(file)
        return file


def other_checksum(file: StagedFile) -> FileBroken:
    """For one whose bytes are not those that were written."""
    return FileBroken(f"{file.file} has another checksum than in the manifest")


@contextmanager
def open_staged(staging: StagingFolder, file: StagedFile) -> Iterator[int]:
    """The file's descriptor. Raises FileBroken if it cannot be opened."""
    try:
        descriptor = os.open(staging.path / file.file, os.O_RDONLY)
    except OSError as error:
        raise FileBroken(f"{file.file} cannot be opened: {error.strerror}") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def file_name(table: SourceTable, piece: Piece) -> str:
    """`000017-metrics.conditions-_hyper_1_2_chunk.binary.copy`; safe whatever the names hold."""
    names = [table.label] if piece.name == table.name else [table.label, piece.name]
    safe = "-".join(re.sub(r"[^A-Za-z0-9_.]+", "_", name)[:80] for name in names)
    form = "objects" if piece.kind is PieceKind.OBJECTS else f"{table.format}.copy"
    if piece.packed:
        form = f"stored.{form}"
    return f"{piece.id:06d}-{safe}.{form}"
