"""`tswizard classify`: verdicts for a log, with no database to ask."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import click
from pydantic import TypeAdapter

from tswizard.core.classify.encoding import LogReader
from tswizard.core.classify.log import LogReport, classify_log
from tswizard.core.model.judged import JudgedMessage
from tswizard.core.model.wording import plural
from tswizard.exit_codes import Exit

_REPORT = TypeAdapter(LogReport)


def classify(
    log: BinaryIO, tool: str | None, method: str | None, phase: str | None, *, as_json: bool
) -> int:
    """Print the verdicts; exit code 1 when something needs a look or was lost, else 0."""
    report = classify_log(LogReader(log), tool, method, phase)
    if as_json:
        click.echo(_REPORT.dump_json(report, indent=1).decode())
    else:
        for line in _lines(report):
            click.echo(line)
    return Exit.LOOK if report.look or report.lost else Exit.PASSED


def _lines(report: LogReport) -> Iterator[str]:
    for judged, times, last in _once(report.judged):
        again = f" ({times} like this, up to line {last})" if times > 1 else ""
        said = f"{judged.object} {judged.message}{again}"
        yield f"{judged.number:>7} {judged.verdict.upper():<5} {said}"
        yield f"              {judged.reason} {judged.todo}".rstrip()
    if report.left_out:
        yield f"{report.left_out} more messages were counted but are not shown."
    yield (
        f"{plural(report.lines, 'line')}: {report.safe} safe, {report.later} later, "
        f"{report.look} need a look, {report.lost} lost something"
    )
    yield _how_read(report)
    if report.unproven:
        yield (
            f"{report.unproven} of these may be harmless: a log alone proves nothing, and no "
            "database could be asked."
        )


def _once(judged: Iterable[JudgedMessage]) -> Iterator[tuple[JudgedMessage, int, int]]:
    """Messages that mean the same for the same object once: the first, how many there are, and the
    line of the last."""
    first: dict[tuple[str, ...], JudgedMessage] = {}
    last: dict[tuple[str, ...], int] = {}
    times: Counter[tuple[str, ...]] = Counter()
    for one in judged:
        # What a rule says names what is lost; what none knows differs by its message.
        own = "" if one.rule else one.message
        key: tuple[str, ...] = (str(one.verdict), one.rule, one.object, one.reason, one.todo, own)
        first.setdefault(key, one)
        last[key] = one.number
        times[key] += 1
    for key, one in first.items():
        yield one, times[key], last[key]


def _how_read(report: LogReport) -> str:
    share = 100 * report.recognized // report.lines if report.lines else 0
    parts = [f"{report.recognized} of them were recognized ({share}%)"]
    if report.languages:
        parts.append(f"languages besides English: {', '.join(report.languages)}")
    if report.encodings:
        parts.append(f"encoding: {', '.join(report.encodings)}")
    if report.frames:
        parts.append(f"taken off: {', '.join(report.frames)}")
    return "; ".join(parts)
