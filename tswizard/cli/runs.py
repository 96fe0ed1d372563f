"""`tswizard runs`: this machine's runs and their state."""

import json
from typing import Any

import click

from tswizard.core.run.run_folder import RunFolder, RunFolderError, all_runs
from tswizard.core.runs_left_open import left_open


def runs(*, as_json: bool) -> None:
    """Print them, newest first."""
    found = all_runs()
    if as_json:
        click.echo(json.dumps([_facts(run_folder) for run_folder in found], indent=1))
        return
    if not found:
        click.echo("No runs yet.")
    for run_folder in found:
        record = run_folder.record
        click.echo(
            f"{record.id}  {record.state:<10}  {record.source_label} -> {record.target_label}"
        )
        for thing in left_open(run_folder):
            click.echo(f"    ! {thing.what}; resume the run, or: {thing.statement}")


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
