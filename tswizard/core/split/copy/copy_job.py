"""What a copy is asked to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.retry import COPYING, RetryPolicy
from tswizard.core.split.copy.errors import EndLabels
from tswizard.core.split.ledger.plan_store import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyJob:
    """Two databases, and how to copy from one to the other."""

    source: Endpoint
    target: Endpoint
    run: str
    """Id of the run, which the ledger on the target must belong to."""
    psql: Path
    options: Options = field(default_factory=Options)
    jobs: int = 4
    """Workers, if both servers serve several sessions at a time."""
    concurrent: bool = True
    """Both servers serve several sessions at a time."""
    staging: Path = Path()
    """Folder for the files of `via = "files"`."""
    keep_files: bool = False
    timescaledb_schema: str = "public"
    """Schema of the extension's functions on the target."""
    retry: RetryPolicy = COPYING
    search_paths: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """For planning: schema and name of a table -> the search_path that its expressions need."""
    routed: frozenset[tuple[str, str]] = frozenset()
    """For planning: hypertables whose rows do not fit the source's chunks."""
    compressed_late: frozenset[tuple[str, str]] = frozenset()
    """For planning: hypertables that are compressed when everything else is there."""

    @property
    def labels(self) -> EndLabels:
        return EndLabels(self.source.label, self.target.label)

    @property
    def workers(self) -> int:
        return max(1, self.jobs) if self.concurrent else 1

    @property
    def holds_snapshot(self) -> bool:
        """Is one snapshot held for all pieces? A server with one backend cannot hold any."""
        return self.options.snapshot and self.concurrent
