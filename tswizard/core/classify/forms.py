"""The forms of lines: how pg_dump, pg_restore, psql and the server begin and word what they write.

Formats: `pg_log_generic_v` (PostgreSQL's src/common/logging.c), `warn_or_exit_horribly`
(pg_backup_archiver.c), `ExecuteSqlCommand` (pg_backup_db.c); before version 12 `write_msg` with
a module's name in brackets.
"""

import re

from tswizard.core.model.judged import Severity

_INFO = (
    r"(?P<named>creating [A-Z ]+ \".*\"$|processing data for table \".*\"$)"
    r"|(?P<entry>from TOC entry \d+;)"
    r"|(?P<mark>entering main parallel loop$|launching item \d+ |processing item \d+ )"
    r"|(?P<moves>processing |executing |dropping |setting owner and privileges for )"
    r"|(?P<plain>creating |reading |finding |flagging |identifying |saving "
    r"|dumping contents of table "
    r"|finished item \d+ |finished main parallel loop$|processing missed item |skipping item \d+ "
    r"|skipping tar member |restor(?:ed|ing) (?:\d+ )?large object|connecting to |disabling trigger"
    r"|enabling trigger|entering restore_|implied (?:data-only|no-schema) restore|last built-in OID"
    r"|while (?:INITIALIZING|PROCESSING TOC|FINALIZING):$|wrote \d+ byte|read TOC entry "
    r"|reducing dependencies for |transferring dependency |no item ready|allocating AH for "
    r"|attempting to ascertain archive format)"
)
# The hot path: one line of progress output.
AT_WORK = re.compile(rf"(pg_dump|pg_restore): (?:\[[a-z ()]+\] )?(?:{_INFO})")
PROGRESS = re.compile(rf"\s?(?:{_INFO})")
PREFIX = re.compile(
    r"\s?(?:\S*/|[A-Za-z]:\\(?:[^\\:]{1,80}\\){0,20})?"
    r"(pg_dumpall|pg_dump|pg_restore|psql|vacuumdb|timescaledb-parallel-copy)(?:\.exe)?:"
)
INNER = re.compile(
    r"(?<=[^/\\])(?:pg_dump|pg_restore): (?:error|warning|fatal): "
    r"|(?<=[^/\\\s])psql:[^:\n]{1,200}:\d+: (?:ERROR|FATAL|error): "
)
# How the text of an error begins, whatever precedes it.
ERROR_TEXT = re.compile(r'could not execute query: |query failed: |COPY failed for table "')
# The rest of an error whose beginning is in another line.
REST = re.compile(rf"\s*(?:(?:error|fatal): |{ERROR_TEXT.pattern})")
HEAD = re.compile(
    r"\s*(?:(?:\S*/)?(?:pg_dump|pg_restore)(?:\.exe)?:|(?P<word>error|fatal|warning): ?)\s*"
)
TWO_HEADS = re.compile(
    r"\s*\S+?:\s*(?:(?:error|fatal|warning): \s*)?pg_(?:dump|restore):"
    r"|\s*\S+?:\s*(?:error|fatal|warning): \s*(?:error|fatal|warning): "
)
MODULE = re.compile(r"\[[a-z][a-z ()]*\] ")
# A file's name may hold spaces, and on Windows a colon.
PLACE = re.compile(r"(?:[A-Za-z]:[\\/])?[^:\n]*:\d+: ")
TOOL_SEVERITY = re.compile(r"(error|fatal|warning|detail|hint): ")
SERVER_SEVERITY = re.compile(r"(ERROR|FATAL|PANIC|WARNING|NOTICE|INFO|LOG|DEBUG\d?):(?:\s+|$)")
WRAPPER = re.compile(r"(could not execute query|query failed): (?:(ERROR|FATAL|PANIC):\s+)?")
# Before version 12, errors had no `error:`.
OLD_ERROR = re.compile(
    r"could not execute query: |query failed: |COPY failed for table "
    r"|Dumping the contents of table |error returned by PQ|(?:aborting|could not|connection to) "
)
OLD_TAIL = re.compile(r"query was: |(?:The c|C)ommand was: |Error message from server: ")
OLD_TOC = re.compile(r"Error (?:while (?:INITIALIZING|PROCESSING TOC|FINALIZING):|from TOC entry)")
LISTS = ("there are circular foreign-key constraints", "could not resolve dependency loop")
LIST_END = ("You might not be able to restore", "Consider using a full dump")
SUM = "errors ignored on restore: "
# What psql writes on its standard output, which may come between the lines of a message.
_PSQL_OUTPUT = re.compile(
    r"[A-Z][A-Z ]+(?: \d+)*$|-{2,}[-+]*$|\(\d+ \S{1,12}\)$|You are now connected to database "
    r"|(?:Time: |(?:Pager usage|Timing|Expanded display|Tuples only|Output format|Null display) )"
    r"|(?: [\w ?]+ ?(?:\|[\w ?|]*)?| +[\d.]+)$"
)
# psql -e writes a statement before it runs it: another one than that of the message before.
ECHOED_COPY = re.compile(r"COPY .{1,2000} FROM stdin;$")
# What runs the tool says that it failed: a message of its own.
SUMMARY = re.compile(
    r".{0,80}\bexit(?:ed)?(?: with)?(?: (?:code|status))?[: ]+'?[1-9]"
    r"|.{0,80}\b(?:pg_dump|pg_dumpall|pg_restore|psql|vacuumdb)\b.{0,40}\b(?:failed|exited|returned)\b"
    r"|make(?:\[\d+\])?: \*\*\*|\w+ aborted!$|Traceback |panic: |goroutine \d|command terminated"
    r"|(?:Error|error|FATAL|fatal): (?!  )"
)
COPY_FAILED = re.compile(r'COPY failed for table "(?P<table>.*?)": ', re.DOTALL)

SEVERITIES = {
    "error": Severity.ERROR,
    "fatal": Severity.ERROR,
    "warning": Severity.WARNING,
    "ERROR": Severity.ERROR,
    "FATAL": Severity.ERROR,
    "PANIC": Severity.ERROR,
    "WARNING": Severity.WARNING,
}


def is_output(text: str) -> bool:
    """Whether a line is what psql writes on its standard output: tags, and tables of results."""
    return _PSQL_OUTPUT.match(text) is not None


def is_progress(text: str) -> bool:
    """Whether a text (without its prefix) is what pg_dump and pg_restore say with --verbose."""
    return PROGRESS.match(text) is not None


def is_glued(line: str) -> bool:
    """Whether another message begins inside a line, or it is not progress output after all.

    Called for every line, so without a regular expression, which takes five times as long.
    """
    return (
        "rror:" in line
        or "ERROR" in line
        or "FATAL" in line
        or "PANIC" in line
        or "WARNING" in line
        or "warning:" in line
        or "could not" in line
        or "failed:" in line
        or "Segmentation fault" in line
        or "core dumped" in line
        or line.endswith(("Killed", "Terminated", "Aborted"))
    )
