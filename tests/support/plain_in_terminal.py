"""The wizard line by line in a real terminal, on a recorded engine.

Its argument is `passed`, or `held`: a run that holds in a step until it is told to stop. At its end
it prints what was asked of the run.
"""

import asyncio
import sys

from tests.support.recorded_engine import RecordedEngine
from tests.support.wizard_scenes import held_run, passed_run
from tests.support.wizard_world import SOURCE, TARGET
from tswizard.plain.terminal import why_plain
from tswizard.plain.wizard import wizard

_ENGINES = {"passed": passed_run, "held": held_run}


async def main(situation: str) -> int:
    engine: RecordedEngine = _ENGINES[situation]()
    code = await wizard(engine=engine, source=SOURCE, target=TARGET, why=why_plain())
    if engine.run is not None:
        print(f"asked of the run: {', '.join(engine.run.asked) or 'nothing'}")
    return code


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
