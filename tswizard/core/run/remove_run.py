"""A run that is over is removed from this machine: its folder, and its dump wherever that lies."""

import os
import shutil
from pathlib import Path

from tswizard.core.run.run_folder import RunFolder, RunFolderError


def run_paths(run_folder: RunFolder) -> tuple[Path, ...]:
    """The run's folder, and that of its dump or files in a staging folder where there is one."""
    dump = run_folder.dump_path
    inside = dump.is_relative_to(run_folder.path)
    return (run_folder.path,) if inside or not dump.exists() else (run_folder.path, dump)


def folder_bytes(folder: Path) -> int:
    """Bytes of all files in there; what goes away meanwhile counts as none."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(path) / name).lstat().st_size
            except OSError:
                continue
    return total


def refuse_removal(run_folder: RunFolder) -> None:
    """Raises RunFolderError for a run that is unfinished or under way: a resume needs its folder,
    which also says what is still paused."""
    record = run_folder.record
    if record.resumable:
        raise RunFolderError(
            f"{record.id} is unfinished, and a resume needs its folder "
            f"(tswizard resume {record.id}). Nothing was removed."
        )
    if run_folder.busy:
        raise RunFolderError(f"{record.id} is under way. Nothing was removed.")


def remove_run(run_folder: RunFolder) -> int:
    """Remove all of it; the bytes that were freed. Raises RunFolderError, see `refuse_removal`,
    and when it cannot be removed."""
    refuse_removal(run_folder)
    with run_folder.held():
        paths = run_paths(run_folder)
        freed = sum(map(folder_bytes, paths))
        # The dump first: as long as the folder is there, this can be repeated.
        for path in reversed(paths):
            try:
                shutil.rmtree(path)
            except OSError as error:
                raise RunFolderError(
                    f"{error.filename or path} cannot be removed: {error.strerror or error}."
                ) from error
    return freed
