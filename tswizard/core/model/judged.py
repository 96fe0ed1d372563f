"""Messages of pg_dump, pg_restore and psql, with the classifier's verdict on each."""

from dataclasses import dataclass
from enum import StrEnum

from tswizard.core.model.verdict import Verdict


class Severity(StrEnum):
    """How the tool or the server rated a message."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"
    UNKNOWN = "unknown"
    """A line in no known format."""
    ORPHAN = "orphan"
    """The tail of a message whose beginning is missing from the log."""


class ProofState(StrEnum):
    """Whether the check behind a verdict was made, and its result."""

    NOT_NEEDED = "not needed"
    HELD = "held"
    FAILED = "failed"
    NOT_POSSIBLE = "not possible"


@dataclass(frozen=True, slots=True, kw_only=True)
class SumCheck:
    """The line `errors ignored on restore: N`, checked against the errors in the log.

    With -j pg_restore counts an entry that failed in a worker once more than it had errors, and
    does not count errors that a worker gets while connecting (`mark_restore_job_done` and
    `parseWorkerResponse`; measured with 15 and 18). So the expected number is a range when the
    log does not show which entry an error belongs to.
    """

    reported: int
    """N."""
    seen: int
    """Errors in the log."""
    low: int
    high: int
    """The fewest and the most errors that pg_restore can have counted."""
    parallel: bool
    whole: bool
    """The line is not cut."""

    @property
    def fits(self) -> bool:
        """Whether the log shows every error that pg_restore counted."""
        return self.whole and self.low == self.reported == self.high


@dataclass(frozen=True, slots=True)
class Harmless:
    """What a message means once its proof holds."""

    verdict: Verdict
    reason: str
    todo: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedMessage:
    """A message with its verdict.

    Where the verdict needs a proof, `verdict` is the one without it (mostly `look`) until
    `prove.prove` has been called; `if_proven` is the one with it.
    """

    verdict: Verdict
    rule: str
    """The rule's id; empty when no rule knows the message."""
    tool: str
    method: str
    """full, split, or empty when unknown; likewise `phase`."""
    phase: str
    object: str
    """TOC kind and name, e.g. `INDEX public.events_time_idx`; empty when the log has none."""
    message: str
    """The primary message, without prefix and details."""
    reason: str
    todo: str
    detail: tuple[str, ...]
    """The message's own lines, cut at 64 KiB."""
    number: int
    """Number of its first line, from 1; of the first where there are several alike."""
    severity: Severity
    counts_as_error: bool
    """One of the errors whose number pg_restore prints in its last line."""
    proof: str = ""
    args: tuple[tuple[str, str], ...] = ()
    claim: str = ""
    """The statement to be proven, as a clause."""
    if_proven: Harmless | None = None
    proof_state: ProofState = ProofState.NOT_NEEDED
    relation: str = ""
    """A table whose rows did not arrive, often a chunk; unquoted and without its schema."""
    schema: str = ""
    """That table's schema; empty when the log does not show it."""
    sum: SumCheck | None = None
    times: int = 1
    """How often it was printed, where harmless ones that are alike are kept as one."""

    @property
    def only_adds_up(self) -> bool:
        """pg_restore's count of errors that the log has all: no problem besides them."""
        return self.sum is not None and self.sum.fits
