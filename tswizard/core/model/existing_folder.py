"""A folder of this machine as a person writes it, `~` included."""

from pathlib import Path


def existing_folder(text: str) -> Path | None:
    """The folder that is meant; None where there is none, or where it cannot be looked at."""
    try:
        folder = Path(text).expanduser()
        return folder if folder.is_dir() else None
    except (OSError, RuntimeError, ValueError):  # no such user; too long; not allowed
        return None
