"""`tswizard report`: the checklist of a run again."""

import json

from tswizard.cli.output import put, say, show
from tswizard.cli.runs import named_run
from tswizard.core.report.report import BadReport, from_json, to_json, to_markdown
from tswizard.core.run.run_folder import not_planned
from tswizard.exit_codes import Exit
from tswizard.wizard.ending import exit_of


def report(name: str | None, *, as_json: bool) -> int:
    """Print the report, of the newest run when none is named; the exit code is the run's own."""
    run_folder = named_run(name, unfinished=False)
    path = run_folder.path / "report.json"
    if not path.exists():
        record = run_folder.record
        if not record.planned:
            say(str(not_planned(record)))
            return Exit.STOPPED
        say(f"{record.id} is unfinished; resume it with: tswizard resume {record.id}")
        for step in record.steps:
            say(f"  {step.state:<8} {step.title or step.name}")
        return Exit.STOPPED
    try:
        outcome = from_json(path.read_bytes())
    except OSError as error:
        say(f"{path} cannot be read ({error.strerror}).")
        return Exit.STOPPED
    except BadReport as error:
        say(f"{path}: {error}")
        return Exit.STOPPED
    if as_json:
        put(json.dumps(to_json(outcome), indent=1) + "\n")
    else:
        show(to_markdown(outcome).splitlines())
    return exit_of(outcome.result)
