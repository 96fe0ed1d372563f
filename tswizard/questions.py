"""Every question of the wizard, declared once.

The screens, the answers file and the docs are made from this list; a key that is not here is
refused by name.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from tswizard.core.db.endpoint import BadEndpoint, Endpoint
from tswizard.core.model.answers import Answers


class Kind(StrEnum):
    TEXT = "text"
    SECRET = "secret"  # noqa: S105 - a kind of question, not a secret
    CHOICE = "choice"
    YES_NO = "yes or no"
    NUMBER = "number"
    FOLDER = "folder"
    NAMES = "one of the choices, or a list of names"


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `check` gives one sentence of what is wrong, or None."""

    section: str
    """The table of the answers file: source, target or answers."""
    key: str
    text: str
    help: str
    kind: Kind
    choices: tuple[Choice, ...] = ()
    required: bool = False
    check: Callable[[Any], str | None] = lambda _value: None

    @property
    def default(self) -> Any:
        """The default, declared in `Answers`; None for an endpoint's keys."""
        if self.section != "answers":
            return None
        return next(field.default for field in fields(Answers) if field.name == self.key)

    @property
    def name(self) -> str:
        return f"{self.section}.{self.key}"


def _conninfo(value: Any) -> str | None:
    try:
        Endpoint.parse(str(value))
    except BadEndpoint as error:
        return str(error)
    return None


def _jobs(value: Any) -> str | None:
    return None if 1 <= int(value) <= 64 else "between 1 and 64 jobs"


def _staging(value: Any) -> str | None:
    if not value:
        return None
    folder = Path(str(value)).expanduser()
    if not folder.is_dir():
        return f"{folder} is not a folder; make it or leave this empty for the run's own"
    return None


