"""How long a full migration takes, step by step."""

from collections.abc import Iterator

from tswizard.core.dump.send_entries import ENTRIES_AT_ONCE
from tswizard.core.estimate.phases import Part, bytes_at, phase, whole
from tswizard.core.estimate.rates import Rates
from tswizard.core.estimate.shared_costs import (
    SHARED_COSTS,
    analyze_parts,
    checksum_parts,
    key_parts,
    unmeasured,
)
from tswizard.core.estimate.step_cost import StepCost, waiting
from tswizard.core.estimate.workload import Workload
from tswizard.core.full.steps import FULL_STEPS, FullStep
from tswizard.core.model.disk_estimate import dump_bounds, target_bytes
from tswizard.core.model.estimate import MethodEstimate
from tswizard.core.model.plan import Task
from tswizard.core.model.wording import size
from tswizard.core.steps.analyze import ANALYZE
from tswizard.core.steps.compare import CHECK

_COSTS = {
    **SHARED_COSTS,
    # pg_dump asks for each table once on its first connection and twice on those of its jobs;
    # pg_restore sends two statements for the rows of a table, one for each entry of post-data on
    # large ones, and about twenty before it begins, and again on each connection of its jobs.
    FullStep.DUMP: StepCost(
        base=0.15, chunk=0.0008, trips=105, trips_chunk=1.1, shared_chunk=2.4, on_source=True
    ),
    FullStep.ENTER_RESTORE_MODE: StepCost(base=0.03, trips=16),
    FullStep.RESTORE_SCHEMA: StepCost(
        base=0.2, chunk=0.0008, trips=32, trips_chunk=0.02, trips_compressed=0.02, trips_object=0.03
    ),
    FullStep.RESTORE_CATALOG: StepCost(base=0.06, chunk=0.00012, trips=60),
    FullStep.RESTORE_ROWS: StepCost(base=0.05, chunk=0.0003, trips=44, shared_chunk=2),
    FullStep.RESTORE_POST_DATA: StepCost(
        base=0.06, entry=0.0006, trips=50, shared_entry=1.2, shared_object=1
    ),
    FullStep.LEAVE_RESTORE_MODE: StepCost(base=0.06, chunk=0.00003, trips=18),
    FullStep.FOREIGN_KEYS: StepCost(base=0.03, trips=3),
}


def estimate_full(task: Task, load: Workload) -> MethodEstimate:
    """Every step that this run would have."""
    phases = tuple(
        phase(
            step.id,
            step.title,
            (*_COSTS.get(step.id, StepCost(trips=10)).parts(load), *_bytes(step.id, load)),
        )
        for step in FULL_STEPS
        if step.when(task)
    )
    both = load.probe is not None and load.probe.both_ends
    return MethodEstimate(
        method="full",
        bytes=load.inventory.dump_bytes,
        bytes_how=_moves(load),
        disk_here=dump_bounds(load.inventory).most,
        disk_there=target_bytes(load.inventory),
        phases=phases,
        seconds=whole(phases, probed=both),
        unmeasured=unmeasured(load),
    )


def _moves(load: Workload) -> str:
    stored = size(load.inventory.dump_bytes)
    if not load.compressed:
        return f"{stored} as stored, without indexes"
    packed = size(load.compressed_bytes)
    return f"{stored} as stored, without indexes; {packed} of it compressed, as it is"


def _bytes(step: str, load: Workload) -> tuple[Part, ...]:
    """What a step does with rows."""
    rates, plain, packed = Rates(load), load.plain_bytes, load.compressed_bytes
    match step:
        case FullStep.COMPRESS:
            return (bytes_at(plain, "rows to compress", rates.compress()),)
        case FullStep.DUMP:
            return (
                bytes_at(plain, "rows", rates.dump(plain=True)),
                bytes_at(packed, "compressed chunks", rates.dump(plain=False)),
            )
        case FullStep.RESTORE_ROWS:
            return (
                bytes_at(plain, "rows", rates.restore(plain=True)),
                bytes_at(packed, "compressed chunks", rates.restore(plain=False)),
            )
        case FullStep.RESTORE_POST_DATA:
            return (bytes_at(load.index_bytes, "indexes", rates.index()), *_sent(load))
        case _ if step == ANALYZE.id:
            return analyze_parts(load, rates)
        case _ if step == CHECK:
            return checksum_parts(load, rates)
    return ()


def _sent(load: Workload) -> Iterator[Part]:
    """Foreign keys of chunks, and the round trips in which they and what small chunks have are
    sent; a lot takes four."""
    yield from key_parts(load)
    keys = sum(load.chunk_keys.values())
    small = load.chunk_entries - load.large_chunk_entries
    lots = (keys + small / load.jobs) / ENTRIES_AT_ONCE
    if lots:
        yield waiting(10 + 4 * lots, load.target_trip)
