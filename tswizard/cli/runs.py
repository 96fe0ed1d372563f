"""`tswizard runs`: this machine's runs and their state."""

import json
from typing import Any

import click

from tswizard.cli.output import in_terminal, put, show
from tswizard.core.model.wording import size
from tswizard.core.run.remove_run import folder_bytes, refuse_removal, remove_run, run_paths
from tswizard.core.run.run_folder import RunFolder, RunFolderError, all_runs, read_runs
from tswizard.core.runs_left_open import left_open


def runs(*, as_json: bool) -> None:
    """Print them, newest first."""
    found, unreadable = read_runs()
    if as_json:
        put(json.dumps([_facts(run_folder) for run_folder in found], indent=1) + "\n")
        return
    if not found and not unreadable:
        show(["No runs yet."])
    for run_folder in found:
        record = run_folder.record
        show([f"{record.id}  {record.state:<10}  {record.source_label} -> {record.target_label}"])
        show(
            f"    ! {thing.what}; resume the run, or: {thing.statement}"
            for thing in left_open(run_folder)
        )
    show(unreadable)


def remove(name: str, *, yes: bool) -> None:
    """Remove a finished run's folder, and its dump in a staging folder, after a question.

    Raises click.UsageError for a run that is not to be removed, or without an answer.
    """
    run_folder = named_run(name)
    places = " and ".join(map(str, run_paths(run_folder)))
    try:
        refuse_removal(run_folder)
        for thing in left_open(run_folder):  # which nobody would know of afterwards
            show([f"! {thing.what}: {thing.statement}"])
        if not yes:
            _ask(places, run_folder)
        freed = remove_run(run_folder)
    except RunFolderError as error:
        raise click.UsageError(str(error)) from None
    show([f"Removed {places}: {size(freed)} freed."])


def _ask(places: str, run_folder: RunFolder) -> None:
    if not in_terminal():
        raise click.UsageError("This is not a terminal; add --yes.")
    taken = size(sum(map(folder_bytes, run_paths(run_folder))))
    click.confirm(f"Remove {places} ({taken}), with report and log?", abort=True)


def named_run(name: str | None, *, unfinished: bool = False, finished: bool = False) -> RunFolder:
    """The run of that name, or the newest: of those that can be resumed, with `unfinished`; of
    those that are over, with `finished`.

    Raises click.UsageError.
    """
    if name is not None:
        try:
            return RunFolder.open(name)
        except RunFolderError as error:
            raise click.UsageError(str(error)) from None
    for run_folder in all_runs():
        record = run_folder.record
        if (record.resumable or not unfinished) and (record.over or not finished):
            return run_folder
    what = "to resume" if unfinished else "that has finished" if finished else "yet"
    raise click.UsageError(f"There is no run {what}.")


def _facts(run_folder: RunFolder) -> dict[str, Any]:
    record = run_folder.record
    return {
        "run": record.id,
        "state": record.state,
        "source": record.source_label,
        "target": record.target_label,
        "started": record.started,
        "seconds": round(record.seconds, 1),
        "folder": str(run_folder.path),
        "left_open": [
            {"what": found.what, "statement": found.statement} for found in left_open(run_folder)
        ],
    }
