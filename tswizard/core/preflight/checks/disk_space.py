"""Free disk space: here for the dump or the files of rows, on the target for the database."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from psycopg import Error

from tswizard.core.db.connection import connected, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.disk_estimate import Bounds, dump_bounds, row_file_bounds, target_bytes
from tswizard.core.model.finding import Finding
from tswizard.core.model.prepared import Prepared
from tswizard.core.model.wording import size
from tswizard.core.preflight.check import FULL_ONLY, SPLIT_ONLY, AnyCheck, Check, Side, Trial
from tswizard.core.preflight.wording import fail, look, passed

SMALL = 5 << 30
"""Bytes that every service has: a database that needs no more fits on a disk of unknown size."""


def _folder(prepared: Prepared) -> Iterator[Finding]:
    folder = existing(prepared.staging)
    if not _usable(folder):
        yield fail(
            "staging-folder",
            f"The staging folder cannot be written to: {folder}.",
            where=str(prepared.staging),
            why="This user may not write there." if folder.is_dir() else "It is not a folder.",
            todo="Choose another folder (answer: staging), or change its owner.",
        )


def _dump(prepared: Prepared) -> Iterator[Finding]:
    yield from _space_here(
        prepared,
        dump_bounds(prepared.inventory),
        "for the dump",
        f"{size(prepared.inventory.dump_bytes)} of tables are stored without their indexes, which "
        "a dump does not hold; it is compressed while it is written.",
    )


def _row_files(prepared: Prepared) -> Iterator[Finding]:
    if prepared.answers.via == "files":
        yield from _space_here(
            prepared,
            row_file_bounds(prepared.inventory),
            "for the files of rows",
            f"{size(prepared.inventory.dump_bytes)} of tables are stored without their indexes. "
            "The files are not compressed, and rows of compressed chunks take many times as much "
            "in them.",
        )


def _space_here(prepared: Prepared, need: Bounds, purpose: str, why: str) -> Iterator[Finding]:
    folder = existing(prepared.staging)
    if not _usable(folder):
        return
    where = str(folder)
    free = shutil.disk_usage(folder).free
    said = f"Disk on this machine {purpose}: up to about {size(need.most)}; {size(free)} free."
    todo = "Free some space there, or choose a folder on a larger disk (answer: staging)."
    if free < need.least:
        yield fail(
            "staging-space",
            f"Not enough disk on this machine {purpose}: it takes between {size(need.least)} and "
            f"{size(need.most)}; {size(free)} free.",
            where=where,
            why=why,
            todo=todo,
        )
    elif free < need.most:
        yield look("staging-space", said, where=where, why=why, todo=todo)
    else:
        yield passed("staging-space", said, where=where, why=why)


async def _target(prepared: Prepared) -> AsyncIterator[Finding]:
    yield target_space(prepared, await free_on_target(prepared.target))


def target_space(prepared: Prepared, free: int | None) -> Finding:
    """Is there space for the database? `free` is None where the disk cannot be seen."""
    inventory, where = prepared.inventory, prepared.target.label
    need = target_bytes(inventory)
    why = (
        f"{size(inventory.stored_bytes)} as stored on the source; restoring writes as much again, "
        "and sorts for the indexes."
    )
    if free is None and need <= SMALL:
        what = f"The target needs about {size(need)}, which every service has."
        return passed("target-space", what, where=where, why=why)
    if free is None:
        return look(
            "target-space",
            f"The target needs about {size(need)}; its free space cannot be determined from SQL.",
            where=where,
            why=f"{why} Timescale Cloud enlarges a disk at "
            "most once in 6 hours, and a full disk ends connections "
            '("terminating connection due to administrator command").',
            todo="Check in the service's console that its disk has that much free, and enlarge it "
            "before the run, not during it.",
        )
    said = f"needs about {size(need)}; {size(free)} free."
    if free < inventory.stored_bytes:
        return fail(
            "target-space",
            f"Not enough disk space on the target: it {said}",
            where=where,
            why=why,
            todo="Enlarge the target's disk first.",
        )
    if free < need:
        return look(
            "target-space",
            f"The target's disk is tight: it {said}",
            where=where,
            why=why,
            todo="Enlarge the target's disk before the run.",
        )
    return passed("target-space", f"The target {said}", where=where, why=why)


async def free_on_target(target: Endpoint) -> int | None:
    """Bytes free where a target on this machine keeps its data; None where that is unknown.

    Raises CannotConnect.
    """
    if not target.is_local:
        return None
    async with connected(target) as connection:
        try:
            folder = await value(connection, "SELECT pg_catalog.current_setting('data_directory')")
        except Error:
            return None
    path = Path(str(folder))
    if not path.is_absolute() or not await asyncio.to_thread(os.access, path, os.F_OK):
        return None
    usage = await asyncio.to_thread(shutil.disk_usage, path)
    return usage.free


def _usable(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def existing(path: Path) -> Path:
    """The path itself or, while it is not there, the nearest folder above it that is."""
    path = path.expanduser().absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


DISK_SPACE_CHECKS: tuple[AnyCheck, ...] = (
    Check(gives=("staging-folder",), run=_folder, answered_by=("staging",)),
    Check(
        gives=("staging-space",),
        run=_dump,
        methods=FULL_ONLY,
        answered_by=("staging",),
        settled_by_check=True,
    ),
    Check(
        gives=("staging-space",),
        run=_row_files,
        methods=SPLIT_ONLY,
        answered_by=("staging", "via"),
        settled_by_check=True,
    ),
    Trial(gives=("target-space",), run=_target, side=Side.TARGET, settled_by_check=True),
)
