"""The commands and their exit codes. Imports only the front end that was asked for."""

import asyncio
import json
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tswizard import __version__
from tswizard.exit_codes import Exit

_T = TypeVar("_T")

_SOURCE_HELP = "Source address as reachable from this machine, if different."

if TYPE_CHECKING:
    from tswizard.core.db.endpoint import Endpoint
    from tswizard.core.run.run_folder import RunFolder


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--answers", type=click.Path(path_type=Path), help="Ask nothing; answers from this TOML file."
)
@click.version_option(__version__, "--version", package_name="tswizard")
@click.pass_context
def cli(context: click.Context, answers: Path | None) -> None:
    """Move a TimescaleDB database to Timescale Cloud, and prove that everything arrived.

    Without a command: the wizard. Exit codes: 0 everything passed, 1 finished but something
    needs a look or was lost, 2 wrong usage, 3 stopped and can be resumed, 4 refused by preflight
    with nothing changed.
    """
    if context.invoked_subcommand is not None:
        if answers is not None:
            raise click.UsageError("--answers goes with no command, or after demo.")
        return
    if answers is not None:
        context.exit(_unattended(answers))
    _need_terminal("tswizard --answers FILE")
    from tswizard.tui.app import wizard

    context.exit(asyncio.run(wizard()))


@cli.command()
@click.option(
    "--answers", type=click.Path(path_type=Path), help="Ask nothing; answers from this TOML file."
)
@click.pass_context
def demo(context: click.Context, answers: Path | None) -> None:
    """The wizard on an embedded source and target with sample data."""
    if answers is None:
        _need_terminal("tswizard demo --answers FILE")
    from tswizard.cli.demo import run_demo

    context.exit(run_demo(answers))


@cli.command()
@click.argument("conninfo")
@click.option("--json", "as_json", is_flag=True, help="The whole inventory as JSON.")
@click.pass_context
def inspect(context: click.Context, conninfo: str, as_json: bool) -> None:
    """What a database holds and what is hazardous about it; reads only."""
    from tswizard.cli.inspect import inspect as run
    from tswizard.core.db.endpoint import BadEndpoint, Endpoint

    try:
        endpoint = Endpoint.parse(conninfo)
    except BadEndpoint as error:
        raise click.UsageError(str(error)) from None
    context.exit(_run(run(endpoint, as_json=as_json)))


@cli.command()
@click.argument("log", type=click.File("rb"), default="-")
@click.option("--json", "as_json", is_flag=True, help="Verdicts as JSON.")
@click.option("--tool", type=click.Choice(["pg_dump", "pg_restore"]), help="What wrote the log.")
@click.option("--method", type=click.Choice(["full", "split"]), help="In which kind of migration.")
@click.option(
    "--phase",
    type=click.Choice(["dump", "pre-data", "catalog", "data", "post-data"]),
    help="In which part of it.",
)
@click.pass_context
def classify(
    context: click.Context,
    log: Any,
    as_json: bool,
    tool: str | None,
    method: str | None,
    phase: str | None,
) -> None:
    """Verdicts for the output of pg_dump or pg_restore, from a file or standard input."""
    from tswizard.cli.classify import classify as run

    context.exit(run(log, tool, method, phase, as_json=as_json))


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Runs as JSON.")
def runs(as_json: bool) -> None:
    """This machine's runs and their state."""
    from tswizard.core.run.run_folder import all_runs

    run_folders = all_runs()
    if as_json:
        click.echo(json.dumps([_run_line(run_folder) for run_folder in run_folders], indent=1))
        return
    if not run_folders:
        click.echo("No runs yet.")
    for run_folder in run_folders:
        record = run_folder.record
        click.echo(
            f"{record.id}  {record.state:<10}  {record.source_label} -> {record.target_label}"
        )


@cli.command()
@click.argument("run", required=False)
@click.option("--confirm", help="The target's database name, when a restore has to start over.")
@click.option("--unattended", is_flag=True, help="Line by line, even in a terminal.")
@click.option("--target", help="Resume the split migration into this target, begun anywhere.")
@click.option("--source", help=_SOURCE_HELP)
@click.option(
    "--lost",
    metavar="LOCATION",
    help="Files at this host:folder are lost: copy their pieces again.",
)
@click.pass_context
def resume(
    context: click.Context,
    run: str | None,
    confirm: str | None,
    unattended: bool,
    target: str | None,
    source: str | None,
    lost: str | None,
) -> None:
    """Resume where a run stopped; the newest unfinished run when none is named."""
    run_folder, ends = _stopped_run(run, target, source)
    if lost is not None:
        from tswizard.core.split.takeover import write_off_files

        number = _run(write_off_files(ends[1], lost))
        click.echo(f"{number} pieces are copied again; their files were at {lost}.", err=True)
    if not unattended and confirm is None and sys.stdin.isatty() and sys.stdout.isatty():
        from tswizard.tui.app import wizard

        context.exit(asyncio.run(wizard(source=ends[0], target=ends[1], resume=run_folder)))
    from tswizard.cli.unattended import resume as go_on

    context.exit(_run(go_on(run_folder, *ends, confirm)))


