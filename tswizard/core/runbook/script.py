"""A runbook as a script for bash, every step a function that can be called by itself."""

import shlex
from collections.abc import Iterable, Iterator

from tswizard.core.model.runbook import Code, HandStep, Language
from tswizard.core.runbook.sheet import Sheet

SCRIPT = "migrate.sh"

_ENDS = {Language.SOURCE: "on_source", Language.TARGET: "on_target"}


def script(sheet: Sheet) -> str:
    """All of it; started again after an error it continues with the step that failed."""
    steps = sheet.runbook.steps
    return "\n".join(
        (
            "#!/usr/bin/env bash",
            *_comment(_head(sheet)),
            "",
            sheet.preamble,
            *(("", sheet.runbook.functions.strip()) if sheet.runbook.functions else ()),
            *(line for number, step in enumerate(steps, 1) for line in _function(number, step)),
            "",
            "# One step by its name, done before or not; without a name all that are left.",
            "if [ $# -gt 0 ]; then",
            '  rm -f "$WORK/done/$1"',
            '  run "$1" "$1"',
            "  exit",
            "fi",
            *(
                f"run {step.id} {shlex.quote(f'{number}. {step.title}')}"
                for number, step in enumerate(steps, 1)
            ),
            'say "Everything is done."',
            "",
        )
    )


def _head(sheet: Sheet) -> Iterator[str]:
    yield sheet.title
    yield ""
    yield from sheet.facts
    for heading, lines in (
        ("Before you begin:", sheet.before),
        ("Differences from a run of tswizard:", sheet.runbook.differences),
    ):
        yield ""
        yield heading
        yield from (f"- {line}" for line in lines)
    yield ""
    yield "SOURCE=service=mst TARGET=service=cloud bash migrate.sh"
    yield "Started again, it continues where it stopped. One step: bash migrate.sh NAME"


def _function(number: int, step: HandStep) -> Iterator[str]:
    yield ""
    yield from _comment((f"{number}. {step.title}", *_wrapped(step.why)))
    if step.expect:
        yield from _comment(_wrapped(f"Expect: {step.expect}"))
    yield f"step_{step.id.replace('-', '_')}() {{"
    for code in step.code:
        yield runnable(code)
    yield "}"


def runnable(code: Code) -> str:
    """As bash runs it. Here-documents do not take an indentation."""
    if code.language is Language.SHELL:
        return code.text
    end = "SQL"
    while end in code.text.splitlines():
        end += "_"
    return f"{_ENDS[code.language]} << '{end}'\n{code.text}\n{end}"


def _comment(lines: Iterable[str]) -> Iterator[str]:
    return (f"# {part}".rstrip() for line in lines for part in _wrapped(line))


def _wrapped(text: str) -> list[str]:
    words, lines, line = text.split(" "), [], ""
    for word in words:
        if line and len(line) + len(word) > 96:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line]
