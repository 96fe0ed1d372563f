"""A run's folder: its record, inventory, log, dump and report, held by one process at a time.

What concerns the target's contents is recorded on the target too (`steps.target_marker`), so that
the two cannot tell different stories.
"""

import asyncio
import fcntl
import os
import shutil
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TextIO

from platformdirs import user_state_path
from pydantic import ValidationError

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.db.atomic_write import write_atomically
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.answers import Answers
from tswizard.core.model.finding import Finding
from tswizard.core.model.wording import plural
from tswizard.core.run.record import (
    INVENTORY_JSON,
    RECORD_FORMAT,
    RECORD_JSON,
    RunRecord,
    StepRecord,
)


class RunFolderError(Exception):
    """A run's folder that cannot be used; one sentence."""


def not_planned(record: RunRecord) -> RunFolderError:
    """Of a run that ended before it had steps, an inventory, or anything to resume or to check."""
    return RunFolderError(f"{record.id} was not planned to its end; start a new run.")


class _Locked(Exception):
    """Another process holds the run."""


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
            write_atomically(self.path / "run.json", RECORD_JSON.dump_json(record, indent=1))
        self.record = record

    def save_inventory(self, inventory: Inventory) -> None:
        """Raises RunFolderError."""
        data = INVENTORY_JSON.dump_json(inventory, indent=1)
        with self._writing():
            write_atomically(self.path / "inventory.json", data)

    def inventory(self) -> Inventory | None:
        """The source as it was read for this run; None when it was never saved.

        Raises RunFolderError.
        """
        path = self.path / "inventory.json"
        try:
            return INVENTORY_JSON.validate_json(path.read_bytes())
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
    return read_runs()[0]


def read_runs() -> tuple[tuple[RunFolder, ...], tuple[str, ...]]:
    """The readable runs of this machine, newest first, and a sentence for each of the others, which
    may have left something open."""
    found, unreadable = [], []
    for path in sorted(runs_folder().glob("*/run.json")):
        try:
            found.append(RunFolder(path.parent, _load(path.parent)))
        except RunFolderError as error:
            unreadable.append(str(error))
    found.sort(key=lambda run_folder: run_folder.record.started, reverse=True)
    return tuple(found), tuple(unreadable)


def _load(folder: Path) -> RunRecord:
    path = folder / "run.json"
    try:
        data = path.read_bytes()
    except OSError:
        raise RunFolderError(f"There is no run at {folder}; `tswizard runs` lists them.") from None
    try:
        record = RECORD_JSON.validate_json(data)
    except ValidationError as error:
        raise _of_another_version(path, error) from None
    if record.format != RECORD_FORMAT:
        raise RunFolderError(f"{path} was created by another version of tswizard; use that one.")
    return record


def _of_another_version(path: Path, error: ValidationError) -> RunFolderError:
    fields = plural(error.error_count(), "field does", "fields do")
    return RunFolderError(
        f"{path} is not of this version of tswizard ({fields} not fit); use the version that "
        "created it."
    )


def _cannot_be_created(folder: Path, error: OSError) -> RunFolderError:
    return RunFolderError(
        f"The run's folder {folder} cannot be created ({error.strerror}); free disk space there "
        "or set TSWIZARD_STATE_DIR."
    )
