"""The commands, as they are called. What each does is in the module of its name, and is imported
only when it is asked for."""

import asyncio
import atexit
import gc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tswizard import __version__
from tswizard.cli.conninfo import conninfo
from tswizard.core.model.answers import METHOD_NAMES

_PLAIN_HELP = "Ask line by line instead of on screens."
_NO_MOUSE_HELP = "Leave the mouse to the terminal, for selecting and copying text."
_SOURCE_HELP = "Source address as reachable from this machine, if different."

if TYPE_CHECKING:
    from tswizard.core.db.endpoint import Endpoint


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--answers",
    type=click.Path(path_type=Path),
    help="Run unattended; answers from this TOML file.",
)
@click.option("--plain", is_flag=True, help=_PLAIN_HELP)
@click.option("--no-mouse", is_flag=True, help=_NO_MOUSE_HELP)
@click.version_option(__version__, "--version", package_name="tswizard")
@click.pass_context
def cli(context: click.Context, answers: Path | None, plain: bool, no_mouse: bool) -> None:
    """Move a TimescaleDB database to Timescale Cloud, and prove that everything arrived.

    Without a command: the wizard. Exit codes: 0 everything passed, 1 finished but something
    needs a look or was lost, 2 wrong usage, 3 stopped and can be resumed, 4 refused by preflight
    or left before a run, with nothing changed.
    """
    if context.invoked_subcommand is not None:
        for given, name in (
            (answers is not None, "--answers"),
            (plain, "--plain"),
            (no_mouse, "--no-mouse"),
        ):
            if given:
                raise click.UsageError(_misplaced(context.invoked_subcommand, name))
        return
    _answers_or_plain(answers, plain)
    if answers is not None:
        from tswizard.cli.migrate import migrate_by

        context.exit(migrate_by(answers))
    _need_terminal("tswizard --answers FILE")
    from tswizard.cli.wizard import run_wizard
    from tswizard.exit_codes import DEMO_CHOSEN

    code = asyncio.run(run_wizard(plain, mouse=not no_mouse))
    if code == DEMO_CHOSEN:
        from tswizard.cli.demo import run_demo

        code = run_demo(None, mouse=not no_mouse)
    context.exit(code)


@cli.command()
@click.option(
    "--answers",
    type=click.Path(path_type=Path),
    help="Run unattended; answers from this TOML file.",
)
@click.option("--plain", is_flag=True, help=_PLAIN_HELP)
@click.option("--no-mouse", is_flag=True, help=_NO_MOUSE_HELP)
@click.pass_context
def demo(context: click.Context, answers: Path | None, plain: bool, no_mouse: bool) -> None:
    """The wizard on an embedded source and target with sample data."""
    _answers_or_plain(answers, plain)
    if answers is None:
        _need_terminal("tswizard demo --answers FILE")
    from tswizard.cli.demo import run_demo

    context.exit(run_demo(answers, plain=plain, mouse=not no_mouse))


@cli.command()
@click.argument("conninfo", type=conninfo)
@click.option("--json", "as_json", is_flag=True, help="The whole inventory as JSON.")
@click.pass_context
def inspect(context: click.Context, conninfo: "Endpoint", as_json: bool) -> None:
    """What a database holds and what is hazardous about it; reads only."""
    from tswizard.cli.inspect import inspect as run

    context.exit(run(conninfo, as_json=as_json))


