"""Takes off what other programs put around the lines of PostgreSQL's tools.

Timestamps, names of containers, levels of loggers, JSON: a log that was collected by something has
them. What is taken off is known by its form; a prefix of no known form is learned from the first
line in which something of PostgreSQL's is behind it. Several containers or processes in one
log are kept apart (`stream`), so that their messages do not run into each other.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tswizard.core.classify.json_lines import Unwrapped, is_csvlog, of_csvlog, unwrap
from tswizard.core.classify.powershell import PowerShell
from tswizard.core.classify.terminal import without_controls
from tswizard.core.classify.translate import is_severity
from tswizard.core.model.judged import Severity

MAX_LAYERS = 8
"""Frames around frames: docker compose around a logger around pgcopydb."""

_LEARNED = 12
"""Prefixes of no known form that are kept."""

_LONGEST = 1 << 20
_RECORD_LINES = 500
"""Lines of a record of csvlog, at most: a statement may be long."""

_ENTITY = re.compile(r"&(?:quot|lt|gt|amp|nbsp|#39|#x27|#34);")
_OF_JSON = frozenset('{" tlmfF')


@dataclass(frozen=True, slots=True, kw_only=True)
class Framed:
    """A line without its frame."""

    text: str
    number: int
    stream: str = ""
    """Whose output it is, where several are mixed."""
    tool: str = ""
    """The tool that wrote it, where the frame shows that."""
    level: Severity | None = None
    """How its program rated it, where that is worth a look by itself."""


_DATE = r"(?:\d{4}[-/.]\d\d[-/.]\d\d|\d\d[-/.](?:\d\d|[A-Z][a-z]{2})[-/.]\d{4})"
_CLOCK = r"\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
_ZONE = (
    r"(?: ?(?:Z|UTC|GMT|[+-]\d\d:?(?:\d\d)?)"
    r"| (?!(?:INFO|WARN|LOG|ERROR|FATAL|DEBUG|HINT|SQL|TRACE|PANIC)\b)[A-Z]{3,5}(?=[ :\]]))"
)
_LEVEL = (
    r"(?P<level>TRACE|DEBUG\d?|SQLITE|SQL|INFO|NOTICE|WARNING|WARN|ERROR|ERR|FATAL|CRITICAL|CRIT"
    r"|PANIC|trace|debug|info|warning|warn|error|fatal)"
)
_NAME = r"[\w.@/:-]"
_PROGRAM = rf"(?P<stream>(?!pg_(?:dump|restore)|psql){_NAME}{{1,80}}"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"

_FRAMES = tuple(
    (kind, needle, re.compile(pattern))
    for kind, needle, pattern in (
        # log_line_prefix of Azure: '%t-%c-'.
        (
            "timestamps",
            "-",
            rf"{_DATE} {_CLOCK}{_ZONE}-(?P<stream>[0-9a-f]{{8}}\.[0-9a-f]{{1,8}})-(?=\S)",
        ),
        (
            "timestamps",
            ":",
            rf"[\[(<]?(?:{_DATE}(?:[T ]|, ?| - ))?{_CLOCK}{_ZONE}?(?: [AP]M)?[\])>]?[:,]?(?: [-|])?"
            rf"(?: +|(?<=:)(?=\S)|$)|[\[(<]?{_DATE}(?:[T ]|, ?| - ){_CLOCK}{_ZONE}?[\])>]?(?=\[)"
            rf"|\[?\d{{10}}\.\d{{3,9}}\]? +",
        ),
        ("docker compose", "|", r"(?P<stream>[A-Za-z0-9][\w.@-]{0,100})\s+\|(?: |$)"),
        (
            "syslog",
            ": ",
            rf"(?:<\d{{1,3}}>)?{_MONTH} [ \d]\d (?:\d{{4}} )?{_CLOCK}(?: {_NAME}{{1,80}})? "
            rf"{_PROGRAM}?(?:\[\d+\])?): ?",
        ),
        ("syslog", "]: ", rf"{_NAME}{{1,80}} {_PROGRAM}\[\d+\]): ?"),
        (
            "syslog",
            "<",
            r"<\d{1,3}>1 \S{1,40} \S{1,80} (?P<stream>\S{1,80} \S{1,40}) \S{1,40} "
            r"(?:-|\[[^\]]{0,200}\]) ?",
        ),
        ("kubectl", "[", r"\[(?P<stream>(?:pod|container)/[^\]\s]{1,200})\] ?"),
        ("container runtime", "std", r"(?P<stream>stdout|stderr) (?P<part>[FP])(?: |$)"),
        (
            "GitHub Actions",
            "\t",
            rf"(?P<stream>[^\t\n]{{1,200}})\t[^\t\n]{{1,200}}\t(?={_DATE}T{_CLOCK})",
        ),
        (
            "GitHub Actions",
            "[",
            r"##\[(?P<level>error|warning|command|debug|group|section|endgroup)\]",
        ),
        ("GitHub Actions", "::", r"::(?P<level>error|warning)(?: [^:\n]{0,200})?::"),
        ("docker build", "#", r"#\d+ (?:\d+\.\d+ )(?=\S)"),
        ("Terraform", "-exec", r"(?P<stream>[\w.\[\]\"-]{1,100}) \((?:local|remote)-exec\): ?"),
        ("Heroku", "]: ", r"(?P<stream>(?:app|heroku|web|worker)\[[\w./-]{1,80}\]): "),
        # What a driver raised: its class, and then what the server said.
        (
            "exceptions",
            ": ",
            r"(?:(?:psycopg2?|asyncpg|sqlalchemy)\.[\w.]{1,80}: (?:\(psycopg[\w.]{1,80}\) )?"
            r"|(?:Caused by: )?(?:org\.postgresql|java\.sql|org\.jkiss)\.[\w.]{1,80}: "
            r"(?:SQL Error \[\w+\]: )?|pq: )",
        ),
        ("exceptions", "PGRES_FATAL_ERROR:", r".{0,100}PGRES_FATAL_ERROR: ?"),
        # `00:20:38 992255 ERROR  pgsql.c:1234  `, the time being off.
        (
            "pgcopydb",
            " ",
            rf"(?P<pid>\d{{1,10}}) {_LEVEL} +(?:[\w-]{{1,40}}\.c:\d+ +)?",
        ),
        (
            "logger",
            " ",
            rf"(?:\{{[\w./-]{{1,80}}:\d+\}} )?(?:[\w.]{{1,60}} - )?{_LEVEL}"
            r"(?: +- +|:\w[\w.]{0,60}:| +[|] +| +\[[^\]\n]{1,60}\] (?:[\w.$]{1,80} (?:- |: )?)?)",
        ),
        # Not `error: pg_restore:`: so do lines of parallel workers run into each other.
        (
            "logger",
            ": ",
            r"(?P<level>INFO|WARN|WARNING|ERROR): (?=(?:pg_\w+|psql|vacuumdb)(?:\.exe)?:)",
        ),
        ("logger", "[", rf"\[ ?{_LEVEL} ?\][: ] *"),
        ("logger", "[", r"\[(?P<stream>stdout|stderr|restore|dump|migrate|postgres|db|backup)\] "),
        ("syslog", "[", r"\[\d+-\d+\] +"),
    )
)
_OURS = re.compile(r"(?:pg_\w+|psql|vacuumdb)(?:\.exe)?:")
_ENDPOINT = re.compile(r"\[(?:SOURCE|TARGET) \d+\] (?:\[[0-9A-Z]{5}\] )?")
# Something of PostgreSQL's that a prefix of no known form may stand before.
_ANCHOR = re.compile(
    r"(?:pg_dumpall|pg_dump|pg_restore|psql|vacuumdb)(?:\.exe)?: ?(?:\[|error: |warning: |fatal: "
    r"|hint: |detail: |while |from TOC |processing |creating |NOTICE:  |WARNING:  )"
    r"|psql:[^:\n]{1,200}:\d+: |(?:DETAIL|HINT|CONTEXT|STATEMENT|LOCATION|QUERY):  "
)
_RATED = re.compile(
    r"(?:^|(?<=[\s\]|:>)]))(?P<word>[^\W\d_][^\W\d_]{1,24}(?: [^\W\d_]{1,24})?) ?[:：]  "
)
# What stands in a message, and so in no frame.
_NO_FRAME = re.compile(
    r"[\"«»“”{}]|could not|failed|(?i:error ?:|erreur|fehler)"
    r"|(?:pg_dumpall|pg_dump|pg_restore|psql|vacuumdb)(?:\.exe)?:|(?:DETAIL|HINT|CONTEXT|was): "
)
_VARIES = re.compile(
    r"(\d+)|(\s+)|\b(?:trace|debug|info|notice|warn|warning|error|fatal|stderr|stdout)\b"
    r"|\b[A-Z][a-z]{2}\b",
    re.IGNORECASE,
)
_BAD_LEVELS = frozenset(("error", "err", "fatal", "critical", "crit", "panic"))


class FrameStripper:
    """Takes lines as they come and gives back what a tool wrote."""

    def __init__(self) -> None:
        self._learned: dict[str, re.Pattern[str]] = {}
        self._windows = PowerShell()
        self._partial: dict[str, tuple[int, str]] = {}
        """Lines that a container runtime has cut, by stream."""
        self._record: list[str] = []
        """The lines of a record of csvlog that has line ends in it, and the number of the first."""
        self._record_number = 0
        self.kinds: dict[str, int] = {}
        """Kinds of frames that were met."""

    def needless(self, line: str) -> bool:
        """Whether a line plainly has no frame."""
        return (
            line.startswith(("pg_restore: ", "pg_dump: "))
            and "\r" not in line
            and "&" not in line
            and not self._record
            and self._windows.idle
        )

    def feed(self, line: str, number: int) -> Iterator[Framed]:
        """What a line holds; a line of JSON may hold several, most hold one."""
        line = without_controls(line.rstrip("\r\n"))
        if self._record or (line[:1].isdigit() and is_csvlog(line)):
            yield from self._of_csvlog(line, number)
            return
        if "&" in line:
            line = _ENTITY.sub(lambda found: html.unescape(found[0]), line)
        # A progress bar writes over itself.
        for part in line.split("\r") if "\r" in line else (line,):
            for at, text in self._windows.feed(part, number):
                yield from self._strip(Framed(text=text, number=at), MAX_LAYERS)

    def close(self) -> Iterator[Framed]:
        """What is still held back."""
        for text in self._record:
            yield Framed(text=text, number=self._record_number)
        for number, text in self._windows.close():
            yield from self._strip(Framed(text=text, number=number), MAX_LAYERS)
        for stream, (number, text) in self._partial.items():
            yield Framed(text=text, number=number, stream=stream)
        self._partial.clear()

    def _strip(self, line: Framed, layers: int) -> Iterator[Framed]:
        while layers and not _OURS.match(line.text):
            layers -= 1
            if line.text[:1] in _OF_JSON and (inner := unwrap(line.text)) is not None:
                self._note("JSON")
                yield from self._unwrapped(line, inner, layers)
                return
            found = self._known(line.text) or self._learnt(line.text)
            if found is None:
                break
            kind, match = found
            self._note(kind)
            line = _without(line, kind, match)
            if part := match.groupdict().get("part"):
                number, text = self._partial.pop(line.stream, (line.number, ""))
                line = replace(line, text=(text + line.text)[:_LONGEST], number=number)
                if part == "P":
                    self._partial[line.stream] = (number, line.text)
                    return
        yield line

    def _of_csvlog(self, line: str, number: int) -> Iterator[Framed]:
        if not self._record:
            self._record_number = number
        self._record.append(line)
        text = "\n".join(self._record)
        if text.count('"') % 2 and len(self._record) < _RECORD_LINES:
            return
        lines, self._record = self._record, []
        record = of_csvlog(text)
        if record is None:
            yield from (
                Framed(text=text, number=self._record_number + n) for n, text in enumerate(lines)
            )
            return
        self._note("csvlog")
        yield from self._unwrapped(Framed(text="", number=self._record_number), [record], 0)

    def _unwrapped(self, line: Framed, inner: list[Unwrapped], layers: int) -> Iterator[Framed]:
        for one in inner:
            stream = f"{line.stream} {one.stream}".strip()
            number, text = self._partial.pop(stream, (line.number, ""))
            text += one.text
            if one.partial and len(text) < _LONGEST:
                self._partial[stream] = (number, text)
                continue
            level = Severity.ERROR if one.bad else line.level
            for part in text.rstrip("\n").split("\n"):
                said = replace(
                    line, text=part.rstrip("\r"), number=number, stream=stream, level=level
                )
                yield from self._strip(said, layers)

    def _known(self, text: str) -> tuple[str, re.Match[str]] | None:
        head = text[:240]
        if text[:1] in " \t" and "PGRES_FATAL_ERROR:" not in head:
            return None
        for kind, needle, pattern in _FRAMES:
            if needle in head and (match := pattern.match(text)) is not None and match.end():
                return kind, match
        return None

    def _learnt(self, text: str) -> tuple[str, re.Match[str]] | None:
        """A prefix that was met before something of PostgreSQL's."""
        for pattern in self._learned.values():
            if (match := pattern.match(text)) is not None:
                return "other prefixes", match
        end = _begin(text)
        if not end or end > 200 or _NO_FRAME.search(text[:end]):
            return None
        shape = _shape(text[:end])
        pattern = re.compile(shape)
        if len(self._learned) < _LEARNED:
            self._learned[shape] = pattern
        match = pattern.match(text)
        return None if match is None else ("other prefixes", match)

    def _note(self, kind: str) -> None:
        self.kinds[kind] = self.kinds.get(kind, 0) + 1


