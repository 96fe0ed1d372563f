"""What a step works with: the task, the run folder, the watchers, the log."""

import asyncio
import itertools
import os
import re
import shlex
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol, TextIO

from tswizard.core.classify.classifier import Classifier
from tswizard.core.classify.prove import Prover, prove
from tswizard.core.classify.tally import VerdictTally, counted_once
from tswizard.core.classify.unmix_parallel_output import OutputUnmixer
from tswizard.core.db.child_process import Child
from tswizard.core.db.endpoint import Endpoint, child_environment
from tswizard.core.db.passfile import passfile
from tswizard.core.db.redact import redact
from tswizard.core.model.events import Event, FindingFound, LogLine, LogVerdict, StepProgress, Unit
from tswizard.core.model.finding import Finding, Level, without_passwords
from tswizard.core.model.judged import JudgedMessage
from tswizard.core.model.plan import Task
from tswizard.core.run.record import RunRecord
from tswizard.core.run.run_folder import RunFolder

_ERRORS_IGNORED = re.compile(r"errors ignored on restore: \d+")


class StepFailed(Exception):
    """A step that cannot continue; the run stops and can be resumed."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.what)
        self.finding = finding


class StepSkipped(Exception):
    """A step with nothing to do; its message says why."""


@dataclass(frozen=True, slots=True)
class ToolEnd:
    """How a client tool ended."""

    exit_code: int
    judged: tuple[JudgedMessage, ...]
    last_line: str

    @property
    def reached_the_end(self) -> bool:
        """Whether it did all of its work; pg_restore passes over errors, counts them in its last
        line and then exits with 1."""
        return self.exit_code == 0 or _ERRORS_IGNORED.search(self.last_line) is not None

    @property
    def fatal(self) -> JudgedMessage | None:
        """The last error, for a tool that failed; the one before it where that only says that a
        parallel job has died."""
        errors = [judged for judged in self.judged if judged.counts_as_error]
        causes = [judged for judged in errors if judged.rule != "worker-died"]
        return next(reversed(causes or errors), None)

    @property
    def last_words(self) -> str:
        """Why it gave up, as far as it said so, on one line."""
        text = self.fatal.message if self.fatal else self.last_line
        return " ".join(text.split())


LEFT_OPEN = "left-open"
"""Id of a finding of what could not be put back."""


@dataclass(frozen=True, slots=True)
class PutBack:
    """Something that a run must not leave as it is, whatever ended it."""

    danger: str
    """What may be the case as long as `action` has not succeeded; a sentence without its dot."""
    action: "Callable[[Context], Awaitable[None]]"
    """Opens connections of its own, so that it can be tried again."""
    statement: str = ""
    """SQL that does it by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """What a finished run leaves behind."""

    todo: tuple[tuple[str, str], ...] = ()
    """(what only the user can do, text to copy or empty)."""
    dump: str = ""
    """Folder of a dump that is kept."""


class MethodRun(Protocol):
    """One run of a method: what it holds while this process carries it out."""

    async def before_step(self) -> None:
        """Make sure that this process may still work on the target.

        Raises StepFailed when it may not, CannotConnect, psycopg.Error.
        """
        ...

    async def save_record(self) -> None:
        """Bring the run's record to wherever it is kept beside the run's folder.

        Raises CannotConnect, StepFailed, psycopg.Error.
        """
        ...

    def to_put_back(self, ctx: "Context") -> tuple[PutBack, ...]:
        """What has to be put back when the run ends here, in this order."""
        ...

    async def tidy_up(self, ctx: "Context", result: Level) -> Leftovers:
        """Remove what a finished run needs no more, and say what is left to the user."""
        ...

    async def close(self) -> None:
        """Release what it holds."""
        ...


