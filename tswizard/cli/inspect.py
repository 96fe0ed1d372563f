"""`tswizard inspect`: what a database holds, and its hazards."""

import asyncio
import json
from dataclasses import dataclass

from pydantic import TypeAdapter

from tswizard.cli.failures import failures
from tswizard.cli.output import put, shortened, show
from tswizard.core.catalog.chunk_buckets import BUCKETS, ChunkBucket, chunk_buckets
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.catalog.read import read_inventory
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.finding import WORST_FIRST, Finding, Level
from tswizard.core.model.wording import interval_words, plural, size
from tswizard.core.preflight import findings_of_source
from tswizard.exit_codes import Exit
from tswizard.wizard.chunk_bars import bulk_lines
from tswizard.wizard.inventory_rows import cagg_label, materializations, own_hypertables

FORMAT = 1
"""Of the JSON: grows when a key is renamed, removed or means something else; not when one comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """All that `tswizard inspect --json` prints; docs/inspect.md describes every key."""

    format: int
    """Grows when a key is renamed, removed or means something else."""
    inventory: Inventory
    """What the database holds."""
    findings: tuple[Finding, ...]
    """The gravest first: what is hazardous, and what is done about it."""
    chunk_buckets: dict[str, tuple[ChunkBucket, ...]]
    """Each hypertable and continuous aggregate, as `schema.name`, with the bytes of its chunks
    over time; in order, at most 40."""


_JSON: TypeAdapter[Inspected] = TypeAdapter(Inspected)


def inspect(endpoint: Endpoint, *, as_json: bool) -> int:
    """Print the inventory; exit code 1 when something about it needs a look, else 0."""
    inventory = asyncio.run(_read(endpoint))
    found = findings_of_source(inventory)
    findings = tuple(sorted(found, key=lambda finding: WORST_FIRST.index(finding.level)))
    if as_json:
        everything = Inspected(
            format=FORMAT,
            inventory=inventory,
            findings=findings,
            chunk_buckets={h.label: chunk_buckets(h) for h in inventory.hypertables},
        )
        put(json.dumps(_JSON.dump_python(everything, mode="json"), indent=1) + "\n")
    else:
        show(_lines(endpoint, inventory, findings))
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
    for h in own_hypertables(inventory):
        dimensions = ", ".join(
            f"{d.column} {d.interval or f'{d.partitions} partitions'}" for d in h.dimensions
        )
        lines.append(
            f"hypertable  {h.label}  {size(h.bytes)}  {plural(len(h.chunks), 'chunk')}, "
            f"{h.compressed_chunks} compressed  ({dimensions})"
        )
        lines += [f"      {line}" for line in tuple(bulk_lines(h, BUCKETS))[1:]]
    lines += [f"{t.kind:<10}  {t.label}  {size(t.bytes)}" for t in inventory.tables]
    stored = materializations(inventory)
    for c in inventory.caggs:
        label = cagg_label(c, stored.get(c.label))
        lines.append(f"continuous aggregate  {label}, on {c.parent or c.hypertable}")
    for j in inventory.jobs:
        state = "" if j.scheduled else "  (not scheduled)"
        every = interval_words(j.schedule_interval)
        lines.append(f"job {j.id}    {j.what} {j.target or ''} every {every}{state}")
    lines.append("")
    for f in findings:
        lines.append(f"{f.level.upper():<5} {f.sentence}")
        if f.level is not Level.PASS:
            lines += [f"      {text}" for text in (f.why, f.todo) if text]
            details = tuple(f"- {detail}" for detail in f.details)
            lines += [f"      {text}" for text in shortened(details, where="with --json")]
    return lines
