"""What was copied, as a file as well: many terminals have no clipboard to offer."""

import os
import re
from pathlib import Path

_NAME = re.compile(r"[^a-z0-9]+")
_LONGEST = 60


def write_copied(text: str, what: str, folder: Path) -> Path:
    """Write it to `copied/` in this folder, under a name made from what it is, and readable only
    by the user; the newest of a name stays. Returns the file. Raises OSError."""
    name = _NAME.sub("-", what.lower()).strip("-")[:_LONGEST] or "text"
    path = folder / "copied" / f"{name}.txt"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text if text.endswith("\n") else f"{text}\n")
    return path


def where_copied(run: Path | None) -> Path:
    """The run's folder while there is one, else where runs are kept."""
    from tswizard.core.run.run_folder import runs_folder

    return run if run is not None and run.is_dir() else runs_folder().parent
