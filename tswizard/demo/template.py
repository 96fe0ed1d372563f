"""Template data directories: a filled source and an empty target, made once and then copied.

Their name is a hash of everything that goes into them, so that a new version of the package or of
the sample data makes new ones.
"""

import hashlib
import shutil
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tswizard.core.db.concurrency import in_thread, together
from tswizard.demo.cache import cache_dir, locked, need_room, unfinished
from tswizard.demo.package import PACKAGE
from tswizard.demo.progress import DemoError, OnProgress, Prepared
from tswizard.demo.server import EmbeddedServer, Runtime

SOURCE = "source"
TARGET = "target"
DATABASES = {SOURCE: "defaultdb", TARGET: "tsdb"}
_FORMAT = 4  # raise it when the servers themselves make a data directory in another way
_ROOM_MIB = 1500


def assets() -> Path:
    """The folder of the sample data: inside the wheel, or beside the package in a work tree."""
    packed = Path(__file__).parent / "assets"
    return packed if packed.exists() else Path(__file__).parents[2] / "assets" / "demo"


@dataclass(frozen=True, slots=True)
class Sample:
    """What the templates are filled from: the files of `assets()`, some of them edited."""

    folder: str
    """Where its templates are, in the cache."""
    edits: Mapping[str, Callable[[str], str]] = field(default_factory=dict)
    """By the name of a file of the assets, such as `source/40-rows.sql`: what its text becomes."""

    def texts(self, part: str) -> Iterator[tuple[str, str]]:
        """Name and text of the files of `source` or `target`, in their order."""
        for file in sorted((assets() / part).glob("*.sql")):
            name, text = f"{part}/{file.name}", file.read_text(encoding="utf-8")
            yield name, self.edits[name](text) if name in self.edits else text


DEMO = Sample("templates")


def statements(part: str, sample: Sample = DEMO) -> Iterator[tuple[str, str]]:
    """A sample's statements for `source` or `target`, each with what it does.

    A blank line ends a statement; the comment above the first of a group says what the group does.
    """
    doing = ""
    for _, text in sample.texts(part):
        for block in text.split("\n\n"):
            lines = block.strip().splitlines()
            if lines and lines[0].startswith("-- "):
                doing = lines[0].removeprefix("-- ").rstrip(".")
            sql = "\n".join(line for line in lines if not line.startswith("--")).strip()
            if sql:
                yield doing, sql


def template_key(sample: Sample = DEMO) -> str:
    """A name that changes with whatever the templates are made from."""
    digest = hashlib.sha256(f"{_FORMAT} {PACKAGE.sha512}".encode())
    for part in DATABASES:
        for name, text in sample.texts(part):
            digest.update(name.encode() + b"\0" + text.encode())
    return digest.hexdigest()[:16]


async def ensure_templates(runtime: Runtime, on_progress: OnProgress, sample: Sample) -> Path:
    """The folder of the templates; made first if the cache lacks them. Raises DemoError."""
    ready = cache_dir() / sample.folder / template_key(sample)
    if not ready.exists():
        on_progress(Prepared("template", 0, 1, "Waiting for another demo that creates the sample"))
        async with locked(sample.folder):
            if not ready.exists():
                await _make(runtime, ready, on_progress, sample)
    return ready


@asynccontextmanager
async def templates(
    runtime: Runtime, on_progress: OnProgress, sample: Sample = DEMO
) -> AsyncIterator[Path]:
    """The folder of the templates, which nobody replaces meanwhile. Raises DemoError."""
    while True:
        ready = await ensure_templates(runtime, on_progress, sample)
        async with locked(sample.folder, shared=True):
            if ready.exists():
                yield ready
                return


async def copy_template(ready: Path, name: str, to: Path) -> Path:
    """A fresh data directory under `to`. Raises DemoError."""
    need_room(to, _ROOM_MIB // 2)
    try:
        copied: Path = await in_thread(lambda: shutil.copytree(ready / name, to / name))
    except OSError as error:
        raise DemoError(
            f"The sample data could not be copied to {to} ({error.strerror or error}); free up "
            "space or set TSWIZARD_CACHE_DIR to another disk."
        ) from error
    return copied


async def _make(runtime: Runtime, ready: Path, on_progress: OnProgress, sample: Sample) -> None:
    with unfinished(ready.parent) as folder:
        need_room(folder, _ROOM_MIB)
        cut = {name: list(statements(name, sample)) for name in DATABASES}
        total = sum(map(len, cut.values())) + len(DATABASES)
        done = 0

        def step(text: str) -> None:
            nonlocal done
            on_progress(Prepared("template", done, total, text))
            done += 1

        await together(
            _fill(EmbeddedServer(runtime, folder / name, database), cut[name], step)
            for name, database in DATABASES.items()
        )
        for old in ready.parent.iterdir():
            if old != folder:
                shutil.rmtree(old, ignore_errors=True)
        folder.rename(ready)
    on_progress(Prepared("template", total, total, "The sample data is in the cache"))


async def _fill(
    server: EmbeddedServer, statements: Iterable[tuple[str, str]], step: Callable[[str], None]
) -> None:
    """Make one template: a new data directory with a part's statements run in it."""
    step(f"Creating the database {server.database}")
    await server.start()
    try:
        async with await psycopg.AsyncConnection.connect(
            server.conninfo, password=server.password, autocommit=True
        ) as connection:
            for doing, sql in statements:
                step(doing)
                await connection.execute(sql.encode())
            await connection.execute("CHECKPOINT")
    except psycopg.Error as error:
        raise DemoError(
            f"The sample data could not be created in {server.database}: {error} "
            f"{server.last_words}"
        ) from error
    finally:
        await server.stop()
