"""Every question of the wizard, declared once.

The screens, the answers file and the docs are made from this list; a key that is not here is
refused by name.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from tswizard import answer_checks
from tswizard.core.catalog.policy_kinds import PAUSED_ON_SOURCE
from tswizard.core.model.answers import Answers

RECOMMENDED = "recommended"
"""The answer to `method` that leaves the choice to what is timed and read."""


class Kind(StrEnum):
    TEXT = "text"
    SECRET = "secret"  # noqa: S105 - a kind of question, not a secret
    CHOICE = "choice"
    YES_NO = "yes or no"
    NUMBER = "number"
    FOLDER = "folder"
    NAMES = "one of the choices, or a list of names"
    IDS = "one of the choices, or a list of numbers"


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
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
    own_default: Any = None
    """Where it is not the one in `Answers`: what is asked for is not yet what was decided."""

    or_whole_number: bool = False
    """In the answers file it may stand without quotes where it is one."""

    @property
    def default(self) -> Any:
        """What no answer means; None for an endpoint's keys."""
        if self.own_default is not None:
            return self.own_default
        if self.section != "answers":
            return None
        return next(field.default for field in fields(Answers) if field.name == self.key)

    @property
    def name(self) -> str:
        return f"{self.section}.{self.key}"


QUESTIONS: tuple[Question, ...] = (
    Question(
        section="source",
        key="conninfo",
        text="Source database",
        help=(
            "A URL (postgresql://tsdbadmin@host:port/defaultdb?sslmode=require), key=value "
            "pairs, or the name of a service in ~/.pg_service.conf. PG* variables fill in what "
            "is left out. On Managed Service for TimescaleDB the database is called defaultdb; "
            "use the service's own host and port, not a connection pool."
        ),
        kind=Kind.TEXT,
        required=True,
        check=answer_checks.conninfo,
    ),
    Question(
        section="source",
        key="password",
        text="Source password",
        help=(
            "Kept in memory, never saved with the run. Leave it empty when ~/.pgpass or the "
            "service file has it."
        ),
        kind=Kind.SECRET,
    ),
    Question(
        section="target",
        key="conninfo",
        text="Target database",
        help=(
            "A new, empty service on Timescale Cloud; its database is called tsdb. Written "
            "like the source's."
        ),
        kind=Kind.TEXT,
        required=True,
        check=answer_checks.conninfo,
    ),
    Question(
        section="target",
        key="password",
        text="Target password",
        help=(
            "Kept in memory, never saved with the run. Leave it empty when ~/.pgpass or the "
            "service file has it."
        ),
        kind=Kind.SECRET,
    ),
    Question(
        section="target",
        key="confirm",
        text="Type the name of the target's database to start",
        help=(
            'The name of the target\'s database, such as "tsdb". It is the last answer before '
            "anything is changed."
        ),
        kind=Kind.TEXT,
        required=True,
    ),
    Question(
        section="answers",
        key="method",
        text="Migration method",
        help=(
            "Recommended: samples of the source are timed, and the method that suits them is "
            "chosen; the log says which, and why. Full: one pg_dump of everything, one "
            "pg_restore. Continuous aggregates, policies and compressed chunks are migrated as "
            "they are. An interrupted restore starts over from the dump. Split: the schema "
            "first, then the rows in pieces; an interrupted run resumes at the piece where it "
            "stopped, and the versions of TimescaleDB may differ. Continuous aggregates and "
            "policies are recreated."
        ),
        kind=Kind.CHOICE,
        choices=(
            Choice(RECOMMENDED, "Recommended: by what was timed and read"),
            Choice("full", "Full: one dump, one restore"),
            Choice("split", "Split: the schema, then the rows in pieces"),
        ),
        own_default=RECOMMENDED,
    ),
    Question(
        section="answers",
        key="time_limit",
        text="Longest run that may start over",
        help=(
            "A full migration that is interrupted starts over. If it is likely to take longer "
            'than this, split is recommended. "1h", "90 min" or "1 h 30 min".'
        ),
        kind=Kind.TEXT,
        check=answer_checks.time_limit,
    ),
    Question(
        section="answers",
        key="probe",
        text="Time samples of the source first",
        help=(
            "pg_dump and COPY of a table or some chunks, at most a minute each, on one "
            "connection and then on as many as there are jobs; the source is only read. "
            "Without it the recommendation rests on sizes and versions alone."
        ),
        kind=Kind.YES_NO,
    ),
    Question(
        section="answers",
        key="probe_upload",
        text="Time writing to the target as well",
        help=(
            "Into scratch tables, in transactions that are never committed, so that nothing is "
            "left there. It narrows the estimate."
        ),
        kind=Kind.YES_NO,
    ),
    Question(
        section="answers",
        key="jobs",
        text="Parallel jobs",
        help=(
            "How many tables are dumped, restored or copied at once. Each job takes one "
            "connection on each server. More jobs than the smaller server has cores rarely "
            "help, unless it is far away: 0 means 4, or 8 where a round trip takes 20 ms or "
            "more."
        ),
        kind=Kind.NUMBER,
        check=answer_checks.jobs,
    ),
    Question(
        section="answers",
        key="via",
        text="Split: how rows are copied",
        help=(
            "Stream: straight from the source to the target. Files: all of them into binary "
            "files in the staging folder first, then from there to the target; the run may be "
            "stopped in between for days."
        ),
        kind=Kind.CHOICE,
        choices=(
            Choice("stream", "Stream: straight to the target"),
            Choice("files", "Files: through the staging folder"),
        ),
    ),
    Question(
        section="answers",
        key="piece",
        text="Split: time range per piece",
        help=(
            'chunk: each chunk is one piece. Or a range of the time column, such as "1 day" or '
            "86400, for chunks so large that copying one again takes too long."
        ),
        kind=Kind.TEXT,
        check=answer_checks.piece,
        or_whole_number=True,
    ),
    Question(
        section="answers",
        key="compressed",
        text="Split: how compressed chunks are copied",
        help=(
            "As stored: their compressed rows go into the target's compressed chunks as they "
            "are: far fewer bytes are moved, and nothing is compressed again. For each chunk "
            "it is checked that both store them the same way; others are rebuilt there, or "
            "decompressed on the source. Rebuilt: as stored, and then the target compresses "
            "all of them again. Recompressed: the source decompresses all rows, the target "
            "compresses them again."
        ),
        kind=Kind.CHOICE,
        choices=(
            Choice("stored", "As stored, where both store them the same way"),
            Choice("rebuild", "As stored, then compressed again on the target"),
            Choice("recompress", "Decompressed on the source, compressed on the target"),
        ),
    ),
    Question(
        section="answers",
        key="compress_first",
        text="Compress the source's chunks before the dump",
        help=(
            "Compresses every uncompressed chunk of hypertables with compression enabled, one "
            "by one. There is less to move, but it writes to the source and takes time there."
        ),
        kind=Kind.YES_NO,
    ),
    Question(
        section="answers",
        key="pause_source_jobs",
        text="Pause jobs that drop or rewrite chunks on the source during the run",
        help=(
            f"These are {PAUSED_ON_SOURCE}: no chunk is dropped or rewritten before the check. "
            "They are resumed at the end of the run; after a crash, by tswizard resume."
        ),
        kind=Kind.YES_NO,
    ),
    Question(
        section="answers",
        key="snapshot",
        text="Hold one snapshot of the source until the check is done",
        help=(
            "The check then compares with exactly the rows that were read, although the source "
            "stays in use. While it is held, vacuum on the source cannot remove rows deleted "
            "since."
        ),
        kind=Kind.YES_NO,
    ),
    Question(
        section="answers",
        key="recreate_extension",
        text="Recreate TimescaleDB on the target at the source's version",
        help=(
            "A full migration needs the same version of TimescaleDB on source and target. Only "
            "done when the target is empty, offers that version, and your role owns the "
            "extension there."
        ),
        kind=Kind.YES_NO,
    ),
    Question(
        section="answers",
        key="enable_jobs",
        text="Enable the jobs on the target at the end",
        help=(
            "As they were on the source, retention last, and only after the check. Otherwise "
            "all of them stay paused, for you to enable."
        ),
        kind=Kind.YES_NO,
    ),
    Question(
        section="answers",
        key="verify",
        text="How rows are compared",
        help=(
            "Checksum reads every row on both servers; no row leaves them. Count is faster, "
            "but finds only missing rows, not changed ones."
        ),
        kind=Kind.CHOICE,
        choices=(
            Choice("checksum", "Count and checksum of every chunk and table"),
            Choice("count", "Count only"),
        ),
    ),
    Question(
        section="answers",
        key="staging",
        text="Staging folder",
        help=(
            "For the dump or the files of rows, which need disk space there. Empty: the run's "
            "own folder."
        ),
        kind=Kind.FOLDER,
        check=answer_checks.staging,
    ),
    Question(
        section="answers",
        key="keep_dumps",
        text="Keep the dump afterward",
        help=(
            "Otherwise it is removed at the end, unless something failed or an item of the "
            "checklist needs it."
        ),
        kind=Kind.YES_NO,
    ),
    Question(
        section="answers",
        key="keep_record",
        text="Split: keep the ledger on the target",
        help=(
            "The schema _tswizard tells when each piece was copied, and its number of rows. "
            "Otherwise it is dropped at the end of the run; if it is kept, the checklist names "
            "the statement that drops it."
        ),
        kind=Kind.YES_NO,
    ),
    Question(
        section="answers",
        key="caggs",
        text="Continuous aggregates to migrate",
        help=(
            "A list names them as schema.name, quoted as in SQL or not. What depends on one "
            "that is left out (continuous aggregates on it, policies, views, grants) is left "
            "out as well, and named at the end. A full migration restores all and drops on the "
            "target what you left out."
        ),
        kind=Kind.NAMES,
        choices=(Choice("all", "all of them"), Choice("none", "none of them")),
    ),
    Question(
        section="answers",
        key="history",
        text="Split: materialized rows of continuous aggregates",
        help=(
            "Kept, they are copied as stored, including those whose raw rows are gone. "
            "Recomputed, they are refreshed from the raw rows on the target: buckets whose raw "
            "rows no longer exist are lost. A list names those that are recomputed; all others "
            "are kept."
        ),
        kind=Kind.NAMES,
        choices=(
            Choice("keep", "keep them as they are stored"),
            Choice("recompute", "recompute them"),
        ),
    ),
    Question(
        section="answers",
        key="lose_history",
        text="Split: continuous aggregates that may lose history",
        help=(
            "A list of those that are recomputed although they have buckets whose raw rows are "
            "gone: each has to be named, or the run is refused."
        ),
        kind=Kind.NAMES,
        choices=(Choice("none", "none of them"),),
    ),
    Question(
        section="answers",
        key="policies",
        text="Policies and jobs to migrate",
        help=(
            "A list names them by their job ids on the source; policies of a continuous "
            "aggregate that is left out are left out as well. All arrive paused, and are "
            "enabled at the end if you asked for it."
        ),
        kind=Kind.IDS,
        choices=(Choice("all", "all of them"), Choice("none", "none of them")),
    ),
)


def question(section: str, key: str) -> Question | None:
    """The question of that name, or None."""
    return next((q for q in QUESTIONS if (q.section, q.key) == (section, key)), None)
