"""`tswizard inspect`: what a database holds, and its hazards."""

import asyncio
import json

import click
from pydantic import TypeAdapter

from tswizard.cli.failures import failures
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.catalog.read import read_inventory
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.wording import plural, size
from tswizard.core.preflight import findings_of_source
from tswizard.exit_codes import Exit

_BOTH: TypeAdapter[tuple[Inventory, tuple[Finding, ...]]] = TypeAdapter(
    tuple[Inventory, tuple[Finding, ...]]
)


def inspect(endpoint: Endpoint, *, as_json: bool) -> int:
    """Print the inventory; exit code 1 when something about it needs a look, else 0."""
    inventory = asyncio.run(_read(endpoint))
    findings = findings_of_source(inventory)
    if as_json:
        held, found = _BOTH.dump_python((inventory, findings), mode="json")
        click.echo(json.dumps({"inventory": held, "findings": found}, indent=1))
    else:
        for line in _lines(endpoint, inventory, findings):
            click.echo(line)
    grave = any(f.level in (Level.FAIL, Level.LOOK) for f in findings)
    return Exit.LOOK if grave else Exit.PASSED


async def _read(endpoint: Endpoint) -> Inventory:
    with failures(Exit.REFUSED):
        return await read_inventory(endpoint)


def _lines(endpoint: Endpoint, inventory: Inventory, findings: tuple[Finding, ...]) -> list[str]:
    server = inventory.server
    lines = [
        f"{endpoint.label}  PostgreSQL {server.version}, TimescaleDB {server.timescaledb or 'none'}"
        f" ({server.license or 'no license'}), {size(server.size_bytes)}",
        f"role {server.role.name}, TLS {server.tls or 'none'}, {server.latency_s * 1000:.1f} ms",
        "",
    ]
    for h in inventory.hypertables:
        dimensions = ", ".join(
            f"{d.column} {d.interval or f'{d.partitions} partitions'}" for d in h.dimensions
        )
        lines.append(
            f"hypertable  {h.label}  {size(h.bytes)}  {plural(len(h.chunks), 'chunk')}, "
            f"{h.compressed_chunks} compressed  ({dimensions})"
        )
    lines += [f"{t.kind:<10}  {t.label}  {size(t.bytes)}" for t in inventory.tables]
    for c in inventory.caggs:
        kind = "materialized only" if c.materialized_only else "real-time"
        lines.append(f"continuous aggregate  {c.label}  on {c.parent or c.hypertable}, {kind}")
    for j in inventory.jobs:
        state = "" if j.scheduled else "  (not scheduled)"
        lines.append(f"job {j.id}    {j.what} {j.target or ''} every {j.schedule_interval}{state}")
    lines.append("")
    for f in findings:
        lines.append(f"{f.level.upper():<5} {f.sentence}")
        lines += [f"      {text}" for text in (f.why, f.todo) if text and f.level != Level.PASS]
    return lines
