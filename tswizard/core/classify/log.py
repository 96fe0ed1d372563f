"""Verdicts for a log alone, without a database to check: `tswizard classify`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from tswizard.core.classify.classifier import Classifier
from tswizard.core.classify.encoding import LogReader
from tswizard.core.classify.forms import is_output
from tswizard.core.classify.frames import Framed, FrameStripper
from tswizard.core.classify.message import PlainLine
from tswizard.core.classify.tally import VerdictTally
from tswizard.core.classify.translate import Translator
from tswizard.core.classify.unmix_parallel_output import OutputUnmixer
from tswizard.core.model.judged import JudgedMessage, ProofState, Severity
from tswizard.core.model.verdict import Verdict
from tswizard.core.model.wording import plural

MAX_MESSAGES = 10_000
"""Messages kept in a report; further ones are only counted, except `lost` ones."""

_DETAIL_KEPT = 4000
_ENOUGH = 0.5
"""Share of the lines that must be recognized for a log to count as understood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport:
    """The result for one log."""

    tools: tuple[str, ...]
    """The tools that wrote it, by the prefixes of its lines."""
    method: str
    """full, split, or empty when not given; likewise `phase`."""
    phase: str
    lines: int
    recognized: int
    """Lines that are messages or progress of a known tool, or empty."""
    encodings: tuple[str, ...]
    """Encodings of what is not ASCII; `languages` of the messages besides English; `frames` that
    other programs put around lines."""
    languages: tuple[str, ...]
    frames: tuple[str, ...]
    worst: Verdict
    safe: int
    later: int
    look: int
    lost: int
    errors: int
    """Errors that pg_restore counts."""
    unproven: int
    """Messages that need a look only because no database could be checked."""
    judged: tuple[JudgedMessage, ...]
    left_out: int
    """Messages that were counted, but are not in `judged`."""


class LogClassifier:
    """Judges the lines of one log, whatever is around them.

    `tool` is the tool that wrote lines without a prefix.
    """

    def __init__(
        self, tool: str | None = None, method: str | None = None, phase: str | None = None
    ) -> None:
        self._context = (tool, method, phase)
        self.translator = Translator()
        self.frames = FrameStripper()
        self._streams: dict[tuple[str, str], tuple[Classifier, OutputUnmixer]] = {}

    def feed(self, line: str, number: int) -> Iterator[PlainLine | JudgedMessage]:
        """Take one line with its end; a last one without was cut."""
        if self.frames.needless(line):
            # The hot path: most lines of most logs are progress.
            yield from self._judge(Framed(text=line, number=number), ended=line.endswith("\n"))
            return
        for framed in self.frames.feed(line, number):
            yield from self._judge(framed, ended=line.endswith("\n"))

    def close(self) -> Iterator[PlainLine | JudgedMessage]:
        """The last messages."""
        for framed in self.frames.close():
            yield from self._judge(framed, ended=False)
        for classifier, _ in self._streams.values():
            yield from classifier.close()

    def _judge(self, framed: Framed, *, ended: bool) -> Iterator[PlainLine | JudgedMessage]:
        # Messages of several containers or processes must not run into each other.
        key = framed.stream, framed.tool
        if key not in self._streams:
            tool, method, phase = self._context
            own = framed.tool or tool
            classifier = Classifier(own, method, phase, translator=self.translator)
            self._streams[key] = (classifier, OutputUnmixer())
        classifier, unmixer = self._streams[key]
        yield from classifier.feed(
            unmixer.feed(framed.text), ended=ended, number=framed.number, level=framed.level
        )


def classify_lines(
    lines: Iterable[str],
    tool: str | None = None,
    method: str | None = None,
    phase: str | None = None,
    tally: VerdictTally | None = None,
    log: LogClassifier | None = None,
) -> Iterator[PlainLine | JudgedMessage]:
    """Every line and message of a log; in order, where it has one stream only.

    `lines` have their ends, as from `LogReader`: a last one without was cut. `tool` is the tool
    that wrote lines without a prefix.
    """
    log = log or LogClassifier(tool, method, phase)
    tally = tally or VerdictTally()
    for number, line in enumerate(lines, 1):
        for item in log.feed(line, number):
            yield tally.add(item) if isinstance(item, JudgedMessage) else item
    for item in log.close():
        yield tally.add(item) if isinstance(item, JudgedMessage) else item


