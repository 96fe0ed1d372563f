"""What the docs say of commands, answers and exit codes is what the program has."""

import re
import tomllib
from dataclasses import asdict
from pathlib import Path

from scripts import man_page
from tswizard.cli.main import cli
from tswizard.core.model.answers import Answers
from tswizard.exit_codes import Exit

COMMANDS = (Path(__file__).parents[1] / "docs" / "commands.md").read_text(encoding="utf-8")


def test_the_answers_file_is_shown_with_every_key_and_its_default() -> None:
    shown = re.search(r"```toml\n(.*?)```", COMMANDS, re.DOTALL)
    assert shown
    assert tomllib.loads(shown[1])["answers"] == asdict(Answers())


def test_every_command_and_its_options_are_shown() -> None:
    for name, command in cli.commands.items():
        assert f"\ntswizard {name}" in COMMANDS
        for option in (o for o in command.params if o.opts[0].startswith("--")):
            assert option.opts[0] in COMMANDS, f"{name} {option.opts[0]}"


def test_every_exit_code_is_shown() -> None:
    assert [int(code) for code in re.findall(r"^\| (\d) \|", COMMANDS, re.MULTILINE)] == list(Exit)


def test_the_man_page_is_up_to_date() -> None:
    assert man_page.PAGE.read_text(encoding="utf-8") == man_page.render(), (
        "run: python -m scripts.man_page"
    )
