"""`tswizard runs`: this machine's runs and their state."""

import json
from typing import Any

import click

from tswizard.core.run.run_folder import RunFolder, RunFolderError, all_runs


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


def named_run(name: str | None, *, unfinished: bool) -> RunFolder:
    """The run of that name, or the newest: of those that can be resumed, with `unfinished`.

    Raises click.UsageError.
    """
    if name is not None:
        try:
            return RunFolder.open(name)
        except RunFolderError as error:
            raise click.UsageError(str(error)) from None
    for run_folder in all_runs():
        if run_folder.record.resumable or not unfinished:
            return run_folder
    raise click.UsageError("There is no run to resume." if unfinished else "There is no run yet.")


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
    }
