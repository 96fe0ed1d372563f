"""What a copy is asked for."""

from dataclasses import dataclass, field
from pathlib import Path

from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.retry import COPYING, RetryPolicy
from tswizard.core.split.copy.errors import Ends
from tswizard.core.split.ledger.plan_store import Options


@dataclass(frozen=True, slots=True)
class CopyJob:
    """Two ends, and how to copy from one to the other."""

    source: Endpoint
    target: Endpoint
    run: str
    """The run's id: the ledger on the target is its own."""
    psql: Path
    options: Options = field(default_factory=Options)
    jobs: int = 4
    """Workers; 1 where a server serves one connection at a time."""
    concurrent: bool = True
    """Both servers serve several connections at once."""
    staging: Path = Path()
    """Folder for the files of `via = "files"`."""
    keep_files: bool = False
    timescaledb_schema: str = "public"
    """Of the extension on the target."""
    source_schema: str = "public"
    """Of the extension on the source."""
    retry: RetryPolicy = COPYING

    @property
    def ends(self) -> Ends:
        return Ends(self.source.label, self.target.label)

    @property
    def workers(self) -> int:
        return max(1, self.jobs) if self.concurrent else 1

    @property
    def held(self) -> bool:
        """Is one moment held for all pieces? A server with one backend cannot hold any."""
        return self.options.snapshot and self.concurrent
