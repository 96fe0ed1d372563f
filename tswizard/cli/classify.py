"""`tswizard classify`: verdicts for a log, with no database to ask."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from pydantic import TypeAdapter

from tswizard.cli.output import put, show
from tswizard.core.classify.encoding import LogReader
from tswizard.core.classify.log import LogReport, classify_log
from tswizard.core.model.judged import JudgedMessage
from tswizard.core.model.verdict import Verdict
from tswizard.core.model.wording import plural
from tswizard.exit_codes import Exit

_REPORT = TypeAdapter(LogReport)


def classify(
    log: BinaryIO, tool: str | None, method: str | None, phase: str | None, *, as_json: bool
) -> int:
    """Print the verdicts; exit code 1 when something needs a look or was lost, else 0."""
    report = classify_log(LogReader(log), tool, method, phase)
    if as_json:
        put(_REPORT.dump_json(report, indent=1).decode() + "\n")
    else:
        show(_lines(report))
    return Exit.LOOK if report.look or report.lost else Exit.PASSED


def _lines(report: LogReport) -> Iterator[str]:
    for alike in _alike(report.judged):
        first = alike[0][0]
        times, last = sum(n for _, n, _ in alike), max(line for *_, line in alike)
        again = f" ({times} like this, up to line {last})" if times > 1 else ""
        said = f"{first.object} {first.message}{again}"
        yield f"{first.number:>7} {first.verdict.upper():<5} {said}"
        yield f"              {first.reason} {first.todo}".rstrip()
        if others := [" ".join(_NAME.findall(one.message)) for one, *_ in alike[1:]]:
            yield f"              The same for: {', '.join(others)}."
    if report.left_out:
        more = plural(report.left_out, "more message was", "more messages were")
        yield f"{more} counted but not shown."
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


_Counted = tuple[JudgedMessage, int, int]
"""A message, how many there are, and the line of the last."""
_NAME = re.compile(r'"([^"]+)"')


def _alike(judged: Iterable[JudgedMessage]) -> Iterable[list[_Counted]]:
    """Messages of which the same is said, but for the name that they quote. What is lost stands by
    itself."""
    found: dict[tuple[str, ...], list[_Counted]] = {}
    for counted in _once(judged):
        one = counted[0]
        texts: tuple[str, ...] = (one.object, one.message, one.reason, one.todo)
        for name in _NAME.findall(one.message) if one.verdict is not Verdict.LOST else ():
            texts = tuple(text.replace(name, "…") for text in texts)
        found.setdefault((str(one.verdict), one.rule, *texts), []).append(counted)
    return found.values()


def _once(judged: Iterable[JudgedMessage]) -> Iterator[_Counted]:
    """Messages that mean the same for the same object once."""
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
