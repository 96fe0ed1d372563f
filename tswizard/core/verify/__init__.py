"""The check after a migration: source and target compared by their catalogs and their rows."""

from tswizard.core.verify.comparability import Comparability
from tswizard.core.verify.compare_databases import verify
from tswizard.core.verify.request import Verification, VerifyJob, VerifyProgress, VerifyStopped
from tswizard.core.verify.rows.write_counters import read_counters, read_next_xid

__all__ = [
    "Comparability",
    "Verification",
    "VerifyJob",
    "VerifyProgress",
    "VerifyStopped",
    "read_counters",
    "read_next_xid",
    "verify",
]
