"""The record of a run in its own folder: what was decided, what is done, what must be put back.

What concerns the target's contents is recorded on the target too (`steps.target_marker`), so that
the two cannot tell different stories.
"""

import asyncio
import fcntl
import json
import os
import shutil
import socket
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TextIO

from platformdirs import user_state_path
from pydantic import TypeAdapter, ValidationError

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.db.atomic_write import write_atomically
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.answers import Answers
from tswizard.core.model.events import StepState
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.judged import JudgedMessage
from tswizard.core.model.outcome import TableRows
from tswizard.core.model.recommendation import Advice
from tswizard.core.model.wording import plural
from tswizard.core.model.write_counters import WriteCounters

RECORD_FORMAT = 2
"""Of a run's folder; grows when ids of steps or fields of the record change their meaning."""

FINAL = (StepState.DONE, StepState.SKIPPED)
"""States of a step that a resume does not repeat by itself."""


class RunFolderError(Exception):
    """A run's folder that cannot be used; one sentence."""


def not_planned(record: "RunRecord") -> RunFolderError:
    """Of a run that ended before it had steps, an inventory, or anything to resume or to check."""
    return RunFolderError(f"{record.id} was not planned to its end; start a new run.")


class _Locked(Exception):
    """Another process holds the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """One step as it stands, with what it said; all of it goes when the step is repeated."""

    name: str
    state: StepState = StepState.PENDING
    seconds: float = 0.0
    findings: tuple[Finding, ...] = ()
    judged: tuple[JudgedMessage, ...] = ()
    title: str = ""
    """As Review and Run show it; runs of older versions have none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """Everything that a resume needs, without secrets."""

    id: str
    started: float
    source: str
    """Conninfo without the password."""
    target: str
    source_label: str
    target_label: str
    answers: Answers
    steps: tuple[StepRecord, ...]
    preflight: tuple[Finding, ...] = ()
    leaving: tuple[Finding, ...] = ()
    """What went wrong when the run was left; forgotten when it is resumed."""
    tables: tuple[TableRows, ...] = ()
    paused_source_jobs: tuple[int, ...] = ()
    """Jobs of the source that this run pauses and has not put back yet."""
    source_timescaledb: str = ""
    """The source's version of TimescaleDB, where jobs are paused; empty in earlier runs."""
    result: Level | None = None
    demo: bool = False
    format: int = RECORD_FORMAT
    counters: WriteCounters | None = None
    """How often each table of the source had been written to before the dump."""
    source_fingerprint: str = ""
    """Of the source when the pieces were reconciled (`split/source_fingerprint.py`)."""
    source_xid: int | None = None
    """The source's next transaction when its rows began to be read: a row of a later one was
    written since."""
    checked: float = 0.0
    """When both databases were compared last, in seconds since the epoch; 0 before the first
    time."""
    missing_roles: tuple[str, ...] = ()
    """Roles that the source uses and the target lacked when the run began."""
    abandoned: tuple[str, ...] = ()
    """Labels of targets that this run was restored into before it went on into another."""
    arrived: tuple[str, ...] = ()
    """Tables that were equal at some check."""
    target_counters: WriteCounters | None = None
    """How often each table of the target had been written to when both databases were compared
    first: what was written there since is the applications' own."""
    advice: Advice | None = None
    """What was timed, estimated and recommended before the run."""

    @property
    def seconds(self) -> float:
        return sum(step.seconds for step in self.steps)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything found so far: by preflight, step by step, and in leaving."""
        by_steps = tuple(f for step in self.steps for f in step.findings)
        return self.preflight + by_steps + self.leaving

    @property
    def judged(self) -> tuple[JudgedMessage, ...]:
        return tuple(j for step in self.steps for j in step.judged)

    def step(self, name: str) -> StepRecord:
        """That step; a pending one when the run has none of that name."""
        return next((s for s in self.steps if s.name == name), StepRecord(name=name))

    def with_step(self, changed: StepRecord) -> "RunRecord":
        steps = tuple(changed if s.name == changed.name else s for s in self.steps)
        return replace(self, steps=steps)

    def with_steps_before(self, name: str, *new: StepRecord) -> "RunRecord":
        """The record with these steps before that one; those that it has already stay."""
        known = {step.name for step in self.steps}
        fresh = tuple(step for step in new if step.name not in known)
        at = next((n for n, s in enumerate(self.steps) if s.name == name), len(self.steps))
        return replace(self, steps=(*self.steps[:at], *fresh, *self.steps[at:]))

    def with_addresses_of(self, other: "RunRecord") -> "RunRecord":
        """The record with the same databases as another record reaches them."""
        return replace(
            self,
            source=other.source,
            target=other.target,
            source_label=other.source_label,
            target_label=other.target_label,
        )

    def with_plan(self, plan: Sequence[StepRecord]) -> "RunRecord":
        """The record with the steps of this plan that it lacks, each where the plan has it: an
        earlier version did not have them."""
        record, following = self, ""
        for step in reversed(plan):
            record = record.with_steps_before(following, step)
            following = step.name
        return record

    def to_do_again(self, names: Collection[str]) -> "RunRecord":
        """The record with these steps pending again. What they said stays until each begins: it is
        what there is to do."""
        steps = tuple(
            replace(s, state=StepState.PENDING) if s.name in names else s for s in self.steps
        )
        return replace(self, steps=steps)

    def repeated(self, names: Collection[str]) -> "RunRecord":
        """The record with these steps pending again; their time stays counted."""
        steps = tuple(
            replace(s, state=StepState.PENDING, findings=(), judged=()) if s.name in names else s
            for s in self.steps
        )
        return replace(self, steps=steps)

    @property
    def over(self) -> bool:
        """Has it come to a result?"""
        return self.result is not None

    @property
    def planned(self) -> bool:
        """Was it planned to its end? Else it has done nothing, and nobody can resume it."""
        return bool(self.steps)

    @property
    def resumable(self) -> bool:
        return self.planned and not self.over

    @property
    def state(self) -> str:
        """One word for a list: the result, or `unfinished`."""
        return self.result.value if self.result else "unfinished"


_RECORD = TypeAdapter(RunRecord)
_INVENTORY = TypeAdapter(Inventory)


def record_to_text(record: RunRecord) -> str:
    """The record as JSON in ASCII, which every database can hold."""
    return json.dumps(_RECORD.dump_python(record, mode="json"))


def record_from_text(text: str) -> RunRecord:
    """Raises pydantic.ValidationError for what another version wrote."""
    return _RECORD.validate_json(text)


def inventory_to_text(inventory: Inventory) -> str:
    """The inventory as JSON in ASCII."""
    return json.dumps(_INVENTORY.dump_python(inventory, mode="json"))


def inventory_from_text(text: str) -> Inventory:
    """Raises pydantic.ValidationError for what another version wrote."""
    return _INVENTORY.validate_json(text)


def runs_folder() -> Path:
    """Where runs live: TSWIZARD_STATE_DIR, or the user's state directory."""
    override = os.environ.get("TSWIZARD_STATE_DIR")
    return (Path(override) if override else user_state_path("tswizard")) / "runs"


