"""Makes the man page of the commands: `python -m scripts.man_page`."""

from collections.abc import Iterator
from pathlib import Path

import click

from tswizard.cli.main import cli

PAGE = Path(__file__).parents[1] / "assets" / "man" / "tswizard.1"

_ENVIRONMENT = {
    "TSWIZARD_STATE_DIR": "Where runs have their folders, instead of ~/.local/state/tswizard.",
    "TSWIZARD_CACHE_DIR": "Where the demo keeps its servers, instead of ~/.cache/tswizard.",
    "TSWIZARD_PG_BIN": "Folder of the pg_dump and pg_restore to use, and no others.",
}


def render() -> str:
    """The whole page."""
    context = click.Context(cli, info_name="tswizard", **cli.context_settings)
    lines = [
        '.TH TSWIZARD 1 "" "tswizard" "User Commands"',
        ".SH NAME",
        "tswizard \\- move a TimescaleDB database to Timescale Cloud",
        ".SH SYNOPSIS",
        *_synopsis(context),
        ".SH DESCRIPTION",
        *_prose(cli.help or ""),
        ".SH OPTIONS",
        *_options(context),
        ".SH COMMANDS",
    ]
    for name, command in sorted(cli.commands.items()):
        inside = click.Context(command, info_name=name, parent=context)
        lines += [f".SS {_text(name)}", *_synopsis(inside), ".PP", *_prose(command.help or "")]
        lines += _options(inside)
    lines.append(".SH ENVIRONMENT")
    for name, meaning in _ENVIRONMENT.items():
        lines += [".TP", f".B {name}", _text(meaning)]
    lines += [
        ".PP",
        _text("PG* variables, ~/.pgpass and ~/.pg_service.conf count as for every libpq program."),
    ]
    return "\n".join([*lines, ""])


def _synopsis(context: click.Context) -> Iterator[str]:
    yield f".B {_text(context.command_path)}"
    yield _text(" ".join(context.command.collect_usage_pieces(context)))


def _prose(text: str) -> Iterator[str]:
    for paragraph in text.strip().split("\n\n"):
        yield ".PP"
        yield _text(" ".join(paragraph.split()))


def _options(context: click.Context) -> Iterator[str]:
    for parameter in context.command.get_params(context):
        if (record := parameter.get_help_record(context)) is not None:
            yield ".TP"
            yield f".B {_text(record[0])}"
            yield _text(record[1] or "")


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(render(), encoding="utf-8")
