"""`tswizard classify`: verdicts for a log, with no database to ask."""

from collections.abc import Iterator
from typing import BinaryIO

import click
from pydantic import TypeAdapter

from tswizard.core.classify.log import LogReport, classify_log, read_lines
from tswizard.exit_codes import Exit

_REPORT = TypeAdapter(LogReport)


def classify(
    log: BinaryIO, tool: str | None, method: str | None, phase: str | None, *, as_json: bool
) -> int:
    """Print the verdicts; exit code 1 when something needs a look or was lost, else 0."""
    report = classify_log(read_lines(log), tool, method, phase)
    if as_json:
        click.echo(_REPORT.dump_json(report, indent=1).decode())
    else:
        for line in _lines(report):
            click.echo(line)
    return Exit.LOOK if report.look or report.lost else Exit.PASSED


def _lines(report: LogReport) -> Iterator[str]:
    for judged in report.judged:
        yield f"{judged.number:>7} {judged.verdict.upper():<5} {judged.object} {judged.message}"
        yield f"              {judged.reason} {judged.todo}".rstrip()
    if report.left_out:
        yield f"{report.left_out} more messages were counted but are not shown."
    yield (
        f"{report.lines} lines: {report.safe} safe, {report.later} later, "
        f"{report.look} need a look, {report.lost} lost something"
    )
    if report.unproven:
        yield (
            f"{report.unproven} of these may be harmless: a log alone proves nothing, and no "
            "database could be asked."
        )
