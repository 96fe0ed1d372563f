"""Every check, one file a subject; within a kind of check, findings come in this order."""

from tswizard.core.preflight.check import AnyCheck
from tswizard.core.preflight.checks import (
    client_tools,
    compression,
    connections,
    continuous_aggregates,
    disk_space,
    encodings,
    extensions,
    hypertables,
    jobs,
    locks,
    not_dumped,
    privileges,
    roles,
    source_contents,
    source_writes,
    target_contents,
    versions,
)

SUBJECTS = (
    connections,
    target_contents,
    versions,
    hypertables,
    privileges,
    compression,
    continuous_aggregates,
    locks,
    not_dumped,
    source_contents,
    extensions,
    roles,
    jobs,
    encodings,
    client_tools,
    disk_space,
    source_writes,
)

CHECKS: tuple[AnyCheck, ...] = tuple(check for subject in SUBJECTS for check in subject.CHECKS)
