"""How many round trips does a migration wait for, and on which step?

    python -m scripts.round_trips SOURCE TARGET METHOD [--delay 0.02] [--texts 15]

Both servers are reached through a relay that counts turns of PostgreSQL's protocol and delays each
direction by so many seconds. SOURCE is copied into TARGET, which must be empty, as `tswizard
--answers` does it, and a table of the turns by step is printed: all of them, and those of the
connection that waited for most. Passwords come from where libpq finds them. Client tools count too.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.support.slow_link import slow_link
from tests.support.turns import Turn


@dataclass(slots=True)
class Step:
    """A step, or what comes before the first."""

    title: str
    began: float
    ended: float = 0.0
    turns: list[Turn] = field(default_factory=list)


async def _run(answers: Path) -> tuple[list[Step], int]:
    steps = [Step("before the first step", time.time())]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tswizard", "--answers", str(answers)),
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert process.stderr is not None
    async for line in process.stderr:
        text = line.decode().rstrip()
        if text.startswith("▸ "):
            steps[-1].ended = time.time()
            steps.append(Step(text[2:], time.time()))
        elif text.startswith(("FAIL", "LOOK")):
            sys.stderr.write(f"{text}\n")
    steps[-1].ended = time.time()
    return steps, await process.wait()


def _through(conninfo: str, port: int) -> str:
    return make_conninfo(conninfo, host="127.0.0.1", port=port)


def _address(conninfo: str) -> tuple[str, int]:
    parts = conninfo_to_dict(conninfo)
    return str(parts["host"]), int(parts.get("port") or 5432)


async def measured(
    source: str, target: str, answers: dict[str, object], delay: float
) -> tuple[list[Step], int]:
    """The steps of one migration with their turns, and the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            slow_link(*_address(source), delay=delay, rate=None) as here,
            slow_link(*_address(target), delay=delay, rate=None) as there,
        ):
            database = str(conninfo_to_dict(target)["dbname"])
            path = Path(folder) / "answers.toml"
            path.write_text(
                f"[source]\nconninfo = {json.dumps(_through(source, here.port))}\n"
                f"[target]\nconninfo = {json.dumps(_through(target, there.port))}\n"
                f"confirm = {json.dumps(database)}\n[answers]\n"
                + "".join(f"{key} = {json.dumps(value)}\n" for key, value in answers.items())
            )
            steps, code = await _run(path)
            for turn in (*here.turns.found, *there.turns.found):
                at = max((s for s in steps if s.began <= turn.at), key=lambda s: s.began)
                at.turns.append(turn)
    return steps, code


def _table(steps: Sequence[Step]) -> None:
    print(f"{'turns':>7} {'longest':>8} {'connects':>9} {'seconds':>8}  step")
    for step in steps:
        longest = Counter((t.port, t.connection) for t in step.turns).most_common(1)
        connects = sum(t.text == "connect" for t in step.turns)
        most = longest[0][1] if longest else 0
        took = step.ended - step.began
        print(f"{len(step.turns):>7} {most:>8} {connects:>9} {took:>8.1f}  {step.title}")
    turns = sum(len(step.turns) for step in steps)
    print(f"{turns:>7} {'':>8} {'':>9} {steps[-1].ended - steps[0].began:>8.1f}  in all")


def _texts(steps: Sequence[Step], number: int) -> None:
    for step in steps:
        print(f"\n{step.title}")
        for text, times in Counter(t.text[:110] for t in step.turns).most_common(number):
            print(f"{times:>7}  {text}")


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("method")
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--texts", type=int, default=0)
    given = parser.parse_args()
    answers: dict[str, object] = {"method": given.method, "probe": False}
    steps, code = asyncio.run(measured(given.source, given.target, answers, given.delay))
    _table(steps)
    if given.texts:
        _texts(steps, given.texts)
    return code


if __name__ == "__main__":
    os.environ.setdefault("PGAPPNAME", "tswizard")
    sys.exit(main())
