"""What all workers of a process share."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tswizard.core.split.copy.chunks import BARE_SEARCH_PATH
from tswizard.core.split.copy.copy_job import CopyJob
from tswizard.core.split.copy.pump import Moving
from tswizard.core.split.copy.staging import StagingFolder
from tswizard.core.split.plan.piece import CopyPlan, Piece, SourceTable, is_routed


@dataclass(slots=True, kw_only=True)
class CopyContext:
    """The job, its plan, and what is being copied."""

    job: CopyJob
    plan: CopyPlan
    threads: ThreadPoolExecutor
    staging: StagingFolder | None
    paused: Callable[[], bool]
    search_path: str = BARE_SEARCH_PATH
    """For rows that are routed and create their chunks."""
    pumps: dict[int, Moving] = field(default_factory=dict)
    """Of the pieces that are being copied, by id."""
    piece_ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a worker has finished a piece: another may be available now, or none is left."""

    alone: set[int] = field(default_factory=set)
    """Pieces of bundles that have failed, by id: each by itself now, so that the one that cannot be
    copied is told from the others."""
    not_staged: set[int] = field(default_factory=set)
    """Pieces of bundles that have failed while rows were staged, by id: each has a COPY of its own
    now."""
    compress_singly: bool = False
    """Several compressions at once have failed."""

    def search_path_of(self, table: SourceTable, piece: Piece) -> str:
        """The search path with which a piece's rows are written."""
        paths = [self.search_path] if is_routed(table, piece) or piece.shell else []
        paths += [table.search_path] if table.search_path else []
        return ", ".join(paths) or BARE_SEARCH_PATH

    def discard_file(self, piece: Piece) -> None:
        """Remove the file of a piece whose rows are committed on the target."""
        if self.staging is not None and not self.job.keep_files:
            self.staging.remove(piece)