def classify_log(
    lines: Iterable[str],
    tool: str | None = None,
    method: str | None = None,
    phase: str | None = None,
) -> LogReport:
    """The whole log; see `classify_lines`. Memory use does not depend on its length.

    A log of which nothing, or less than half, was recognized needs a look by itself.
    """
    log = LogClassifier(tool, method, phase)
    tally = VerdictTally()
    found = _Found()

    def counted() -> Iterator[str]:
        for line in lines:
            found.lines += 1
            found.blank += not line.strip()
            yield line

    for item in classify_lines(counted(), tally=tally, log=log):
        found.take(item)
    reader = lines if isinstance(lines, LogReader) else None
    doubt = found.doubt(reader.unreadable if reader else 0)
    if doubt is not None:
        found.take(tally.add(replace(doubt, method=method or "", phase=phase or "")))
    return LogReport(
        tools=tuple(found.tools),
        method=method or "",
        phase=phase or "",
        lines=found.lines,
        recognized=found.recognized,
        encodings=tuple(reader.encodings) if reader else (),
        languages=tuple(sorted(log.translator.languages)),
        frames=tuple(log.frames.kinds),
        worst=tally.worst,
        safe=tally.verdicts[Verdict.SAFE],
        later=tally.verdicts[Verdict.LATER],
        look=tally.verdicts[Verdict.LOOK],
        lost=tally.verdicts[Verdict.LOST],
        errors=tally.errors,
        unproven=found.unproven,
        judged=tuple(sorted(found.kept, key=lambda judged: judged.number)),
        left_out=found.left_out,
    )


@dataclass(slots=True, kw_only=True)
class _Found:
    """What is counted and kept of a log while it is read."""

    kept: list[JudgedMessage] = field(default_factory=list)
    tools: dict[str, None] = field(default_factory=dict)
    lines: int = 0
    blank: int = 0
    strange: int = 0
    """Lines of no known format."""
    unproven: int = 0
    left_out: int = 0

    @property
    def recognized(self) -> int:
        return max(self.lines - self.strange, 0)

    def take(self, item: PlainLine | JudgedMessage) -> None:
        if item.tool:
            self.tools[item.tool] = None
        if isinstance(item, PlainLine):
            self.strange += not item.tool and bool(item.text.strip()) and not is_output(item.text)
            return
        if item.severity is Severity.UNKNOWN and not item.tool and not item.rule:
            self.strange += 1
        self.unproven += (
            item.proof_state is ProofState.NOT_POSSIBLE and item.verdict is Verdict.LOOK
        )
        if len(self.kept) < MAX_MESSAGES or (
            item.verdict is Verdict.LOST and len(self.kept) < 10 * MAX_MESSAGES
        ):
            self.kept.append(_trimmed(item))
        else:
            self.left_out += 1

    def doubt(self, unreadable: int) -> JudgedMessage | None:
        """What is to be said of a log that was hardly understood."""
        said = self.lines - self.blank
        if said and self.recognized - self.blank >= said * _ENOUGH:
            return None
        if not said:
            rule, message = "log-empty", "the log is empty"
            reason = "pg_restore says nothing when all is well, and nothing when it did not run."
            todo = "Look at its exit code, and run it with --verbose to have a log."
        else:
            rule, message = "log-unknown", f"{said - self.strange} of {said} lines were recognized"
            reason = "Most of this log is in no known format, so losses in it may not show."
            if unreadable:
                reason = f"{reason} {plural(unreadable, 'line')} could not be decoded."
            todo = "Make sure that this is the log of pg_dump, pg_restore or psql, as a text file."
        return JudgedMessage(
            verdict=Verdict.LOOK,
            rule=rule,
            tool="",
            method="",
            phase="",
            object="",
            message=message,
            reason=reason,
            todo=todo,
            detail=(),
            number=self.lines + 1,
            severity=Severity.UNKNOWN,
            counts_as_error=False,
        )


def _trimmed(judged: JudgedMessage) -> JudgedMessage:
    room, detail = _DETAIL_KEPT, []
    for line in judged.detail:
        if len(line) > room:
            detail.append(f"{line[:room]} …")
            break
        detail.append(line)
        room -= len(line)
    return replace(judged, detail=tuple(detail))
