"""`tswizard join`: help a split migration along from another process or machine."""

import asyncio
import signal
from pathlib import Path

from tswizard.cli.unattended import say, say_finding
from tswizard.core.db.client_tools import choose, find_tools, which_sentence
from tswizard.core.db.endpoint import BadEndpoint, Endpoint, needs_tls
from tswizard.core.model.finding import Finding, Level
from tswizard.core.run.context import StepFailed
from tswizard.core.split.copy.reporter import CopyReporter
from tswizard.core.split.join import join as help_along
from tswizard.core.split.join import read_run
from tswizard.exit_codes import Exit


async def join(target: Endpoint, source: str | None, jobs: int) -> int:
    """Copy pieces until none is left; the exit code. Raises CannotConnect.

    The source stands in the run's own record on the target, without its password.
    """
    found: list[Finding] = []

    def tell(finding: Finding) -> None:
        found.append(finding)
        say_finding(finding)

    reporter = CopyReporter(
        say=say,
        found=tell,
        progress=lambda _done, _total, _what: None,
        put=lambda _event: None,
    )
    reporter.going.set()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, reporter.stopping.set)
    try:
        stored = await read_run(target)
        try:
            origin = Endpoint.parse(source or stored.source)
        except BadEndpoint as error:
            say(f"source: {error}")
            return Exit.USAGE
        tools = choose(find_tools(), 0, need_tls=needs_tls(origin, target))
        psql = tools.psql if tools else None
        if psql is None:
            say(f"No psql here serves both ends: {which_sentence(find_tools())}.")
            return Exit.REFUSED
        say(f"helping {stored.run}: {origin.label} -> {target.label}")
        left = await help_along(origin, target, psql, reporter, jobs=jobs, staging=Path())
    except StepFailed as failure:
        say_finding(failure.finding)
        return Exit.REFUSED
    if left:
        say(f"{left} pieces are left.")
        return Exit.STOPPED
    say("No piece is left.")
    return Exit.LOOK if any(f.level is not Level.PASS for f in found) else Exit.PASSED