def _without(line: Framed, kind: str, match: re.Match[str]) -> Framed:
    groups = match.groupdict()
    stream = groups.get("stream") or groups.get("pid") or ""
    level = groups.get("level") or ""
    line = replace(line, text=line.text[match.end() :])
    if stream:
        line = replace(line, stream=f"{line.stream} {stream}".strip())
    if level:
        bad = level.lower() in _BAD_LEVELS
        line = replace(line, level=Severity.ERROR if bad else None)
    if kind == "exceptions" and not _RATED.match(line.text) and "ERROR:" not in line.text[:8]:
        line = replace(line, text=f"ERROR:  {line.text}")
    if kind == "pgcopydb":
        endpoint = _ENDPOINT.match(line.text)
        text = line.text[endpoint.end() :] if endpoint else line.text
        line = replace(line, text=text, tool="pgcopydb")
    return line


def _begin(text: str) -> int:
    """Where something of PostgreSQL's begins in a line; 0 when nothing does."""
    ends = [found.start()] if (found := _ANCHOR.search(text)) else []
    if ":  " in text or "：" in text:
        ends += [
            found.start("word")
            for found in _RATED.finditer(text[:400])
            if is_severity(found["word"])
        ][:1]
    return min(ends, default=0)


def _shape(prefix: str) -> str:
    """A pattern for a prefix in which numbers, spaces, levels, months and days may differ."""
    parts: list[str] = []
    at = 0
    for found in _VARIES.finditer(prefix):
        parts.append(re.escape(prefix[at : found.start()]))
        number, space = found[1], found[2]
        if space and found.end() == len(prefix) and at:
            # What a line is indented by besides is its own.
            at = found.start()
            break
        parts.append(r"\d+" if number else r"[ \t]+" if space else r"[A-Za-z]+")
        at = found.end()
    parts.append(re.escape(prefix[at:]))
    return "".join(parts)
