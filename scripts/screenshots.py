"""The pictures of the docs: `python -m scripts.screenshots [NAME …]` makes docs/screenshots."""

import asyncio
import os
import re
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.pilot import Pilot

FOLDER = Path(__file__).parents[1] / "docs" / "screenshots"
PICTURES = (
    "welcome",
    "source-connected",
    "inspect",
    "inspect-hypertables",
    "method",
    "method-split",
    "objects",
    "review",
    "run",
    "run-split",
    "check",
    "resume-asks",
)


def path_of(name: str) -> Path:
    return FOLDER / f"{name}.svg"


def drawn(pilot: "Pilot[int]", name: str) -> str:
    """What is on the screen, as SVG."""
    svg = pilot.app.export_screenshot(title=f"tswizard: {name}")
    # No fonts from elsewhere; a name of its own, the same whenever the picture is made.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    return re.sub(r"terminal-\d+", f"tswizard-{name}", svg)


async def main(names: Iterable[str]) -> None:
    from tests.support.wizard_pilot import LARGE, at_rest
    from tests.support.wizard_scenes import SCENES

    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names:
        scene = SCENES[name]
        async with scene.app().run_test(size=LARGE) as pilot:
            await scene.drive(pilot)
            await at_rest(pilot)
            path_of(name).write_text(drawn(pilot, name), encoding="utf-8")
        print(f"{name}.svg")


if __name__ == "__main__":
    # As tests/tui/conftest.py has it.
    os.environ |= {
        "TEXTUAL_ANIMATIONS": "none",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "TZ": "UTC",
    }
    for variable in ("NO_COLOR", "COLORFGBG", "TEXTUAL_THEME"):
        os.environ.pop(variable, None)
    time.tzset()
    asyncio.run(main(sys.argv[1:] or PICTURES))
