"""What all sections of the wizard share: how to speak and to ask, and what is known so far."""

import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from tswizard.core.model.answers import Answers
from tswizard.plain.asker import Asker
from tswizard.plain.interrupts import Interrupts
from tswizard.plain.voice import Voice
from tswizard.questions import Question, question

if TYPE_CHECKING:
    from tswizard.core.catalog.inventory import Inventory
    from tswizard.core.db.endpoint import Endpoint
    from tswizard.core.model.answers import MethodName
    from tswizard.core.model.finding import Finding
    from tswizard.core.model.probed import Probe
    from tswizard.core.model.recommendation import Advice
    from tswizard.wizard.engine import Engine
    from tswizard.wizard.state import ConnectedDatabase, ConnectedPair, Inspected


@dataclass(kw_only=True)
class Known:
    """What was given and answered so far. Going back keeps it, as what is in brackets."""

    source_endpoint: "Endpoint | None" = None
    target_endpoint: "Endpoint | None" = None
    source: "ConnectedDatabase | None" = None
    target: "ConnectedDatabase | None" = None
    inspected: "Inspected | None" = None
    answers: Answers = field(default_factory=Answers)
    probe: "Probe | None" = None
    advice: "Advice | None" = None
    """What the last estimates and the recommendation were."""
    method_chosen: bool = False
    """By the user: until then it is the one that is recommended."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """One call of the wizard."""

    engine: "Engine"
    voice: Voice
    ask: Asker
    interrupts: Interrupts
    known: Known
    demo: bool = False
    watched: Callable[[], bool] = sys.stdin.isatty
    """Is the terminal still there?"""

    async def examine(
        self,
        pair: "ConnectedPair",
        inventories: "tuple[Inventory, Inventory]",
        answers: Answers,
        methods: "list[MethodName] | None" = None,
    ) -> "tuple[Finding, ...]":
        """Preflight's findings, each said as soon as it is there. Raises CannotConnect, Quit."""

        async def all_findings() -> "tuple[Finding, ...]":
            found = []
            checks = self.engine.examine(pair, *inventories, answers, methods)
            async with aclosing(cast("AsyncGenerator[Finding]", checks)) as findings:
                async for finding in findings:
                    found.append(finding)
                    self.voice.finding(finding)
            return tuple(found)

        return await self.interrupts.until_done(all_findings())


def declared(section: str, key: str) -> Question:
    """The question of that name, which is declared."""
    found = question(section, key)
    assert found is not None
    return found