def dump_folder(run: Path, answers: Answers) -> Path:
    """Where the run with this folder keeps its dump: in there, or in the staging folder."""
    if answers.staging:
        return Path(answers.staging).expanduser() / f"tswizard-{run.name}"
    return run / "dump"


class RunFolder:
    """A run's folder. One process at a time holds it."""

    def __init__(self, folder: Path, record: RunRecord) -> None:
        self.path = folder
        self.record = record

    @classmethod
    def create(
        cls,
        source: Endpoint,
        target: Endpoint,
        answers: Answers,
        steps: Iterable[tuple[str, str]],
        preflight: tuple[Finding, ...],
        *,
        demo: bool = False,
    ) -> "RunFolder":
        """A new run in a folder of its own, with these steps (id, title). Raises RunFolderError
        when none can be created."""
        now = time.time()
        stamp = datetime.fromtimestamp(now).strftime("%Y%m%d-%H%M%S")
        base = runs_folder()
        for attempt in range(1000):
            name = f"run-{stamp}" + (f"-{attempt}" if attempt else "")
            try:
                (base / name).mkdir(parents=True, mode=0o700)
            except FileExistsError:
                continue
            except OSError as error:
                raise _cannot_be_created(base / name, error) from error
            record = RunRecord(
                id=name,
                started=now,
                source=source.conninfo,
                target=target.conninfo,
                source_label=source.label,
                target_label=target.label,
                answers=answers,
                steps=tuple(StepRecord(name=name, title=title) for name, title in steps),
                preflight=preflight,
                demo=demo,
            )
            run_folder = cls(base / name, record)
            run_folder.save(record)
            return run_folder
        raise RunFolderError(f"No free name for a run in {base}.")

    @classmethod
    def create_for(cls, record: RunRecord, inventory: Inventory) -> "RunFolder":
        """A folder here for a run that was begun on another machine. Raises RunFolderError."""
        folder = runs_folder() / record.id
        try:
            folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        except OSError as error:
            raise _cannot_be_created(folder, error) from error
        run_folder = cls(folder, record)
        run_folder.save_inventory(inventory)
        run_folder.save(record)
        return run_folder

    @classmethod
    def known(cls, run: str) -> "RunFolder | None":
        """This machine's folder of a run; None when it has none. Raises RunFolderError."""
        folder = runs_folder() / run
        return cls(folder, _load(folder)) if (folder / "run.json").exists() else None

    @property
    def location(self) -> str:
        """How others name this folder: `host:folder`."""
        return f"{socket.gethostname()}:{self.path.absolute()}"

    @classmethod
    def open(cls, run: str) -> "RunFolder":
        """An earlier run by its id or folder. Raises RunFolderError."""
        folder = Path(run) if os.sep in run else runs_folder() / run
        return cls(folder, _load(folder))

    def save(self, record: RunRecord) -> None:
        """Make this the record; either the old or the new one survives a crash.

        Raises RunFolderError.
        """
        with self._writing():
            write_atomically(self.path / "run.json", _RECORD.dump_json(record, indent=1))
        self.record = record

    def save_inventory(self, inventory: Inventory) -> None:
        """Raises RunFolderError."""
        data = _INVENTORY.dump_json(inventory, indent=1)
        with self._writing():
            write_atomically(self.path / "inventory.json", data)

    def inventory(self) -> Inventory | None:
        """The source as it was read for this run; None when it was never saved.

        Raises RunFolderError.
        """
        path = self.path / "inventory.json"
        try:
            return _INVENTORY.validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RunFolderError(f"{path} cannot be read ({error.strerror}).") from error
        except ValidationError as error:
            raise _of_another_version(path, error) from None

    @property
    def log_path(self) -> Path:
        return self.path / "log.txt"

    @contextmanager
    def log(self) -> Iterator[TextIO]:
        """The log, open for adding lines; each is on the disk when it is written.

        Raises RunFolderError when it cannot be opened.
        """
        with self._writing():
            log = self.log_path.open("a", buffering=1, encoding="utf-8")
        try:
            yield log
        finally:
            with suppress(OSError):  # closing writes what a full disk has refused before
                log.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise RunFolderError(
                f"The run's folder {self.path} cannot be written ({error.strerror}); see whether "
                "it is still there and has disk space, then try again."
            ) from error

    @property
    def dump_path(self) -> Path:
        """The dump's folder (directory format)."""
        return dump_folder(self.path, self.record.answers)

    async def remove_dump(self) -> None:
        """Remove the dump, complete or not; the folder stays as it is when there is none.

        Aside, since a dump has a file for each table and chunk."""
        await asyncio.to_thread(shutil.rmtree, self.dump_path, ignore_errors=True)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Only one process works on a run. Raises RunFolderError when another does."""
        try:
            with self._writing():
                lock = self._lock()
        except _Locked:
            raise RunFolderError(
                f"{self.record.id} is in use by another tswizard process; wait for it to end."
            ) from None
        with lock:
            yield

    @property
    def busy(self) -> bool:
        """Does another process work on this run? Not as far as anybody knows where the folder may
        only be read: whoever continues the run is told so."""
        try:
            self._lock().close()
        except _Locked:
            return True
        except OSError:
            pass
        return False

    def _lock(self) -> TextIO:
        """The lock, to be closed. Raises _Locked when another process has it, OSError."""
        lock = (self.path / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise _Locked from None
        except OSError:
            lock.close()
            raise
        return lock


def all_runs() -> tuple[RunFolder, ...]:
    """Every readable run of this machine, newest first."""
    run_folders = []
    for path in runs_folder().glob("*/run.json"):
        try:
            run_folders.append(RunFolder(path.parent, _load(path.parent)))
        except RunFolderError:
            continue
    return tuple(sorted(run_folders, key=lambda found: found.record.started, reverse=True))


def unreadable_runs() -> tuple[str, ...]:
    """A sentence for each of the others, which may have left something open."""
    found = []
    for path in sorted(runs_folder().glob("*/run.json")):
        try:
            _load(path.parent)
        except RunFolderError as error:
            found.append(str(error))
    return tuple(found)


def _load(folder: Path) -> RunRecord:
    path = folder / "run.json"
    try:
        data = path.read_bytes()
    except OSError:
        raise RunFolderError(f"There is no run at {folder}; `tswizard runs` lists them.") from None
    try:
        record = _RECORD.validate_json(data)
    except ValidationError as error:
        raise _of_another_version(path, error) from None
    if record.format != RECORD_FORMAT:
        raise RunFolderError(f"{path} was created by another version of tswizard; use that one.")
    return record


def _of_another_version(path: Path, error: ValidationError) -> RunFolderError:
    fields = plural(error.error_count(), "field does", "fields do")
    return RunFolderError(
        f"{path} is not of this version of tswizard ({fields} "
        "not fit); "
        "use the version that created it."
    )


def _cannot_be_created(folder: Path, error: OSError) -> RunFolderError:
    return RunFolderError(
        f"The run's folder {folder} cannot be created ({error.strerror}); free disk space there "
        "or set TSWIZARD_STATE_DIR."
    )
