"""`tswizard check`: source and target of a finished run compared again."""

import asyncio

import click

from tswizard.cli.failures import failures
from tswizard.cli.output import in_terminal
from tswizard.cli.recorded_ends import recorded_ends
from tswizard.cli.runs import named_run
from tswizard.cli.watch import cancelled_by_signals, watch
from tswizard.core.db.endpoint import Endpoint
from tswizard.exit_codes import Exit


def check(
    name: str | None, *, target: Endpoint | None, source: Endpoint | None, plain: bool = False
) -> int:
    """Apply what waited on the user, compare, enable jobs that stayed paused; the exit code.

    With `plain` the checklist is asked about line by line, as at the end of `--plain`.
    """
    if name is not None and target is not None:
        raise click.UsageError("Name a run of this machine or --target, not both.")
    if source is not None and target is None:
        raise click.UsageError("--source goes with --target.")
    if plain and not in_terminal():
        raise click.UsageError("This is not a terminal; leave out --plain.")
    return asyncio.run(_check(name, target, source, plain=plain))


async def _check(
    name: str | None, target: Endpoint | None, source: Endpoint | None, *, plain: bool
) -> int:
    from tswizard.core.check_again import check_again, find_checked

    with failures(Exit.REFUSED), cancelled_by_signals():
        if target is None:
            run_folder = named_run(name, finished=True)
            source, target = recorded_ends(run_folder)
        else:
            run_folder, source = await find_checked(target, source)
    if plain:
        from tswizard.plain.wizard import wizard

        return await wizard(source=source, target=target, resume=run_folder)
    with failures(Exit.STOPPED):
        with cancelled_by_signals():
            run = await check_again(run_folder, source, target)
        return await watch(run)
