"""Messages of pg_dump, pg_restore and psql, with what the classifier says of each."""

from dataclasses import dataclass
from enum import StrEnum

from tswizard.core.model.verdict import Verdict


class Severity(StrEnum):
    """How the tool or the server rated a message."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"
    UNKNOWN = "unknown"
    """A line that nobody knows."""
    ORPHAN = "orphan"
    """The tail of a message whose head the log does not have."""


class ProofState(StrEnum):
    """Whether the check behind a verdict was made, and what it said."""

    NOT_NEEDED = "not needed"
    HELD = "held"
    FAILED = "failed"
    NOT_POSSIBLE = "not possible"


@dataclass(frozen=True, slots=True)
class SumCheck:
    """A sum line: the number that pg_restore gives, and what the log accounts for.

    With -j pg_restore counts an entry that failed in a worker once more than it had errors, and
    does not count what a worker meets while it connects (`mark_restore_job_done` and
    `parseWorkerResponse`; measured with 15 and 18). So the expected number is a range when the
    log does not tell which entry an error belongs to.
    """

    said: int
    seen: int
    low: int
    high: int
    parallel: bool
    whole: bool

    @property
    def fits(self) -> bool:
        """Whether every error that pg_restore counted is one of those seen."""
        return self.whole and self.low == self.said == self.high


@dataclass(frozen=True, slots=True)
class Harmless:
    """What may be said of a message once its proof holds."""

    verdict: Verdict
    reason: str
    todo: str


@dataclass(frozen=True, slots=True)
class JudgedMessage:
    """A message with its verdict.

    Where the verdict rests on a proof, `verdict` is what may be said without it (mostly `look`)
    until `prove.prove` has been asked; `if_proven` is what the proof makes of it.
    """

    verdict: Verdict
    rule: str
    """The rule's id; empty when no rule knows the message."""
    tool: str
    method: str
    """full, split or empty when unknown; likewise `phase`."""
    phase: str
    object: str
    """TOC kind and name, e.g. `INDEX public.events_time_idx`; empty when the log has none."""
    message: str
    """The core sentence."""
    reason: str
    todo: str
    detail: tuple[str, ...]
    """The message's own lines, cut at 64 KiB."""
    number: int
    """Number of its first line, from 1."""
    severity: Severity
    counts_as_error: bool
    """One of the errors that pg_restore counts in its last line."""
    proof: str = ""
    args: tuple[tuple[str, str], ...] = ()
    claim: str = ""
    """What the proof is about, as a sentence."""
    if_proven: Harmless | None = None
    proof_state: ProofState = ProofState.NOT_NEEDED
    relation: str = ""
    """A table whose rows did not arrive, often a chunk; unquoted and without its schema."""
    schema: str = ""
    """That table's schema; empty when the log does not tell."""
    sum: SumCheck | None = None
