"""The split method, as the runner and the screens know it."""

from tswizard.core.catalog.inventory import Inventory, Server
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.estimate.workload import Workload
from tswizard.core.model.answers import Answers, MethodName
from tswizard.core.model.disk_estimate import row_file_bounds
from tswizard.core.model.estimate import MethodEstimate
from tswizard.core.model.left_open import LeftOpen
from tswizard.core.model.plan import Task
from tswizard.core.model.runbook import Runbook
from tswizard.core.model.wording import plural
from tswizard.core.run.method import MethodFacts, MethodInShort
from tswizard.core.run.record import FINAL, RunRecord
from tswizard.core.run.run_folder import RunFolder
from tswizard.core.split.by_hand.runbook import split_runbook
from tswizard.core.split.change_answers import change_split_answers
from tswizard.core.split.estimate import estimate_split
from tswizard.core.split.source_fingerprint import source_fingerprint
from tswizard.core.split.split_run import SplitRun
from tswizard.core.split.steps import SPLIT_STEPS, SplitStep, steps_of_rows
from tswizard.core.split.takeover import sync_from_target
from tswizard.core.steps import source_jobs
from tswizard.core.steps.compare import CHECK


class Split:
    """The schema first, then the rows in pieces that are copied exactly once."""

    name: MethodName = "split"
    steps = SPLIT_STEPS
    asks = frozenset(("via", "piece", "compressed", "keep_record", "history", "lose_history"))
    unit = "piece"
    in_short = MethodInShort(interrupted="resumes", versions="any")
    comparison = (
        "SPLIT  The schema first, then the rows in pieces: chunks, tables, slices of big ones, "
        "several at a time; constraints and indexes last. Compressed chunks travel as they are "
        "stored where both databases store them the same way, else their rows are compressed again "
        "on the target.\n"
        "Better when the copy takes hours, when the connection may drop, when the versions of "
        "TimescaleDB differ, or when there is no disk space for a dump here. A run that is "
        "interrupted or stopped resumes at the piece where it stopped; no row is copied twice and "
        "none is left out.\n"
        "Continuous aggregates are recreated, and their materialized rows arrive as they are "
        "stored, those too whose raw rows are gone. One that the target's TimescaleDB refuses is "
        "named, with what depends on it."
    )

    def facts(self, inventory: Inventory, source: Server, target: Server) -> MethodFacts:
        compressed = sum(h.compressed_chunks for h in inventory.hypertables)
        chunks = plural(compressed, "compressed chunk")
        alike = (
            f", {chunks} as stored where both databases store them the same way"
            if compressed
            else ""
        )
        return MethodFacts(
            does=f"the schema, then the rows in pieces{alike}.",
            best="when it takes hours, the connection may drop, or versions differ; resumes at "
            "the piece where it stopped.",
            cannot="migrate publications and subscriptions: each is named at the end.",
        )

    def disk_here(self, inventory: Inventory, answers: Answers) -> int:
        """Streamed rows never touch this machine's disk."""
        return row_file_bounds(inventory).most if answers.via == "files" else 0

    def estimate(self, task: Task, load: Workload) -> MethodEstimate:
        return estimate_split(task, load)

    async def runbook(self, task: Task) -> Runbook:
        return await split_runbook(task)

    def open(self, task: Task, run_folder: RunFolder, *, over: bool = False) -> SplitRun:
        return SplitRun(task, run_folder, over=over)

    async def adopt(self, run_folder: RunFolder, target: Endpoint) -> None:
        await sync_from_target(run_folder, target)

    async def change_answers(
        self, run_folder: RunFolder, target: Endpoint, answers: Answers
    ) -> tuple[str, ...]:
        return await change_split_answers(run_folder, target, answers)

    async def confirmation(self, run_folder: RunFolder, target: Endpoint) -> str | None:
        """Nothing is removed: completed work is kept, and the rest is done."""
        return None

    def holds_elsewhere(self, run_folder: RunFolder) -> frozenset[str] | None:
        """Its pieces are where they were copied to."""
        return None

    def left_open(self, record: RunRecord) -> tuple[LeftOpen, ...]:
        return source_jobs.jobs_left_paused(record)

    async def to_repeat(self, run_folder: RunFolder, source: Endpoint) -> frozenset[str]:
        """The copy, when the source was changed since its rows were reconciled: the snapshot ended
        with the process that held it, and the check needs all rows to be of one."""
        record = run_folder.record
        if record.step(CHECK).state in FINAL:
            return frozenset()
        names = {source_jobs.PAUSE.id, source_jobs.RESUME.id}
        reconciled = record.step(SplitStep.RECONCILE).state in FINAL
        if reconciled and await source_fingerprint(source) != record.source_fingerprint:
            names |= steps_of_rows()
        return frozenset(names)


SPLIT = Split()
