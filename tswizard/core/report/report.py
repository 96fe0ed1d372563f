"""The report of a finished run: Markdown for people, JSON for programs.

Neither contains a secret: an outcome names endpoints by their labels. The JSON is documented in
docs/report.md; fields are added, never renamed or removed.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tswizard.core.db.atomic_write import write_atomically
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.outcome import Outcome, TableRows
from tswizard.core.model.verdict import Verdict
from tswizard.core.model.wording import duration
from tswizard.core.report.advice import advice_lines, advice_to_json, estimate_of
from tswizard.core.report.checklist import ChecklistLine, checklist

REPORT_FORMAT = 1

_OUTCOME = TypeAdapter(Outcome)
_MESSAGE = (
    "verdict",
    "rule",
    "tool",
    "method",
    "phase",
    "object",
    "message",
    "reason",
    "todo",
    "number",
    "severity",
    "counts_as_error",
    "relation",
    "schema",
    "times",
    "sum",
)
"""Fields of a message: its raw lines are in the run's log, its proof is in the reason."""


class BadReport(ValueError):
    """Not a report of tswizard; the message is one sentence."""


def to_json(outcome: Outcome) -> dict[str, Any]:
    """The report as JSON data."""
    data = _OUTCOME.dump_python(outcome, mode="json")
    verdicts: Counter[Verdict] = Counter()
    for judged in outcome.judged:
        verdicts[judged.verdict] += judged.times
    return {
        "format": REPORT_FORMAT,
        "run": data["run"],
        "result": data["result"],
        "method": data["method"],
        "source": data["source"],
        "target": data["target"],
        "started": data["started"],
        "checked": data["checked"],
        "seconds": data["seconds"],
        "steps": data["steps"],
        "findings": data["findings"],
        "verdicts": {verdict.value: verdicts[verdict] for verdict in Verdict},
        "errors": [_error(judged) for judged in data["judged"]],
        "tables": data["tables"],
        "skipped": data["skipped"],
        "todo": [{"text": text, "copy": copy} for text, copy in data["todo"]],
        "dump": data["dump"],
        **advice_to_json(outcome),
    }


def _error(judged: Mapping[str, Any]) -> dict[str, Any]:
    return {name: judged[name] for name in _MESSAGE}


def from_json(text: str | bytes) -> Outcome:
    """The outcome that a report was written from, without the raw lines of messages.

    Raises BadReport.
    """
    try:
        data = json.loads(text)
        fields = {name: data[name] for name in _OUTCOME_FIELDS if name in data}
        fields["judged"] = [{**error, "detail": []} for error in data["errors"]]
        fields["todo"] = [[todo["text"], todo["copy"]] for todo in data["todo"]]
        return _OUTCOME.validate_python(fields)
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise BadReport(f"This is not a report of tswizard ({type(error).__name__}).") from error


_OUTCOME_FIELDS = frozenset(Outcome.__dataclass_fields__) - {"judged", "todo"}


def write_report(outcome: Outcome, folder: Path) -> Path:
    """Write report.json and report.md into the run folder; returns the path of the latter.

    Each file is written atomically. Raises OSError.
    """
    markdown = folder / "report.md"
    data = json.dumps(to_json(outcome), indent=1, ensure_ascii=False) + "\n"
    write_atomically(folder / "report.json", data.encode())
    write_atomically(markdown, to_markdown(outcome, str(markdown)).encode())
    return markdown


def to_markdown(outcome: Outcome, path: str = "") -> str:
    """The report for people: the checklist first, then the details."""
    made = checklist(outcome, path)
    parts = [
        f"# Migration {outcome.run}\n\n**{made.result.upper()}: {made.sentence}**\n",
        _facts(
            ("Source", outcome.source),
            ("Target", outcome.target),
            ("Method", outcome.method),
            ("Started", _moment(outcome.started)),
            *((("Checked", _moment(outcome.checked)),) if outcome.checked else ()),
            ("Took", duration(outcome.seconds)),
        ),
        "## Checked by tswizard\n\n" + "\n".join(_check(line) for line in made.lines) + "\n",
    ]
    if made.todo:
        parts.append(
            "## For you to do\n\n" + "\n".join(_do(t.text, t.copy) for t in made.todo) + "\n"
        )
    wrong = [f for f in outcome.findings if f.level in (Level.FAIL, Level.LOOK)]
    if wrong:
        parts.append("## What needs a look\n\n" + "\n".join(map(_finding, wrong)))
    if outcome.judged:
        parts.append("## Messages of pg_dump and pg_restore\n\n" + _messages(outcome))
    if outcome.tables:
        parts.append("## Rows\n\n" + _tables(outcome.tables))
    parts.append("## Steps\n\n" + _table(("Step", "State", "Took", "Estimated"), _titled(outcome)))
    if outcome.advice is not None:
        parts.append("## Estimate\n\n" + "\n".join(advice_lines(outcome)) + "\n")
    if made.files:
        parts.append(
            "## Files\n\n" + "\n".join(f"- {f.what}: `{f.path}`" for f in made.files) + "\n"
        )
    return "\n".join(parts)


