"""Every check, one file a subject; within a kind of check, findings come in this order."""

from tswizard.core.preflight.check import AnyCheck
from tswizard.core.preflight.checks.carried import CARRIED_CHECKS
from tswizard.core.preflight.checks.client_tools import CLIENT_TOOL_CHECKS
from tswizard.core.preflight.checks.compression import COMPRESSION_CHECKS
from tswizard.core.preflight.checks.connections import CONNECTION_CHECKS
from tswizard.core.preflight.checks.continuous_aggregates import CONTINUOUS_AGGREGATE_CHECKS
from tswizard.core.preflight.checks.disk_space import DISK_SPACE_CHECKS
from tswizard.core.preflight.checks.encodings import ENCODING_CHECKS
from tswizard.core.preflight.checks.expressions import EXPRESSION_CHECKS
from tswizard.core.preflight.checks.extension_objects import EXTENSION_OBJECT_CHECKS
from tswizard.core.preflight.checks.extensions import EXTENSION_CHECKS
from tswizard.core.preflight.checks.hypertables import HYPERTABLE_CHECKS
from tswizard.core.preflight.checks.jobs import JOB_CHECKS
from tswizard.core.preflight.checks.locks import LOCK_CHECKS
from tswizard.core.preflight.checks.not_dumped import NOT_DUMPED_CHECKS
from tswizard.core.preflight.checks.piece_range import PIECE_RANGE_CHECKS
from tswizard.core.preflight.checks.policies import POLICY_CHECKS
from tswizard.core.preflight.checks.privileges import PRIVILEGE_CHECKS
from tswizard.core.preflight.checks.roles import ROLE_CHECKS
from tswizard.core.preflight.checks.source_contents import SOURCE_CONTENT_CHECKS
from tswizard.core.preflight.checks.source_writes import SOURCE_WRITE_CHECKS
from tswizard.core.preflight.checks.target_contents import TARGET_CONTENT_CHECKS
from tswizard.core.preflight.checks.versions import VERSION_CHECKS

CHECKS: tuple[AnyCheck, ...] = (
    *CONNECTION_CHECKS,
    *TARGET_CONTENT_CHECKS,
    *VERSION_CHECKS,
    *HYPERTABLE_CHECKS,
    *PRIVILEGE_CHECKS,
    *COMPRESSION_CHECKS,
    *CONTINUOUS_AGGREGATE_CHECKS,
    *LOCK_CHECKS,
    *NOT_DUMPED_CHECKS,
    *SOURCE_CONTENT_CHECKS,
    *EXPRESSION_CHECKS,
    *EXTENSION_CHECKS,
    *EXTENSION_OBJECT_CHECKS,
    *ROLE_CHECKS,
    *JOB_CHECKS,
    *POLICY_CHECKS,
    *ENCODING_CHECKS,
    *CLIENT_TOOL_CHECKS,
    *DISK_SPACE_CHECKS,
    *CARRIED_CHECKS,
    *PIECE_RANGE_CHECKS,
    *SOURCE_WRITE_CHECKS,
)
