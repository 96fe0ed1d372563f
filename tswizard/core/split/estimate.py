"""How long a split migration takes, step by step."""

from collections import Counter
from dataclasses import replace

from tswizard.core.estimate.phases import Part, bytes_at, phase, whole
from tswizard.core.estimate.rates import RateRange, Rates
from tswizard.core.estimate.shared_costs import (
    SHARED_COSTS,
    analyze_parts,
    checksum_parts,
    key_parts,
    unmeasured,
)
from tswizard.core.estimate.step_cost import StepCost, server_time
from tswizard.core.estimate.workload import Workload
from tswizard.core.model.disk_estimate import row_file_bounds, target_bytes
from tswizard.core.model.estimate import MethodEstimate
from tswizard.core.model.plan import Task
from tswizard.core.model.probed import Timed
from tswizard.core.model.wording import plural, size
from tswizard.core.split.compressed_work import compressed_work
from tswizard.core.split.schema.constraints import before_compression
from tswizard.core.split.schema.early_keys import early_keys
from tswizard.core.split.steps import SPLIT_STEPS, SplitStep
from tswizard.core.steps.analyze import ANALYZE
from tswizard.core.steps.compare import CHECK

_COSTS = {
    **SHARED_COSTS,
    # Chunks have other names on the target: more is looked up than after a restore.
    CHECK: StepCost(
        base=0.5, chunk=0.0008, object=0.004, trips=50, trips_chunk=0.01, trips_object=0.2
    ),
    SplitStep.PLAN: StepCost(base=0.08, chunk=0.00015, trips=28, trips_chunk=0.002),
    SplitStep.DUMP_SCHEMA: StepCost(base=0.1, trips=74, on_source=True),
    SplitStep.PRE_DATA: StepCost(base=0.1, trips=22, object=0.001, trips_object=0.02),
    SplitStep.HYPERTABLES: StepCost(base=0.04, trips=8),
    SplitStep.KEYS: StepCost(base=0.02, trips=7),
    SplitStep.CAGGS: StepCost(base=0.1, trips=17, object=0.005, trips_object=0.3),
    SplitStep.CAGG_RANGES: StepCost(base=0.1, trips=22),
    SplitStep.CAGG_LOGGING: StepCost(base=0.05, chunk=0.0005, trips=11),
    SplitStep.CAGG_DEPENDENTS: StepCost(base=0.2, trips=6),
    SplitStep.POLICIES: StepCost(base=0.1, trips=11),
    SplitStep.CHUNKS: StepCost(base=0.05, chunk=0.0009, trips=10, trips_chunk=0.008),
    SplitStep.COPY_TABLES: StepCost(base=0.1, trips=20, shared_object=1),
    SplitStep.CONSTRAINTS_BEFORE: StepCost(base=0.05, trips=22),
    SplitStep.COMPRESSION: StepCost(base=0.04, trips=10),
    SplitStep.COPY_HYPERTABLES: StepCost(
        base=0.2,
        chunk=0.0026,
        compressed=0.006,
        trips=80,
        shared_chunk=0.1,
        shared_compressed=1.2,
        overlapped=True,
    ),
    SplitStep.RECONCILE: StepCost(base=0.04, trips=7),
    SplitStep.SEQUENCES: StepCost(base=0.01, trips=3),
    SplitStep.CONSTRAINTS_AFTER: StepCost(base=0.08, chunk=0.00008, trips=14, trips_object=0.1),
    SplitStep.COMPRESSION_LAST: StepCost(base=0.02, trips=4),
    SplitStep.POST_DATA: StepCost(base=0.1, chunk=0.0006, trips=13, trips_object=0.03),
}


_IDLE = StepCost(base=0.01, trips=5)
"""A step that finds nothing to do."""


def _cost(step: str, load: Workload) -> StepCost:
    idle: dict[str, bool] = {
        SplitStep.COPY_TABLES: not load.tables,
        SplitStep.CONSTRAINTS_BEFORE: not load.hypertables_with_compression,
        SplitStep.COMPRESSION: not load.hypertables_with_compression,
    }
    return _IDLE if idle.get(step) else _COSTS.get(step, StepCost(trips=10))


