"""A folder of this machine, picked from those that there are."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual_fspicker import SelectDirectory
from textual_fspicker.icons import Icons

from tswizard.core.model.existing_folder import existing_folder

if TYPE_CHECKING:
    from textual.app import App


async def choose_folder(app: "App[Any]", where: str) -> Path | None:
    """Begin in this folder, or in the nearest one above it that exists; None when nobody chose.
    Only for a worker."""
    Icons.set_picker(lambda _folder: Text(">"))  # its own are wide in some terminals, and color
    title = "Folder for dumps and files: enter opens one, tab leads to Take it"
    picker = SelectDirectory(_nearest(where), title, select_button="Take it")
    chosen: Path | None = await app.push_screen_wait(picker)
    return chosen


def _nearest(where: str) -> Path:
    path = Path(where)
    for above in (path, *path.parents) if where else ():
        if (folder := existing_folder(str(above))) is not None:
            return folder.absolute()
    return existing_folder("~") or Path.cwd()
