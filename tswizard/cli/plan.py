"""`tswizard plan`: an answers file becomes a runbook; nothing is changed."""

import asyncio
from dataclasses import replace
from pathlib import Path

from tswizard.answers_file import load
from tswizard.cli.failures import failures
from tswizard.cli.migrate import examined
from tswizard.cli.output import in_terminal, put, say
from tswizard.cli.watch import cancelled_by_signals
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.answers import Answers
from tswizard.core.prepare import shown_task
from tswizard.core.runbook import write_runbook
from tswizard.exit_codes import Exit
from tswizard.wizard.text import shown_lines


def plan(path: Path, *, output: Path | None, as_script: bool) -> int:
    """Print the runbook, or write both of its forms into a folder; the exit code."""
    with failures(Exit.USAGE):
        request = load(path)
    assert request.source is not None and request.target is not None
    return asyncio.run(
        _plan(
            request.source,
            request.target,
            request.answers,
            recommended=request.recommended,
            output=output,
            as_script=as_script,
        )
    )


async def _plan(
    source: Endpoint,
    target: Endpoint,
    answers: Answers,
    *,
    recommended: bool,
    output: Path | None,
    as_script: bool,
) -> int:
    with failures(Exit.REFUSED, "Nothing was changed."), cancelled_by_signals():
        # Without a choice to make, nothing has to be timed.
        answers = replace(answers, probe=answers.probe and recommended)
        ready = await examined(source, target, answers, None, recommended=recommended)
        if isinstance(ready, Exit):
            return ready
        written = await write_runbook(shown_task(ready[0]))
    if output is None:
        text = written.script if as_script else written.markdown
        # Into a file it goes as it is, to be carried out; a terminal would obey what a name holds.
        put(shown_lines(text) if in_terminal() else text)
        return Exit.PASSED
    try:
        paths = written.save(output)
    except OSError as error:
        say(f"{output} cannot be written: {error.strerror}.")
        return Exit.USAGE
    for saved in paths:
        say(f"written: {saved}")
    return Exit.PASSED