def estimate_split(task: Task, load: Workload) -> MethodEstimate:
    """Every step that this run would have."""
    phases = tuple(
        phase(
            step.id,
            step.title,
            (
                *_cost(step.id, load).parts(load),
                *_bytes(step.id, load),
                *(_keys_of_chunks(load) if step.id == SplitStep.CHUNKS else ()),
                *(key_parts(load) if step.id == SplitStep.CONSTRAINTS_AFTER else ()),
                *(_constraints_in_place(load) if step.id == SplitStep.COPY_HYPERTABLES else ()),
            ),
        )
        for step in SPLIT_STEPS
        if step.when(task)
    )
    both = load.probe is not None and load.probe.both_ends
    moved = _moved(load)
    files = load.answers.via == "files"
    return MethodEstimate(
        method="split",
        bytes=moved,
        bytes_how=_moves(load, moved),
        disk_here=row_file_bounds(load.inventory).most if files else 0,
        disk_there=target_bytes(load.inventory),
        phases=phases,
        seconds=whole(phases, probed=both),
        unmeasured=unmeasured(load),
    )


def _moved(load: Workload) -> int:
    """Bytes of COPY: what a sample's rows took of it, for all; compressed rows that travel as they
    are stored take what was counted of the sample, or else about what they take on disk."""
    packed = compressed_work(load)
    total = packed.stored * (load.stored_in_copy or 1.0)
    copies = load.probe.of(Timed.COPY) if load.probe else ()
    for count, compressed in ((load.plain_bytes, False), (packed.decompressed, True)):
        own = [t for t in copies if (t.kind == "compressed chunk") == compressed and t.stored]
        ratio = own[0].bytes / own[0].stored if own else 1.0
        total += count * ratio
    return int(total)


def _moves(load: Workload, moved: int) -> str:
    packed = compressed_work(load)
    timed = load.probe is not None and bool(load.probe.of(Timed.COPY))
    if packed.stored and not packed.decompressed:
        how = "as COPY took for the sample" if timed else "as they are stored"
    else:
        how = "as COPY took for the sample" if timed else "as much as the rows take uncompressed"
    words = [f"{size(moved)} of rows, {how}"]
    if packed.stored:
        words.append(
            f"{size(packed.stored)} of compressed chunks travel as they are stored, as far as both "
            "databases store them the same way"
        )
    if packed.decompressed:
        some = size(load.compressed_bytes - packed.stored)
        guessed = ", about (their size before is not known)" if load.guesses_expansion else ""
        words.append(f"{some} of compressed chunks are decompressed on their way{guessed}")
    return "; ".join(words)


def _bytes(step: str, load: Workload) -> tuple[Part, ...]:
    """What a step does with rows."""
    rates, inventory = Rates(load), load.inventory
    tables = sum(t.bytes - t.index_bytes for t in inventory.tables)
    plain = max(0, load.plain_bytes - tables)
    match step:
        case SplitStep.EXPORT:
            return (
                bytes_at(load.plain_bytes, "rows", rates.read(plain=True)),
                _as_stored(load, rates.read(plain=True)),
                bytes_at(
                    compressed_work(load).decompressed, "compressed rows", rates.read(plain=False)
                ),
            )
        case SplitStep.COPY_TABLES:
            return (bytes_at(tables, "rows", rates.stream(plain=True)),)
        case SplitStep.COPY_HYPERTABLES:
            return (
                bytes_at(plain, "rows", rates.stream(plain=True)),
                _as_stored(load, rates.stream(plain=True)),
                _with_compression(load, rates),
            )
        case SplitStep.CONSTRAINTS_AFTER | SplitStep.POST_DATA:
            # Which index belongs to a constraint is not known here: half each.
            return (bytes_at(load.index_bytes / 2, "indexes", rates.index()),)
        case _ if step == ANALYZE.id:
            return analyze_parts(load, rates)
        case _ if step == CHECK:
            return checksum_parts(load, rates)
    return ()


