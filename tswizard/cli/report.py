"""`tswizard report`: the checklist of a run again."""

import json

import click

from tswizard.cli.unattended import exit_of, say
from tswizard.core.report.report import from_json, to_json, to_markdown
from tswizard.core.run.run_folder import RunFolder
from tswizard.exit_codes import Exit


def report(run_folder: RunFolder, *, as_json: bool, markdown: bool) -> int:
    """Print the report; its exit code is the run's own."""
    path = run_folder.path / "report.json"
    if not path.exists():
        record = run_folder.record
        say(f"{record.id} is unfinished; go on with: tswizard resume {record.id}")
        for step in record.steps:
            say(f"  {step.state:<8} {step.name}")
        return Exit.STOPPED
    outcome = from_json(path.read_text(encoding="utf-8"))
    click.echo(json.dumps(to_json(outcome), indent=1) if as_json else to_markdown(outcome))
    return exit_of(outcome.result)
