"""How many round trips does a migration wait for, and on which step?

    python -m scripts.round_trips SOURCE TARGET METHOD [--delay 0.02] [--jobs 8] [--texts 15]
        [--each FILE]

Both servers are reached through a relay that counts turns of PostgreSQL's protocol and delays each
direction by so many seconds. SOURCE is copied into TARGET, which must be empty, as `tswizard
--answers` does it, and a table of the turns by step is printed: all of them, and how many were
waited for one after the other, on whatever connections. Passwords come from where libpq finds them.
Client tools count too. FILE gets each turn with its time and its connection, which shows what waits
for what.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.support.slow_link import slow_link
from tests.support.turns import Turn, in_a_row


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
    print(f"{'turns':>7} {'in a row':>9} {'connects':>9} {'seconds':>8}  step")
    for step in steps:
        connects = sum(t.text == "connect" for t in step.turns)
        took = step.ended - step.began
        row = in_a_row(step.turns)
        print(f"{len(step.turns):>7} {row:>9} {connects:>9} {took:>8.1f}  {step.title}")
    turns = [turn for step in steps for turn in step.turns]
    connects = sum(t.text == "connect" for t in turns)
    took = steps[-1].ended - steps[0].began
    print(f"{len(turns):>7} {in_a_row(turns):>9} {connects:>9} {took:>8.1f}  in all")


def _texts(steps: Sequence[Step], number: int) -> None:
    for step in steps:
        print(f"\n{step.title}")
        for text, times in Counter(t.text[:110] for t in step.turns).most_common(number):
            print(f"{times:>7}  {text}")


def _each(steps: Sequence[Step]) -> Iterator[str]:
    began = steps[0].began
    for step in steps:
        yield f"{step.began - began:8.3f} == {step.title}"
        for turn in sorted(step.turns, key=lambda t: t.at):
            where = f"{turn.port}/{turn.connection}"
            yield f"{turn.at - began:8.3f} {where:<9} {turn.text[:200]}"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("method")
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--texts", type=int, default=0)
    parser.add_argument("--each", type=Path)
    given = parser.parse_args()
    answers: dict[str, object] = {"method": given.method, "probe": False}
    if given.jobs:
        answers["jobs"] = given.jobs
    steps, code = asyncio.run(measured(given.source, given.target, answers, given.delay))
    _table(steps)
    if given.texts:
        _texts(steps, given.texts)
    if given.each:
        given.each.write_text("".join(f"{line}\n" for line in _each(steps)))
    return code


if __name__ == "__main__":
    os.environ.setdefault("PGAPPNAME", "tswizard")
    sys.exit(main())
