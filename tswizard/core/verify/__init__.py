"""The check after a migration: both ends compared by their catalogs and by their rows."""

from tswizard.core.verify.job import (
    Counters,
    Verification,
    VerifyJob,
    VerifyProgress,
    VerifyStopped,
)
from tswizard.core.verify.rows.counters import read_counters
from tswizard.core.verify.verify import Likeness, verify

__all__ = [
    "Counters",
    "Likeness",
    "Verification",
    "VerifyJob",
    "VerifyProgress",
    "VerifyStopped",
    "read_counters",
    "verify",
]
