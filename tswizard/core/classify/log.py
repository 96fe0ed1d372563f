"""Verdicts for a log alone, without a database to check: `tswizard classify`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from tswizard.core.classify.classifier import Classifier
from tswizard.core.classify.message import PlainLine
from tswizard.core.classify.tally import VerdictTally
from tswizard.core.classify.unmix_parallel_output import OutputUnmixer
from tswizard.core.model.judged import JudgedMessage, ProofState
from tswizard.core.model.verdict import Verdict

MAX_LINE_BYTES = 1 << 20
"""Most bytes of a line that are read at once; a longer one is read as several."""

MAX_MESSAGES = 10_000
"""Messages kept in a report; further ones are only counted, except `lost` ones."""

_DETAIL_KEPT = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport:
    """The result for one log."""

    tools: tuple[str, ...]
    """The tools that wrote it, by the prefixes of its lines."""
    method: str
    """full, split, or empty when not given; likewise `phase`."""
    phase: str
    lines: int
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


def read_lines(stream: BinaryIO) -> Iterator[str]:
    """The lines of a log with their ends. Invalid UTF-8 becomes `\\xe9` and the like."""
    while raw := stream.readline(MAX_LINE_BYTES):
        yield raw.decode("utf-8", "backslashreplace")


def classify_lines(
    lines: Iterable[str],
    tool: str | None = None,
    method: str | None = None,
    phase: str | None = None,
    tally: VerdictTally | None = None,
) -> Iterator[PlainLine | JudgedMessage]:
    """Every line and message of a log, in order.

    `lines` have their ends, as from `read_lines`: a last one without was cut. `tool` is the tool
    that wrote lines without a prefix.
    """
    classifier = Classifier(tool, method, phase)
    tally = tally or VerdictTally()
    unmixer = OutputUnmixer()
    for line in lines:
        for item in classifier.feed(unmixer.feed(line), ended=line.endswith("\n")):
            yield tally.add(item) if isinstance(item, JudgedMessage) else item
    for item in classifier.close():
        yield tally.add(item) if isinstance(item, JudgedMessage) else item


def classify_log(
    lines: Iterable[str],
    tool: str | None = None,
    method: str | None = None,
    phase: str | None = None,
) -> LogReport:
    """The whole log; see `classify_lines`. Memory use does not depend on its length."""
    tally = VerdictTally()
    kept: list[JudgedMessage] = []
    tools: dict[str, None] = {}
    count = left_out = unproven = 0

    def counted() -> Iterator[str]:
        nonlocal count
        for line in lines:
            count += 1
            yield line

    for item in classify_lines(counted(), tool, method, phase, tally):
        if item.tool:
            tools[item.tool] = None
        if isinstance(item, PlainLine):
            continue
        unproven += item.proof_state is ProofState.NOT_POSSIBLE and item.verdict is Verdict.LOOK
        if len(kept) < MAX_MESSAGES or (
            item.verdict is Verdict.LOST and len(kept) < 10 * MAX_MESSAGES
        ):
            kept.append(_trimmed(item))
        else:
            left_out += 1
    return LogReport(
        tools=tuple(tools),
        method=method or "",
        phase=phase or "",
        lines=count,
        worst=tally.worst,
        safe=tally.verdicts[Verdict.SAFE],
        later=tally.verdicts[Verdict.LATER],
        look=tally.verdicts[Verdict.LOOK],
        lost=tally.verdicts[Verdict.LOST],
        errors=tally.errors,
        unproven=unproven,
        judged=tuple(kept),
        left_out=left_out,
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