def _keys_of_chunks(load: Workload) -> tuple[Part, ...]:
    """Chunks that are created with their primary key: an index more for each."""
    inventory = load.inventory
    tables = {key.on for key in early_keys(inventory.constraints, inventory, load.target)}
    keyed = sum(len(h.chunks) for h in inventory.hypertables if (h.schema, h.name) in tables)
    told = f"primary keys of {plural(keyed, 'chunk')}"
    return (server_time(load, keyed * _KEY_OF_CHUNK, told),) if keyed else ()


def _constraints_in_place(load: Workload) -> tuple[Part, ...]:
    """What rows cost that are copied with constraints in place: by one connection at most, by all
    jobs at least. Of compressed rows that travel as they are stored nothing is checked."""
    inventory = load.inventory
    first = {
        *before_compression(
            inventory.constraints,
            [(h.schema, h.name) for h in inventory.hypertables if h.compression],
            inventory.hazards.compressed_late,
        ),
        *early_keys(inventory.constraints, inventory, load.target),
    }
    each: Counter[tuple[str, str]] = Counter()
    for constraint in first:
        each[constraint.on] += _IN_PLACE.get(constraint.kind, 0)
    again = load.answers.compressed == "recompress"
    rows = {
        (h.schema, h.name): sum(c.rows_estimate for c in h.chunks if again or not c.compressed)
        for h in inventory.hypertables
    }
    seconds = sum(rows.get(on, 0) * cost for on, cost in each.items()) / 1e6
    if not seconds:
        return ()
    checked = sum(rows.get(on, 0) for on in each)
    part = server_time(load, seconds, f"constraints that check {plural(checked, 'row')}")
    return (replace(part, low=part.low / load.jobs),)


def _with_compression(load: Workload, rates: Rates) -> Part:
    """Chunks are compressed again while others are copied. Where the link is what limits the copy,
    the servers have time for it; where their cores are, one is added to the other."""
    packed = compressed_work(load)
    copied = bytes_at(packed.decompressed, "compressed rows", rates.stream(plain=False))
    again = bytes_at(packed.compressed_again, "rows to compress again", rates.compress())
    high = max(copied.high, again.high) * 1.1 if rates.link_bound else copied.high + again.high
    how = f"{copied.how}, meanwhile {again.how}" if packed.compressed_again else ""
    low = max(copied.low, again.low if not rates.link_bound else 0.0)
    return Part(low, max(low, high), how, copied.timed and again.timed)


def _as_stored(load: Workload, rate: RateRange) -> Part:
    """Compressed rows in COPY: as the sample took of it, or else numbers take less than on disk,
    text and booleans up to about twice as much (docs/compressed-chunks.md)."""
    packed = compressed_work(load)
    moved = bytes_at(packed.stored, "compressed rows as they are stored", rate)
    counted = load.stored_in_copy
    if counted is None:
        return Part(moved.low * _WIRE[0], moved.high * _WIRE[1], moved.how, moved.timed)
    how = f"{moved.how}, {counted:.1f} bytes of COPY for each" if moved.how else ""
    low, high = counted * _LIKE_THE_SAMPLE[0], counted * _LIKE_THE_SAMPLE[1]
    return Part(moved.low * low, moved.high * high, how, moved.timed)


_KEY_OF_CHUNK = 0.0012
"""Seconds for a chunk's key, as `StepCost` has them."""
_IN_PLACE = {"f": 5, "p": 1, "u": 1, "x": 5}
"""Microseconds for a row, by the kind of a constraint that is there before it."""
_WIRE = (0.7, 2.3)
"""Bytes of COPY for each stored byte of compressed rows, where nobody counted them."""
_LIKE_THE_SAMPLE = (0.85, 1.2)
"""How far other chunks are from the sample."""