@dataclass(slots=True, kw_only=True)
class Context:
    """One run's surroundings. Steps emit events here and keep no state of their own."""

    task: Task
    run_folder: RunFolder
    log: TextIO
    put: Callable[[Event], None]
    room: Callable[[], Awaitable[None]]
    confirmed: bool = False
    """The user typed the target's name: what `Method.confirmation` named may be removed."""
    prover: Prover | None = None
    snapshot: str | None = None
    """The exported snapshot of the source while it is held."""
    step: str = ""
    child: Child | None = None
    resources: AsyncExitStack = field(default_factory=AsyncExitStack)
    """What stays open over several steps, such as the snapshot."""
    findings: list[Finding] = field(default_factory=list)
    """Of the step that runs, as are `judged`."""
    judged: list[JudgedMessage] = field(default_factory=list)
    going: asyncio.Event = field(default_factory=asyncio.Event)
    """Clear while the run is paused."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the run is to end after the piece under way."""
    method_run: MethodRun | None = None
    """What the method itself holds; None where steps are called one by one."""

    async def remember(self, record: RunRecord) -> None:
        """Make this the run's record, everywhere, before anything is done that it tells of.

        Raises CannotConnect, psycopg.Error.
        """
        self.run_folder.save(record)
        if self.method_run is not None:
            await self.method_run.save_record()

    def say(self, text: str, tool: str = "tswizard") -> None:
        """A plain line for the log and the watchers."""
        text = self.redacted(text)
        self._write(f"{tool}: {text}" if tool == "tswizard" else text)
        self.put(LogLine(time.time(), tool, text))

    def found(self, finding: Finding) -> None:
        """A finding for the checklist; said at once."""
        finding = without_passwords(finding, (self.task.source, self.task.target))
        self.findings.append(finding)
        self._write(f"{finding.level.upper()} {finding.id}: {finding.what} {finding.todo}")
        self.put(FindingFound(time.time(), finding))

    def progress(self, done: int, total: int | None, unit: Unit, what: str = "") -> None:
        what = self.redacted(what)
        self.put(
            StepProgress(time.time(), step=self.step, done=done, total=total, unit=unit, what=what)
        )

    async def unpaused(self) -> None:
        """Wait here while the run is paused; called between units of work."""
        await self.going.wait()

    async def run_tool(
        self,
        argv: Sequence[str | Path],
        endpoint: Endpoint,
        *,
        tool: str,
        phase: str,
        on_lines: Callable[[list[str]], None] = lambda _lines: None,
    ) -> ToolEnd:
        """Run a client tool and classify what it prints, line by line; `on_lines` gets as many as
        there are at a time.

        Proofs run beside it, or after it where one backend serves every connection: the tool
        must never wait for us while it holds a transaction.
        """
        self.say("$ " + shell(argv))
        classifier = Classifier(tool, self.task.answers.method, phase)
        unmixer = OutputUnmixer()
        tally = VerdictTally()
        proven: list[JudgedMessage] = []
        queue: asyncio.Queue[JudgedMessage | None] = asyncio.Queue()
        last = ""

        may_prove = asyncio.Event()
        if self.task.concurrent:
            may_prove.set()

        async def judge() -> None:
            await may_prove.wait()
            while (judged := await queue.get()) is not None:
                judged = self._judged_redacted(tally.add(await prove(judged, self.prover)))
                proven.append(judged)
                self._verdict(judged)

        async def take(texts: list[str]) -> None:
            nonlocal last
            # Judged as it was printed: a short password may be part of any word or name.
            texts = [unmixer.feed(text) for text in texts]
            shown = self.redacted("\n".join(texts)).split("\n")
            last = next((text for text in reversed(shown) if text), last)
            write_lines(self.log, shown)
            on_lines(texts)
            plain = []
            for item in itertools.chain.from_iterable(map(classifier.feed, texts)):
                if isinstance(item, JudgedMessage):
                    queue.put_nowait(item)
                else:
                    plain.append(item.text)
            if plain:
                now = time.time()
                for text in self.redacted("\n".join(plain)).split("\n"):
                    self.put(LogLine(now, tool, text))
            await self.room()

        judge_task = asyncio.create_task(judge())
        with passfile(endpoint) as path:
            try:
                child = await Child.start(
                    [str(arg) for arg in argv], child_environment(os.environ, path)
                )
                self.child = child
                try:
                    exit_code = await child.lines(take)
                finally:
                    self.child = None
                for item in classifier.close():
                    if isinstance(item, JudgedMessage):
                        queue.put_nowait(item)
                queue.put_nowait(None)
                may_prove.set()
                await judge_task
            finally:
                judge_task.cancel()
                judged = counted_once(proven)
                self.judged.extend(judged)
        return ToolEnd(exit_code, judged, last)

    def redacted(self, text: str) -> str:
        """The text without passwords, for whoever writes or shows it past this context."""
        return redact(text, (self.task.source, self.task.target))

    def _judged_redacted(self, judged: JudgedMessage) -> JudgedMessage:
        """Without passwords in its sentences; names in it are those of objects."""
        return replace(
            judged,
            message=self.redacted(judged.message),
            reason=self.redacted(judged.reason),
            todo=self.redacted(judged.todo),
            detail=tuple(map(self.redacted, judged.detail)),
        )

    def _verdict(self, judged: JudgedMessage) -> None:
        self._write(f"  {judged.verdict.upper()} {judged.rule or 'unknown'}: {judged.reason}")
        self.put(LogVerdict(time.time(), judged))

    def _write(self, text: str) -> None:
        write_lines(self.log, text.removesuffix("\n").split("\n"))


def write_lines(log: TextIO, lines: Iterable[str]) -> None:
    """Add lines to a run's log, each with the time: ISO 8601, since a run may take days. In one
    go: the log is flushed at the end of what is written.

    A disk that takes no more of them ends nothing, least of all what puts a database back: what a
    run rests on is its record, whose writing fails aloud.
    """
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    with suppress(OSError):
        log.write("".join(f"{now} {line}\n" for line in lines))


def shell(argv: Sequence[str | Path]) -> str:
    """A command as a person would paste it."""
    return shlex.join(str(arg) for arg in argv)


def failed(id: str, what: str, *, where: str = "", why: str = "", todo: str = "") -> StepFailed:
    """A StepFailed with a finding of level fail."""
    return StepFailed(Finding(Level.FAIL, id, what, where=where, why=why, todo=todo))
