"""A runbook to read: the same steps as in the script, each with what to expect."""

from collections.abc import Iterator

from tswizard.core.model.runbook import Code, HandStep, Language
from tswizard.core.runbook.script import SCRIPT
from tswizard.core.runbook.sheet import Sheet

_WHERE = {
    Language.SOURCE: "On the source (`on_source`, or psql with the settings above):",
    Language.TARGET: "On the target (`on_target`, or psql with the settings above):",
}


def markdown(sheet: Sheet) -> str:
    """All of it."""
    return "\n".join(_lines(sheet)) + "\n"


def _lines(sheet: Sheet) -> Iterator[str]:
    runbook = sheet.runbook
    yield f"# {sheet.title}"
    yield ""
    yield from (f"- {fact}" for fact in sheet.facts)
    yield ""
    yield (
        f"`{SCRIPT}` holds the same steps as functions of bash: `bash {SCRIPT}` runs all that are "
        f"left, in order, and stops at the first error; `bash {SCRIPT} NAME` runs one."
    )
    for heading, lines in (
        ("Before you begin", sheet.before),
        ("Differences from a run of tswizard", runbook.differences),
    ):
        yield from ("", f"## {heading}", "")
        yield from (f"- {line}" for line in lines)
    yield from ("", "## Settings and functions", "")
    yield "The steps call these. In a bash of your own, read them first:"
    functions = "\n\n".join(filter(None, (sheet.preamble, runbook.functions.strip())))
    yield from _fenced("bash", functions)
    for number, step in enumerate(runbook.steps, 1):
        yield from _step(number, step)


def _step(number: int, step: HandStep) -> Iterator[str]:
    yield from ("", f"## {number}. {step.title} (`{step.id}`)", "", step.why)
    for code in step.code:
        yield from _code(code)
    if step.expect:
        yield from ("", f"Expect: {step.expect}")


def _code(code: Code) -> Iterator[str]:
    if code.language is Language.SHELL:
        yield from _fenced("bash", code.text)
        return
    yield from ("", _WHERE[code.language])
    yield from _fenced("sql", code.text)


def _fenced(language: str, text: str) -> Iterator[str]:
    fence = "```"
    while fence in text:
        fence += "`"
    yield from ("", f"{fence}{language}", text, fence)