@cli.command()
@click.argument("answers", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write both forms here.")
@click.option("--script", "as_script", is_flag=True, help="Print the script for bash instead.")
@click.pass_context
def plan(context: click.Context, answers: Path, output: Path | None, as_script: bool) -> None:
    """A runbook for the migration of an answers file, to carry out by hand with bash and
    PostgreSQL's client tools; reads both databases and changes nothing."""
    from tswizard.cli.plan import plan as run

    if output is not None and as_script:
        raise click.UsageError("--output writes both forms; leave out --script.")
    context.exit(run(answers, output=output, as_script=as_script))


@cli.command()
@click.argument("log", type=click.File("rb"), default="-")
@click.option("--json", "as_json", is_flag=True, help="Verdicts as JSON.")
@click.option(
    "--tool", type=click.Choice(["pg_dump", "pg_restore", "psql"]), help="What wrote the log."
)
@click.option("--method", type=click.Choice(METHOD_NAMES), help="Migration method.")
@click.option(
    "--phase",
    type=click.Choice(["dump", "pre-data", "catalog", "data", "post-data"]),
    help="Phase of the dump or restore.",
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
    """Verdicts for the output of pg_dump, pg_restore or psql, from a file or standard input."""
    from tswizard.cli.classify import classify as run

    context.exit(run(log, tool, method, phase, as_json=as_json))


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Runs as JSON.")
@click.option("--remove", metavar="RUN", help="Remove a finished run's folder and its dump.")
@click.option("--yes", is_flag=True, help="Remove it without asking.")
def runs(as_json: bool, remove: str | None, yes: bool) -> None:
    """This machine's runs and their state."""
    from tswizard.cli.runs import remove as remove_run
    from tswizard.cli.runs import runs as run

    if remove is not None and as_json:
        raise click.UsageError("--json or --remove, not both.")
    if remove is None and yes:
        raise click.UsageError("--yes goes with --remove.")
    if remove is None:
        run(as_json=as_json)
    else:
        remove_run(remove, yes=yes)


@cli.command()
@click.argument("run", required=False)
@click.option("--confirm", help="The target's database name, when a restore has to start over.")
@click.option("--unattended", is_flag=True, help="Ask no questions, even in a terminal.")
@click.option("--plain", is_flag=True, help=_PLAIN_HELP)
@click.option("--no-mouse", is_flag=True, help=_NO_MOUSE_HELP)
@click.option(
    "--target",
    type=conninfo,
    help="Resume the split migration into this target, begun anywhere; or restore the finished "
    "dump of a full one into this other, empty target.",
)
@click.option("--source", type=conninfo, help=_SOURCE_HELP)
@click.option(
    "--lost",
    metavar="LOCATION",
    help="Files at this host:folder are lost: copy their pieces again.",
)
@click.option("--jobs", type=int, help="Resume with this many jobs; 0: by distance.")
@click.option(
    "--staging",
    metavar="FOLDER",
    help="Resume with another folder for the dump or the files of rows; empty: the run's own.",
)
@click.pass_context
def resume(
    context: click.Context,
    run: str | None,
    confirm: str | None,
    unattended: bool,
    plain: bool,
    no_mouse: bool,
    target: "Endpoint | None",
    source: "Endpoint | None",
    lost: str | None,
    jobs: int | None,
    staging: str | None,
) -> None:
    """Resume where a run stopped; the newest unfinished run when none is named."""
    from tswizard.cli.resume import resume as resume_run

    context.exit(
        resume_run(
            run,
            target=target,
            source=source,
            lost=lost,
            jobs=jobs,
            staging=staging,
            confirm=confirm,
            unattended=unattended,
            plain=plain,
            mouse=not no_mouse,
        )
    )


@cli.command()
@click.argument("run", required=False)
@click.option(
    "--target", type=conninfo, help="Check the run that left its record there, begun anywhere."
)
@click.option("--source", type=conninfo, help=_SOURCE_HELP)
@click.option("--plain", is_flag=True, help="Ask about the checklist line by line.")
@click.pass_context
def check(
    context: click.Context,
    run: str | None,
    target: "Endpoint | None",
    source: "Endpoint | None",
    plain: bool,
) -> None:
    """Compare source and target of a finished run again, as often as wanted; the newest one when
    none is named. What waited on you is applied first, and jobs are enabled once nothing fails."""
    from tswizard.cli.check import check as check_run

    context.exit(check_run(run, target=target, source=source, plain=plain))


@cli.command()
@click.argument("target", type=conninfo)
@click.option("--source", type=conninfo, help=_SOURCE_HELP)
@click.option(
    "--jobs", type=click.IntRange(1, 64), default=4, show_default=True, help="How many workers."
)
@click.pass_context
def join(context: click.Context, target: "Endpoint", source: "Endpoint | None", jobs: int) -> None:
    """Add workers to the split migration into TARGET, until no piece is left."""
    from tswizard.cli.join import join as run

    context.exit(run(target, source, jobs))


@cli.command()
@click.argument("run", required=False)
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
@click.option("--markdown", is_flag=True, help="The report as Markdown, which is the default.")
@click.pass_context
def report(context: click.Context, run: str | None, as_json: bool, markdown: bool) -> None:
    """The checklist of a run again; the newest run when none is named."""
    from tswizard.cli.report import report as show

    if as_json and markdown:
        raise click.UsageError("--json or --markdown, not both.")
    context.exit(show(run, as_json=as_json))


def _misplaced(command: str, name: str) -> str:
    """For an option that was given before a command."""
    takes = {option for param in cli.commands[command].params for option in param.opts}
    if name not in takes:
        return f"{command} does not take {name}."
    return f"Put {name} after the command: tswizard {command} {name}"


def _answers_or_plain(answers: Path | None, plain: bool) -> None:
    if answers is not None and plain:
        raise click.UsageError("--answers or --plain, not both.")


def _need_terminal(instead: str) -> None:
    from tswizard.cli.output import in_terminal

    if not in_terminal():
        raise click.UsageError(f"This is not a terminal; use `{instead}` instead.")


def main() -> None:
    """Entry point of the `tswizard` command."""
    from tswizard.cli.output import tolerate

    _spare_what_stays()
    tolerate()
    cli()


def _spare_what_stays() -> None:
    """Nearly all that a start creates stays to the end: to look through it for garbage again and
    again, as is the default, and once more at the end, took a third of a short call."""
    gc.set_threshold(50_000, 20, 50)
    atexit.register(gc.freeze)
