"""Whether view definitions with different texts mean the same to the target.

PostgreSQL 16 and later print fewer qualifications than 15, so across major versions most texts
differ. The target itself decides: it creates a temporary view from the source's text and prints
its definition; the transaction is rolled back.
"""

from dataclasses import replace

from psycopg import Error, sql

from tswizard.core.db.connection import Connection, value
from tswizard.core.db.errors import is_transient
from tswizard.core.verify.schema.compare import Difference
from tswizard.core.verify.schema.same_definition import same_definition

_VIEWS = ("view", "materialized-view", "continuous-aggregate")
_PROOF = sql.Identifier("pg_temp", "tswizard_proof")


async def without_equal_views(
    target: Connection, differences: tuple[Difference, ...]
) -> tuple[Difference, ...]:
    """The differences, without view definitions that mean the same to the target."""
    left = []
    for difference in differences:
        changed = difference.changed
        if difference.key.kind in _VIEWS and difference.state == "differs":
            changed = tuple(
                [c for c in changed if c[0] != "definition" or not await _equal(target, *c[1:])]
            )
            if not changed:
                continue
        left.append(replace(difference, changed=changed))
    return tuple(left)


async def _equal(target: Connection, source_text: str, target_text: str) -> bool:
    """Does the target print the source's definition as its own? Everything is rolled back."""
    try:
        async with target.transaction(force_rollback=True):
            await target.execute(
                sql.SQL("CREATE TEMPORARY VIEW {} AS {}").format(
                    _PROOF, sql.SQL(source_text.rstrip().rstrip(";"))
                )
            )
            printed = await value(
                target, "SELECT pg_catalog.pg_get_viewdef('pg_temp.tswizard_proof'::regclass)"
            )
    except Error as error:
        if is_transient(error):
            raise
        return False
    return same_definition(printed, target_text)
