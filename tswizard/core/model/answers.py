"""What the user decided."""

from dataclasses import dataclass
from typing import Literal, get_args

MethodName = Literal["full", "split"]
METHOD_NAMES: tuple[MethodName, ...] = get_args(MethodName)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The decisions that, with two endpoints, are enough to run unattended."""

    method: MethodName = "full"
    """A run has one; who asks for the recommended one has it put here before anything is run."""
    time_limit: str = "1h"
    """The recommendation: the longest acceptable run that starts over (`seconds_of`)."""
    probe: bool = True
    """Time samples of the source before the method is recommended."""
    probe_upload: bool = False
    """Time writing to the target as well, into scratch tables that are never committed."""
    jobs: int = 0
    """Parallel dump and restore jobs where both servers allow it; 0: by their distance."""
    via: Literal["stream", "files"] = "stream"
    """Split: rows are streamed to the target, or copied through files in the staging folder."""
    piece: str = "chunk"
    """Split: a chunk is one piece (`chunk`), or pieces of this range of its time column."""
    compressed: Literal["stored", "rebuild", "recompress"] = "stored"
    """Split: compressed rows travel as they are stored where that is exact; the same, and the
    target compresses them again; or they are decompressed on the source, as uncompressed ones."""
    compress_first: bool = False
    """Full: compress eligible chunks of the source before the dump."""
    pause_source_jobs: bool = True
    """Pause jobs of the source that drop or rewrite chunks while it is read."""
    snapshot: bool = True
    """Hold one exported snapshot until the check is done; it holds back vacuum on the source."""
    recreate_extension: bool = False
    """Full: recreate TimescaleDB on an empty target at the source's version."""
    policies: Literal["all", "none"] | tuple[int, ...] = "all"
    """Policies and jobs to have on the target, by their ids on the source."""
    enable_jobs: bool = True
    """Enable the target's jobs at the end as on the source; False leaves them paused."""
    verify: Literal["checksum", "count"] = "checksum"
    staging: str = ""
    """Folder for the dump or the files of rows; empty means the run's own folder."""
    keep_dumps: bool = False
    keep_record: bool = False
    """Split: keep the ledger, the schema _tswizard, on the target."""
    caggs: tuple[str, ...] | Literal["all", "none"] = "all"
    """Continuous aggregates to migrate, each as `schema.name`, unquoted. What is built on one that
    is left out is left out as well."""
    history: tuple[str, ...] | Literal["keep", "recompute"] = "keep"
    """Split: the materialized rows arrive as they are stored, or every continuous aggregate is
    refreshed from the raw rows; a list names those that are refreshed. What is built on one of
    these is refreshed as well, all others are kept."""
    lose_history: tuple[str, ...] | Literal["none"] = "none"
    """Split: those that may lose by it buckets whose raw rows no longer exist."""

    def recomputes(self, cagg: str) -> bool:
        """Is this continuous aggregate (`schema.name`) refreshed and not copied?"""
        if isinstance(self.history, str):
            return self.history == "recompute"
        return cagg in self.history

    def may_lose_history(self, cagg: str) -> bool:
        """Did the user accept that this continuous aggregate (`schema.name`) loses history?"""
        return cagg in self.lose_history if isinstance(self.lose_history, tuple) else False
