"""`tswizard join`: more workers for a split migration, from another process or machine."""

import asyncio
from pathlib import Path

from tswizard.cli.failures import failures
from tswizard.cli.output import say, say_finding
from tswizard.cli.watch import on_signal
from tswizard.core.db.client_tools import choose, find_tools, which_sentence
from tswizard.core.db.endpoint import Endpoint, needs_tls
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.wording import plural
from tswizard.core.split.copy.reporter import CopyReporter, redacting_reporter
from tswizard.core.split.join import join as copy_pieces
from tswizard.core.split.join import read_run
from tswizard.exit_codes import Exit


def join(target: Endpoint, source: Endpoint | None, jobs: int) -> int:
    """Copy pieces until none is left; the exit code."""
    return asyncio.run(_join(target, source, jobs))


async def _join(target: Endpoint, source: Endpoint | None, jobs: int) -> int:
    with failures(Exit.REFUSED, "Nothing was changed."):
        stored = await read_run(target)
    # The run's record on the target has its source, without the password.
    source = source or Endpoint.parse(stored.source)
    found = find_tools()
    tools = choose(found, 0, need_tls=needs_tls(source, target))
    if tools is None or tools.psql is None:
        say(f"No psql here serves both databases: {which_sentence(found)}. Nothing was changed.")
        return Exit.REFUSED
    findings: list[Finding] = []

    def tell(finding: Finding) -> None:
        findings.append(finding)
        say_finding(finding)

    reporter = redacting_reporter(say, tell, (source, target))
    say(f"joined  {stored.run}: {source.label} -> {target.label}")
    with (
        on_signal(reporter.stopping.set),
        failures(Exit.STOPPED, "What was copied is kept, and tswizard join can be called again."),
    ):
        left = await copy_pieces(source, target, tools.psql, reporter, jobs=jobs, staging=Path())
    say(_copied(reporter))
    if left:
        say(f"Not copied yet: {plural(left, 'piece')}.")
        return Exit.STOPPED
    say("No piece is left.")
    return Exit.LOOK if any(f.level is not Level.PASS for f in findings) else Exit.PASSED


def _copied(reporter: CopyReporter) -> str:
    """What this process has copied; with files, a piece counts when it is written and when it is
    loaded."""
    copied = reporter.copied
    chunks = plural(copied.as_stored, "compressed chunk")
    stored = f", {chunks} of them as stored" if copied.as_stored else ""
    return f"Copied here: {plural(copied.pieces, 'piece')}, {plural(copied.rows, 'row')}{stored}."
