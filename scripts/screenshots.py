"""Makes docs/screenshots: `python -m scripts.screenshots`."""

import asyncio
import os
import re
import time
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "docs" / "screenshots"
PICTURES = (
    "welcome",
    "source-connected",
    "inspect",
    "inspect-hypertables",
    "method",
    "objects",
    "review",
    "run",
    "run-split",
    "method-split",
    "review-split",
    "check",
    "resume-asks",
)


async def main() -> None:
    from tests.tui.scenes import LARGE, SCENES

    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in PICTURES:
        scene = SCENES[name]
        app = scene.app()
        async with app.run_test(size=LARGE) as pilot:
            await scene.drive(pilot)
            svg = app.export_screenshot(title=f"tswizard: {name}")
        # No fonts from elsewhere; a name of its own, the same whenever the picture is made.
        svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
        svg = re.sub(r"terminal-\d+", f"tswizard-{name}", svg)
        (FOLDER / f"{name}.svg").write_text(svg, encoding="utf-8")
        print(f"{name}.svg")


if __name__ == "__main__":
    os.environ |= {"TEXTUAL_ANIMATIONS": "none", "TZ": "UTC"}
    os.environ.pop("NO_COLOR", None)
    time.tzset()
    asyncio.run(main())
