"""Both ends of a split migration compared, as the check does it."""

from collections.abc import Collection
from dataclasses import dataclass

from tests.support.step_context import StepRun
from tswizard.core.db.connection import Connection, connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.finding import Level
from tswizard.core.split.schema.cagg_facts import Caggs, read_cagg_facts
from tswizard.core.split.schema.hypertable_facts import HypertableFacts, read_hypertable_facts
from tswizard.core.split.schema.normalize import normalize, read_not_migrated
from tswizard.core.split.schema.toc_selection import read_selection
from tswizard.core.verify.schema.compare import Difference, compare_schemas
from tswizard.core.verify.schema.not_migrated import NotMigrated
from tswizard.core.verify.schema.read import Schema, read_schema

End = tuple[Schema, tuple[HypertableFacts, ...]]


@dataclass(frozen=True)
class Comparer:
    """The source, read once."""

    source: End
    left_out: NotMigrated
    caggs: Caggs | None = None
    """Continuous aggregates that are compared, all with their rows; None for none."""

    @classmethod
    async def of(
        cls, run: StepRun, existing: Collection[str] = (), *, caggs: bool = False
    ) -> "Comparer":
        """`existing` are the continuous aggregates that the target has; `caggs` compares them all
        as they were recreated."""
        chosen = await read_selection(run.ctx)
        async with connected(run.task.source) as source:
            facts = await read_cagg_facts(source) if caggs else {}
            left_out = await read_not_migrated(source, chosen, facts if caggs else existing)
            mine = Caggs(facts, frozenset(facts)) if caggs else None
            return cls(await _read(source), left_out, mine)

    async def differences(self, target: Connection) -> tuple[Difference, ...]:
        """What the target, as this connection sees it, has otherwise."""
        theirs = await _read(target)
        if self.caggs is None:
            return compare_schemas(*normalize(self.source, theirs, self.left_out)).differences
        there = Caggs(await read_cagg_facts(target), self.caggs.kept)
        ends = normalize(self.source, theirs, self.left_out, (self.caggs, there))
        return compare_schemas(*ends).differences


async def _read(connection: Connection) -> End:
    return await read_schema(connection), await read_hypertable_facts(connection)


async def differing(comparer: Comparer, target: Endpoint) -> set[str]:
    """Differences, but for chunks: the sample's rows are not copied, and which chunks compression
    merges depends on the order of their creation. Chunks of one table are compared."""
    async with connected(target) as connection:
        found = await comparer.differences(connection)
    return {
        f"{d.key.kind} {d.words}"
        for d in found
        if d.level is not Level.PASS
        and not (d.key.kind == "chunk" and not d.key.name.startswith("hard.marks "))
    }
