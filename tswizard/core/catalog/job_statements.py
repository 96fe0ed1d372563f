"""Statements with alter_job() for a person, on a server with a given version of TimescaleDB."""

import json
from collections.abc import Mapping
from typing import Any

from tswizard.core.catalog.jobs import FIRST_USER_JOB
from tswizard.core.db.identifiers import literal
from tswizard.core.db.versions import version_key

_ZONE = "timezone"


def alter_by_hand(which: str, wanted: Mapping[str, str], timescaledb: str | None) -> str:
    """Alters jobs. `which` is a condition on the columns of _timescaledb_config.bgw_job, `wanted`
    are arguments of alter_job() as SQL; a time zone that is not among them is kept."""
    arguments = [f"{name} => {value}" for name, value in wanted.items()]
    if _ZONE not in wanted and forgets_timezone(timescaledb):
        arguments.append(f"{_ZONE} => {_ZONE}")
    return (
        f"SELECT alter_job(id, {', '.join(arguments)}) "
        f"FROM _timescaledb_config.bgw_job WHERE {which};"
    )


def alter_built_in(procedure: str, wanted: Mapping[str, Any], timescaledb: str | None) -> str:
    """Alters TimescaleDB's own job that runs this procedure. `wanted` are values of the job table's
    columns as JSON has them; alter_job() sets none to NULL. Empty if there is nothing to set."""
    values = {name: _sql(value) for name, value in wanted.items() if value is not None}
    if not values:
        return ""
    which = f"id < {FIRST_USER_JOB} AND proc_name = {literal(procedure)}"
    return alter_by_hand(which, values, timescaledb)


def _sql(value: Any) -> str:
    if isinstance(value, bool | int):
        return str(value).lower()
    return literal(value if isinstance(value, str) else json.dumps(value))


def forgets_timezone(timescaledb: str | None) -> bool:
    """Does its alter_job() take a time zone (2.12 and later)? A version that is not known is taken
    for a later one: an earlier one refuses the argument, which loses nothing."""
    return not timescaledb or version_key(timescaledb) >= (2, 12)