def _stopped_run(
    run: str | None, target: str | None, source: str | None
) -> "tuple[RunFolder, tuple[Endpoint, Endpoint]]":
    """A run of this machine by its name, or any machine's by its target; and its two ends."""
    from tswizard.core.db.endpoint import BadEndpoint, Endpoint
    from tswizard.core.split.takeover import take_over

    if target is None:
        if source is not None:
            raise click.UsageError("--source goes with --target.")
        run_folder = _run_folder(run, unfinished=True)
        record = run_folder.record
        return run_folder, (Endpoint.parse(record.source), Endpoint.parse(record.target))
    if run is not None:
        raise click.UsageError("Name a run of this machine or --target, not both.")
    try:
        there = Endpoint.parse(target)
        run_folder, here = _run(take_over(there, Endpoint.parse(source) if source else None))
    except BadEndpoint as error:
        raise click.UsageError(str(error)) from None
    return run_folder, (here, there)


@cli.command()
@click.argument("target")
@click.option("--source", help=_SOURCE_HELP)
@click.option(
    "--jobs", type=click.IntRange(1, 64), default=4, show_default=True, help="How many workers."
)
@click.pass_context
def join(context: click.Context, target: str, source: str | None, jobs: int) -> None:
    """Add workers to the split migration into TARGET, until no piece is left."""
    from tswizard.cli.join import join as run
    from tswizard.core.db.endpoint import BadEndpoint, Endpoint

    try:
        endpoint = Endpoint.parse(target)
    except BadEndpoint as error:
        raise click.UsageError(str(error)) from None
    context.exit(_run(run(endpoint, source, jobs)))


@cli.command()
@click.argument("run", required=False)
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
@click.option("--markdown", is_flag=True, help="The report as Markdown.")
@click.pass_context
def report(context: click.Context, run: str | None, as_json: bool, markdown: bool) -> None:
    """The checklist of a run again; the newest run when none is named."""
    from tswizard.cli.report import report as show

    context.exit(show(_run_folder(run, unfinished=False), as_json=as_json, markdown=markdown))


def _unattended(path: Path) -> int:
    from tswizard.answers_file import BadAnswers, load
    from tswizard.cli.unattended import migrate

    try:
        request = load(path)
    except BadAnswers as error:
        click.echo(str(error), err=True)
        return Exit.USAGE
    assert request.source is not None and request.target is not None
    return _run(migrate(request.source, request.target, request.answers, request.confirm))


def _run(work: "Coroutine[Any, Any, _T]") -> _T:
    """Run a command; what a user can mend is one sentence, not a traceback."""
    from tswizard.core.db.errors import CannotConnect
    from tswizard.core.run.context import StepFailed
    from tswizard.core.run.run_folder import RunFolderError

    try:
        return asyncio.run(work)
    except CannotConnect as error:
        click.echo(f"{error.what} {error.todo} Nothing was changed.", err=True)
        code = Exit.REFUSED
    except StepFailed as failure:
        click.echo(f"{failure.finding.what} {failure.finding.todo}", err=True)
        code = Exit.REFUSED
    except RunFolderError as error:
        click.echo(str(error), err=True)
        code = Exit.STOPPED
    except KeyboardInterrupt:
        click.echo("Stopped before anything was changed.", err=True)
        code = Exit.STOPPED
    raise click.exceptions.Exit(code)


def _run_folder(run: str | None, *, unfinished: bool) -> "RunFolder":
    from tswizard.core.run.run_folder import RunFolder, RunFolderError, all_runs

    if run is not None:
        try:
            return RunFolder.open(run)
        except RunFolderError as error:
            raise click.UsageError(str(error)) from None
    for run_folder in all_runs():
        if run_folder.record.resumable or not unfinished:
            return run_folder
    raise click.UsageError("There is no run to resume." if unfinished else "There is no run yet.")


def _run_line(run_folder: "RunFolder") -> dict[str, Any]:
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


def _need_terminal(instead: str) -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError(f"This is not a terminal; use `{instead}` instead.")


def main() -> None:
    """Entry point of the `tswizard` command."""
    cli()
