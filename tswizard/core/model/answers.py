"""What the user decided."""

from dataclasses import dataclass
from typing import Literal, get_args

MethodName = Literal["full", "split"]
METHOD_NAMES: tuple[MethodName, ...] = get_args(MethodName)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The decisions that, with two endpoints, are enough to run unattended."""

    method: MethodName = "full"
    jobs: int = 4
    """Parallel dump and restore jobs where both servers allow it."""
    via: Literal["stream", "files"] = "stream"
    """Split: rows are streamed, or go through files in the staging folder."""
    piece: str = "chunk"
    """Split: a chunk is copied as one piece, or in pieces of this time range."""
    compress_first: bool = False
    """Full: compress eligible chunks of the source before the dump."""
    pause_source_jobs: bool = True
    """Pause retention and compression jobs of the source while it is read."""
    snapshot: bool = True
    """Share one exported snapshot between dump and verify; it holds back vacuum on the source."""
    recreate_extension: bool = False
    """Recreate TimescaleDB on an empty target at the source's version."""
    enable_jobs: bool = True
    """Enable the target's jobs at the end as they were on the source; False leaves them paused."""
    verify: Literal["checksum", "count"] = "checksum"
    staging: str = ""
    """Folder for the dump; empty means the run's own folder."""
    keep_dumps: bool = False
    keep_record: bool = False
    """Split: keep the schema _tswizard, with the state of each piece, on the target."""
