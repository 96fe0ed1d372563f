"""`tswizard demo`: the wizard, or an unattended run, on the embedded pair."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from tswizard.answers_file import Request, load
from tswizard.cli.failures import failures
from tswizard.cli.migrate import migrate
from tswizard.cli.output import say
from tswizard.core.db.endpoint import Endpoint
from tswizard.demo import DemoError, EmbeddedPair, OnProgress, Prepared
from tswizard.exit_codes import Exit


def run_demo(answers: Path | None, *, plain: bool = False, mouse: bool = True) -> int:
    """Prepare the pair and run on it; the exit code."""
    try:
        if answers is None:
            return asyncio.run(_wizard(plain, mouse=mouse))
        with failures(Exit.STOPPED):
            return asyncio.run(_unattended(load(answers, demo=True)))
    except DemoError as error:
        say(str(error))
        return Exit.REFUSED


async def _wizard(plain: bool, *, mouse: bool) -> int:
    from tswizard.cli.wizard import run_wizard

    async with AsyncExitStack() as stack:

        async def prepare(on_progress: OnProgress) -> tuple[Endpoint, Endpoint]:
            pair = await stack.enter_async_context(
                EmbeddedPair.prepare_and_start(on_progress=on_progress)
            )
            return _endpoints(pair)

        return await run_wizard(plain, demo=True, prepare=prepare, mouse=mouse)


async def _unattended(request: Request) -> int:
    last = ""

    def progress(prepared: Prepared) -> None:
        nonlocal last
        if prepared.text != last:
            last = prepared.text
            say(last)

    async with EmbeddedPair.prepare_and_start(on_progress=progress) as pair:
        source, target = _endpoints(pair)
        return await migrate(
            source,
            target,
            request.answers,
            confirm=None,
            demo=True,
            recommended=request.recommended,
        )


def _endpoints(pair: EmbeddedPair) -> tuple[Endpoint, Endpoint]:
    return (
        Endpoint.parse(pair.source_conninfo, password=pair.source_password),
        Endpoint.parse(pair.target_conninfo, password=pair.target_password),
    )
