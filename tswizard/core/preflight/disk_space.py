"""Disk room: here for the dump, there for the database.

No one knows a dump's size before it is made. Tables are counted as they are stored, without
indexes; as text they grow, compressed they shrink again, mostly below that.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.model.finding import Finding
from tswizard.core.model.wording import size
from tswizard.core.preflight.wording import fail, look, passed

MOST = 1.25
"""A compressed dump is not likely to take more than this times the stored bytes."""
LEAST = 0.05
"""Nor less than this: what compresses better is rare."""
SMALL = 5 << 30
"""Bytes that the smallest service has room for; below, an unknown disk is no worry."""
TARGET = 1.3
"""Room on the target for each stored byte: rows and indexes, sorting for these, WAL."""


def dump_bounds(inventory: Inventory) -> tuple[int, int]:
    """(least, most) bytes that the dump may take.

    Compressed chunks do not shrink any more: half of their size is what they take at least.
    """
    compressed = sum(c.bytes for h in inventory.hypertables for c in h.chunks if c.compressed)
    least = max(compressed // 2, int(inventory.dump_bytes * LEAST))
    most = int(inventory.dump_bytes * MOST) + (1 << 20)
    return min(least, most), most


def check_staging(inventory: Inventory, staging: Path) -> Iterator[Finding]:
    """Can the dump be written there, and is there room for it?"""
    folder = existing(staging)
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        yield fail(
            "staging-folder",
            f"The folder for the dump cannot be written to: {folder}.",
            str(staging),
            "It is no folder." if not folder.is_dir() else "This user may not write there.",
            "Choose another folder (answer: staging), or change its owner.",
        )
        return
    free = shutil.disk_usage(folder).free
    least, most = dump_bounds(inventory)
    what = f"The dump takes at most about {size(most)}; {size(free)} are free."
    why = (
        f"{size(inventory.dump_bytes)} of tables are stored without their indexes, which a dump "
        "does not hold; it is compressed while it is written."
    )
    todo = "Make room there, or choose a folder on a larger disk (answer: staging)."
    if free < least:
        yield fail(
            "staging-room",
            f"No room for the dump: it takes between {size(least)} and {size(most)}; "
            f"{size(free)} are free.",
            str(folder),
            why,
            todo,
        )
    elif free < most:
        yield look("staging-room", what, str(folder), why, todo)
    else:
        yield passed("staging-room", what, str(folder), why)


def target_need(inventory: Inventory) -> int:
    """Bytes that the target should have free."""
    return int(inventory.stored_bytes * TARGET)


def check_target_room(inventory: Inventory, label: str, free: int | None) -> Iterator[Finding]:
    """Is there room for the database? `free` is None where the disk cannot be seen."""
    need = target_need(inventory)
    why = (
        f"{size(inventory.stored_bytes)} as stored on the source; restoring writes as much again "
        "and sorts for the indexes."
    )
    if free is not None and free < inventory.stored_bytes:
        yield fail(
            "target-room",
            f"No room on the target: it takes about {size(need)}; {size(free)} are free.",
            label,
            why,
            "Give the target a larger disk first.",
        )
    elif free is not None and free < need:
        yield look(
            "target-room",
            f"The target's disk is tight: it takes about {size(need)}; {size(free)} are free.",
            label,
            why,
            "Better give the target a larger disk first.",
        )
    elif free is not None:
        what = f"The target takes about {size(need)}; {size(free)} are free."
        yield passed("target-room", what, label, why)
    elif need <= SMALL:
        yield passed(
            "target-room",
            f"The target takes about {size(need)}, for which every service has room.",
            label,
            why,
        )
    else:
        yield look(
            "target-room",
            f"The target takes about {size(need)}; its disk cannot be seen from here.",
            label,
            f"{why} SQL does not tell how much is free. Timescale Cloud enlarges a disk at most "
            "once in 6 hours, and a full one ends connections "
            '("terminating connection due to administrator command").',
            "See in the service's console that its disk has that much free, and enlarge it before "
            "the run, not during it.",
        )


def existing(path: Path) -> Path:
    """The path itself or, while it is not there, the nearest folder above it that is."""
    path = path.expanduser().absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    return path
