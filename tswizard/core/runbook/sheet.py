"""What both forms of a runbook begin with."""

from dataclasses import dataclass
from importlib.resources import files

from tswizard.core.db.session_settings import startup_options, transfer_encoding
from tswizard.core.model.plan import Task
from tswizard.core.model.runbook import Runbook
from tswizard.core.model.wording import plural, size


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A runbook with the names and figures of its database."""

    title: str
    facts: tuple[str, ...]
    """About this migration, a sentence each."""
    before: tuple[str, ...]
    """What has to be seen to first."""
    preamble: str
    """Bash: settings and functions that all steps rest on."""
    runbook: Runbook

    @classmethod
    def of(cls, task: Task, runbook: Runbook, disk_here: int, disk_there: int) -> "Sheet":
        held, target = task.inventory, task.target_server
        here = f"up to {size(disk_here)}" if disk_here else "only a dump of the schema"
        hypertables = sum(h.cagg is None for h in held.hypertables)
        return cls(
            title=f"Runbook: {held.server.database} to {target.database}, by hand "
            f"({task.answers.method})",
            facts=(
                f"Source: {task.source.label}, PostgreSQL {held.server.version.split()[0]}, "
                f"TimescaleDB {held.server.timescaledb or 'none'}.",
                f"Target: {task.target.label}, PostgreSQL {target.version.split()[0]}, "
                f"TimescaleDB {target.timescaledb or 'none'}.",
                f"{plural(hypertables, 'hypertable')}, "
                f"{plural(len(held.caggs), 'continuous aggregate')}, "
                f"{plural(len(held.tables), 'table')}, {plural(len(held.jobs), 'job')}: "
                f"{size(held.stored_bytes)} as stored.",
                f"Disk on this machine: {here}. Disk on the target: about {size(disk_there)}.",
            ),
            before=(
                "Needed on this machine: bash, psql, pg_dump and pg_restore of PostgreSQL "
                f"{held.server.major} or later.",
                "The connections are in the environment: SOURCE and TARGET, each a conninfo "
                "without a password or the name of a service (service=mst, in "
                "~/.pg_service.conf). The passwords are in ~/.pgpass, or in the file that "
                "PGPASSFILE names.",
                "Take a direct connection, not that of a pooler.",
                "Stop whatever writes to the source; what is written after the copy has begun is "
                "not migrated.",
                *runbook.before,
            ),
            preamble=_preamble(task),
            runbook=runbook,
        )


def _preamble(task: Task) -> str:
    text = files(__package__).joinpath("preamble.sh").read_text(encoding="utf-8")
    encoding = transfer_encoding(task.inventory.server.encoding, task.target_server.encoding)
    for name, value in (
        ("JOBS", str(task.jobs)),
        ("OPTIONS", startup_options()),
        ("ENCODING", encoding),
    ):
        text = text.replace(f"@{name}@", value)
    return text.strip()
