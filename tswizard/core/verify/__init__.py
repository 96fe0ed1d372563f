"""The check after a migration: both ends compared by their catalogs and by their rows."""

from tswizard.core.verify.compare_databases import Likeness, verify
from tswizard.core.verify.request import Verification, VerifyJob, VerifyProgress, VerifyStopped
from tswizard.core.verify.rows.write_counters import read_counters

__all__ = [
    "Likeness",
    "Verification",
    "VerifyJob",
    "VerifyProgress",
    "VerifyStopped",
    "read_counters",
    "verify",
]
