"""`tswizard resume`: a run that was stopped, of this machine or, if it is split, of any."""

import asyncio
import sys

import click

from tswizard.cli.failures import failures
from tswizard.cli.output import say
from tswizard.cli.runs import named_run
from tswizard.cli.watch import watch
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.wording import plural
from tswizard.core.run.run_folder import RunFolder
from tswizard.core.runs_left_open import left_open
from tswizard.core.split.takeover import take_over, write_off_files
from tswizard.exit_codes import Exit

_Stopped = tuple[RunFolder, Endpoint, Endpoint]
"""A run with its source and its target."""


def resume(
    name: str | None,
    *,
    target: Endpoint | None,
    source: Endpoint | None,
    lost: str | None,
    confirm: str | None,
    unattended: bool,
    plain: bool = False,
) -> int:
    """Resume it in the wizard, or line by line where nobody watches; the exit code."""
    run_folder, here, there = (
        _on_this_machine(name, source)
        if target is None
        else asyncio.run(_on_any_machine(name, target, source))
    )
    if plain:
        _check_plain(confirm, unattended=unattended)
    for found in left_open(run_folder):
        say(f"{run_folder.record.id}: {found.what}; this resume puts that back.")
    if lost is not None:
        asyncio.run(_write_off(there, lost))
    if not unattended and confirm is None and sys.stdin.isatty() and sys.stdout.isatty():
        from tswizard.cli.wizard import run_wizard

        return asyncio.run(run_wizard(plain, source=here, target=there, resume=run_folder))
    return asyncio.run(_unattended(run_folder, here, there, confirm))


def _check_plain(confirm: str | None, *, unattended: bool) -> None:
    if unattended or confirm is not None:
        raise click.UsageError("--plain asks; --unattended and --confirm ask nothing.")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("This is not a terminal; use --unattended instead of --plain.")


def _on_this_machine(name: str | None, source: Endpoint | None) -> _Stopped:
    if source is not None:
        raise click.UsageError("--source goes with --target.")
    run_folder = named_run(name, unfinished=True)
    record = run_folder.record
    return run_folder, Endpoint.parse(record.source), Endpoint.parse(record.target)


async def _on_any_machine(name: str | None, target: Endpoint, source: Endpoint | None) -> _Stopped:
    if name is not None:
        raise click.UsageError("Name a run of this machine or --target, not both.")
    with failures(Exit.REFUSED):
        run_folder, source = await take_over(target, source)
    return run_folder, source, target


async def _write_off(target: Endpoint, location: str) -> None:
    with failures(Exit.STOPPED):
        number = await write_off_files(target, location)
    say(f"To be copied again: {plural(number, 'piece')}, with files at {location}.")


async def _unattended(
    run_folder: RunFolder, source: Endpoint, target: Endpoint, confirm: str | None
) -> int:
    from tswizard.core.resume import reopen

    with failures(Exit.STOPPED):
        return await watch(await reopen(run_folder, source, target, confirm=confirm))
