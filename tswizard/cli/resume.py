"""`tswizard resume`: a run that was stopped, of this machine or, if it is split, of any."""

import asyncio
from pathlib import Path

import click

from tswizard.cli.failures import failures
from tswizard.cli.output import in_terminal, say, say_finding
from tswizard.cli.recorded_ends import recorded_ends, recorded_source
from tswizard.cli.runs import named_run
from tswizard.cli.watch import cancelled_by_signals, watch
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.wording import plural
from tswizard.core.run.context import StepFailed
from tswizard.core.run.run_folder import RunFolder
from tswizard.core.runs_left_open import left_open
from tswizard.core.split.takeover import take_over, write_off_files
from tswizard.exit_codes import Exit
from tswizard.questions import question

_Stopped = tuple[RunFolder, Endpoint, Endpoint]
"""A run with its source and its target."""


def resume(
    name: str | None,
    *,
    target: Endpoint | None,
    source: Endpoint | None,
    lost: str | None,
    jobs: int | None,
    staging: str | None,
    confirm: str | None,
    unattended: bool,
    plain: bool = False,
    mouse: bool = True,
) -> int:
    """Resume it in the wizard, or unattended where there is no terminal; the exit code."""
    if plain:
        _check_plain(confirm, unattended=unattended)
    staging = _checked(jobs, staging)
    run_folder, here, there = (
        _on_this_machine(name, source)
        if target is None
        else asyncio.run(_on_any_machine(name, target, source))
    )
    for found in left_open(run_folder):
        say(f"{run_folder.record.id}: {found.what}; this resume undoes that.")
    if lost is not None:
        asyncio.run(_write_off(there, lost))
    if jobs is not None or staging is not None:
        asyncio.run(_change(run_folder, there, jobs, staging))
    if not unattended and confirm is None and in_terminal():
        from tswizard.cli.wizard import run_wizard

        return asyncio.run(
            run_wizard(plain, source=here, target=there, resume=run_folder, mouse=mouse)
        )
    return asyncio.run(_unattended(run_folder, here, there, confirm))


def _check_plain(confirm: str | None, *, unattended: bool) -> None:
    if unattended or confirm is not None:
        raise click.UsageError("--plain asks questions; --unattended and --confirm do not.")
    if not in_terminal():
        raise click.UsageError("This is not a terminal; use --unattended instead of --plain.")


def _checked(jobs: int | None, staging: str | None) -> str | None:
    """The staging folder, wherever a later resume is called. Raises click.UsageError for what an
    answers file could not have either."""
    if staging:
        staging = str(Path(staging).expanduser().absolute())
    for key, answer in (("jobs", jobs), ("staging", staging)):
        asked = question("answers", key)
        assert asked is not None
        if answer is not None and (wrong := asked.check(answer)):
            raise click.UsageError(f"--{key}: {wrong}.")
    return staging


def _on_this_machine(name: str | None, source: Endpoint | None) -> _Stopped:
    if source is not None:
        raise click.UsageError("--source goes with --target.")
    run_folder = named_run(name, unfinished=True)
    with failures(Exit.STOPPED):
        return run_folder, *recorded_ends(run_folder)


async def _on_any_machine(name: str | None, target: Endpoint, source: Endpoint | None) -> _Stopped:
    if name is not None:
        return await _into(named_run(name), source, target)
    with failures(Exit.REFUSED), cancelled_by_signals():
        try:
            run_folder, source = await take_over(target, source)
        except StepFailed as failure:
            ours = _of_this_machine(failure, target)
            if ours is None:
                raise
            return await _into(ours, source, target)
    return run_folder, source, target


def _of_this_machine(failure: StepFailed, target: Endpoint) -> RunFolder | None:
    """The run whose dump is here and may go into this target, when it holds no split migration."""
    from tswizard.core.other_target import movable_runs

    runs = movable_runs()
    begun = [found for found in runs if found.record.target_label == target.label]
    if failure.finding.id == "run-elsewhere":
        return begun[0] if begun else None
    if failure.finding.id != "no-run" or not runs:
        return None
    if len(runs) > 1:
        names = ", ".join(found.record.id for found in runs)
        raise click.UsageError(f"Several runs have a dump for another target; name one: {names}")
    return runs[0]


async def _into(run_folder: RunFolder, source: Endpoint | None, target: Endpoint) -> _Stopped:
    """Have a run of this machine go on into this target: its own, or another empty one."""
    from tswizard.core.other_target import move

    record = run_folder.record
    with failures(Exit.STOPPED):
        source = source or recorded_source(run_folder)
    if record.target_label == target.label:
        return run_folder, source, target
    with failures(Exit.REFUSED, "Nothing was changed."), cancelled_by_signals():
        findings, moved = await move(run_folder, source, target)
    for finding in findings:
        say_finding(finding)
    if not moved:
        say("Refused: nothing was changed.")
        raise click.exceptions.Exit(Exit.REFUSED)
    say(f"{record.id} continues into {target.label}, from its finished dump.")
    return run_folder, source, target


async def _write_off(target: Endpoint, location: str) -> None:
    with failures(Exit.STOPPED), cancelled_by_signals():
        number = await write_off_files(target, location)
    say(f"To be copied again: {plural(number, 'piece')}, with files at {location}.")


async def _change(
    run_folder: RunFolder, target: Endpoint, jobs: int | None, staging: str | None
) -> None:
    from tswizard.core.change_answers import change_answers

    with failures(Exit.STOPPED):
        for sentence in await change_answers(run_folder, target, jobs=jobs, staging=staging):
            say(sentence)


async def _unattended(
    run_folder: RunFolder, source: Endpoint, target: Endpoint, confirm: str | None
) -> int:
    from tswizard.core.resume import reopen

    with failures(Exit.STOPPED, then="Then resume the run."):
        with cancelled_by_signals():
            run = await reopen(run_folder, source, target, confirm=confirm)
        return await watch(run)