QUESTIONS: tuple[Question, ...] = (
    Question(
        "source",
        "conninfo",
        "Where is the database that moves?",
        "A URL (postgresql://tsdbadmin@host:port/defaultdb?sslmode=require), key=value pairs, or "
        "the name of a service in ~/.pg_service.conf. PG* variables fill what is left out. On "
        "Managed Service for TimescaleDB the database is called defaultdb; take the service's own "
        "host and port, not a connection pool.",
        Kind.TEXT,
        required=True,
        check=_conninfo,
    ),
    Question(
        "source",
        "password",
        "Its password",
        "Kept in memory only, never written down. Leave it empty when ~/.pgpass or the service "
        "file has it.",
        Kind.SECRET,
    ),
    Question(
        "target",
        "conninfo",
        "Where does it go?",
        "A new, empty service on Timescale Cloud; its database is called tsdb. The same ways to "
        "write it as for the source.",
        Kind.TEXT,
        required=True,
        check=_conninfo,
    ),
    Question(
        "target",
        "password",
        "Its password",
        "Kept in memory only, never written down. Leave it empty when ~/.pgpass or the service "
        "file has it.",
        Kind.SECRET,
    ),
    Question(
        "target",
        "confirm",
        "Type the name of the target's database to start",
        "The last question before anything is changed.",
        Kind.TEXT,
        required=True,
    ),
    Question(
        "answers",
        "method",
        "How should the data move?",
        "Full: one pg_dump of everything, one pg_restore. Aggregates, policies and compressed "
        "chunks come across as they are. An interrupted restore starts again from the dump. Split: "
        "the schema first, then the rows piece by piece; an interrupted run goes on at a piece, "
        "and the versions of TimescaleDB may differ. Continuous aggregates and policies are not "
        "carried by it; they are named at the end.",
        Kind.CHOICE,
        (
            Choice("full", "Full: one dump, one restore"),
            Choice("split", "Split: the schema, then the rows in pieces"),
        ),
    ),
    Question(
        "answers",
        "jobs",
        "Parallel jobs",
        "How many tables are dumped and restored at once. Each takes a connection on either "
        "server. More than the smaller server has cores rarely helps.",
        Kind.NUMBER,
        check=_jobs,
    ),
    Question(
        "answers",
        "via",
        "Split: how do the rows go across?",
        "Stream: straight from the source to the target. Files: all of them into binary files in "
        "the staging folder first, then from there; the run may be stopped in between for days.",
        Kind.CHOICE,
        (
            Choice("stream", "Stream: straight across"),
            Choice("files", "Files: through the staging folder"),
        ),
    ),
    Question(
        "answers",
        "piece",
        "Split: the width of a piece",
        'chunk: each chunk is one piece. Or a width of the time column, such as "1 day" or 86400, '
        "for chunks so large that copying one again would hurt.",
        Kind.TEXT,
        check=lambda value: None if str(value).strip() else "write chunk or a width",
    ),
    Question(
        "answers",
        "compress_first",
        "Compress the source's chunks before the dump",
        "Compresses every chunk that is not, in hypertables with compression switched on, one by "
        "one. Less to move, but it writes to the source and takes time there.",
        Kind.YES_NO,
    ),
    Question(
        "answers",
        "pause_source_jobs",
        "Pause retention and compression on the source during the run",
        "So that no chunk disappears or is rewritten between dump and check. Put back at the end, "
        "also after a crash, when the run is resumed.",
        Kind.YES_NO,
    ),
    Question(
        "answers",
        "snapshot",
        "Hold one snapshot of the source over dump and check",
        "The check then compares with exactly what was dumped, although the source goes on "
        "living. While it is held, vacuum on the source cannot remove rows deleted since.",
        Kind.YES_NO,
    ),
    Question(
        "answers",
        "recreate_extension",
        "Recreate TimescaleDB on the target at the source's version",
        "A full migration needs the same version of TimescaleDB on both ends. Only done when the "
        "target is empty and offers that version.",
        Kind.YES_NO,
    ),
    Question(
        "answers",
        "enable_jobs",
        "Enable the jobs on the target at the end",
        "As they were on the source, retention last, and only after the check. No leaves all of "
        "them paused, for you to enable.",
        Kind.YES_NO,
    ),
    Question(
        "answers",
        "verify",
        "How are rows compared?",
        "Checksum reads every row on both ends, inside the databases. Count is faster and sees "
        "missing rows but not changed ones.",
        Kind.CHOICE,
        (
            Choice("checksum", "Count and checksum of every chunk and table"),
            Choice("count", "Count only"),
        ),
    ),
    Question(
        "answers",
        "staging",
        "Folder for the dump",
        "Empty: in the run's own folder. It needs room for the whole dump.",
        Kind.FOLDER,
        check=_staging,
    ),
    Question(
        "answers",
        "keep_dumps",
        "Keep the dump afterwards",
        "No removes it once the check has passed.",
        Kind.YES_NO,
    ),
    Question(
        "answers",
        "keep_record",
        "Split: keep the record of pieces on the target",
        "The schema _tswizard tells when each piece was copied, with how many rows. No removes it "
        "at the end of the run; if it is kept, the checklist names it with the statement that "
        "removes it.",
        Kind.YES_NO,
    ),
    Question(
        "answers",
        "caggs",
        "Continuous aggregates to migrate",
        "A list names them as schema.name. What depends on one that is left out is left out as "
        "well, and named at the end.",
        Kind.NAMES,
        (Choice("all", "all of them"), Choice("none", "none of them")),
    ),
    Question(
        "answers",
        "history",
        "Split: materialized rows of continuous aggregates",
        "Kept, they arrive as they are stored, also those whose raw rows are gone. Recomputed, "
        "they are refreshed from the raw rows on the target: what those cannot give any more is "
        "lost. A list names those that are recomputed; all others are kept.",
        Kind.NAMES,
        (Choice("keep", "keep them as they are stored"), Choice("recompute", "recompute them")),
    ),
)


def question(section: str, key: str) -> Question | None:
    """The question of that name, or None."""
    return next((q for q in QUESTIONS if (q.section, q.key) == (section, key)), None)