def _moment(seconds: float) -> str:
    """In this machine's zone, as screens show it, with how far that is from UTC."""
    at = datetime.fromtimestamp(seconds).astimezone()
    return f"{at:%Y-%m-%d %H:%M:%S} UTC{at.isoformat()[-6:]}"


def _titled(outcome: Outcome) -> Iterator[tuple[str, ...]]:
    """The steps by their titles, which people know; the ids are for programs."""
    titles = {step.name: step.title for step in outcome.steps}
    for name, *rest in steps(outcome):
        yield titles.get(name) or name, *rest


def steps(outcome: Outcome) -> Iterator[tuple[str, str, str, str]]:
    """The actual times beside the estimate, step by step: id, state, took, estimated. The whole
    run last."""
    for step in outcome.steps:
        estimated = estimate_of(outcome, step.name)
        yield (
            step.name,
            step.state.value,
            duration(step.seconds),
            estimated.text if estimated else "",
        )
    whole = estimate_of(outcome)
    yield "**all**", "", duration(outcome.seconds), whole.text if whole else ""


def _facts(*facts: tuple[str, str]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in facts) + "\n"


def _check(line: ChecklistLine) -> str:
    return f"- **{line.level.upper()}** {_inline(line.text)}"


def _do(text: str, copy: str) -> str:
    return f"- [ ] {_inline(text)}" + (f"\n\n{_code(copy)}" if copy else "")


def _finding(finding: Finding) -> str:
    lines = [f"### {finding.level.upper()}: {_inline(finding.what)}\n"]
    facts = (("Where", finding.where), ("Why", finding.why), ("What to do", finding.todo))
    lines += [f"- {name}: {_inline(text)}" for name, text in facts if text]
    if finding.details:
        lines.append("\n" + _code("\n".join(finding.details)))
    return "\n".join(lines) + "\n"


def _messages(outcome: Outcome) -> str:
    """Worst first; equal messages once, with their number."""
    groups: Counter[tuple[Verdict, str, str, str, str]] = Counter()
    for judged in outcome.judged:
        group = judged.verdict, judged.tool, judged.rule, judged.message, judged.reason
        groups[group] += judged.times
    rows = (
        (verdict.upper(), str(times), f"{tool}: {message}", reason + (f" ({rule})" if rule else ""))
        for (verdict, tool, rule, message, reason), times in sorted(
            groups.items(), key=lambda item: -item[0][0].rank
        )
    )
    return _table(("Verdict", "Times", "Message", "Reason"), rows)


def _tables(tables: Iterable[TableRows]) -> str:
    some = tuple(tables)
    in_pieces = any(table.pieces is not None for table in some)
    head = ("Table", "Source", "Target", "Equal", "Newer on the source")
    return _table(
        (*head, *_PIECES) if in_pieces else head,
        (
            (
                table.name,
                f"{table.source_rows:,}",
                f"{table.target_rows:,}",
                "yes" if table.equal else "**no**",
                f"{table.newer_on_source:+,}" if table.newer_on_source else "",
                *(map(_count, _in_pieces(table)) if in_pieces else ()),
            )
            for table in some
        ),
    )


_PIECES = ("Pieces", "Failed", "Retries")


def _in_pieces(table: TableRows) -> tuple[int | None, ...]:
    return table.pieces, table.pieces_failed, table.retries


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return _inline(text).replace("|", "\\|")


def _inline(text: str) -> str:
    """One line, with Markdown characters in names escaped."""
    flat = " ".join(text.split())
    if flat in ("**no**", "**all**"):
        return flat
    return _MARKS.sub(r"\\\g<0>", flat)


_MARKS = re.compile(r"[\\`*<\[]|(?<!\w)_|_(?!\w)")
"""An underscore inside a word needs no escape."""


def _code(text: str) -> str:
    """A code block with a fence longer than any in the text."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}\n{text}\n{fence}\n"
