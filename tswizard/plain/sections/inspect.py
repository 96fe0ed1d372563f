"""Inspect: what the source holds, and what stands in the way."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.catalog.read import CannotRead
from tswizard.core.db.errors import CannotConnect
from tswizard.core.model.answers import Answers
from tswizard.core.model.finding import WORST_FIRST, Finding, Level
from tswizard.plain.prompts import Back, Option
from tswizard.plain.session import Session, declared
from tswizard.plain.walk import walk
from tswizard.wizard.inventory_rows import (
    cagg_label,
    extension_rows,
    hypertable_rows,
    job_rows,
    materializations,
    role_rows,
    summary,
    table_rows,
)
from tswizard.wizard.method_questions import todo_here
from tswizard.wizard.object_rows import cagg_trees
from tswizard.wizard.state import (
    ASKED_ON_INSPECT,
    ConnectedPair,
    Inspected,
    open_methods,
    with_jobs,
)

_HELP = (
    "PASS: verified. LOOK: read it and decide; it does not block you. FAIL: the migration would "
    "not work; do what it says, then check again. What starts with Full or Split concerns that "
    "method only. Nothing has been changed."
)
_SLOW = 2.0
"""Seconds after which somebody wants to hear what is being read."""


async def inspect(session: Session, *, from_end: bool) -> None:
    """Raises Back, Leave."""
    await Inspection(session).ask(from_end=from_end)


class Inspection:
    """Reads, checks, and then shows whatever is asked for."""

    def __init__(self, session: Session) -> None:
        self._session = session
        known = session.known
        assert known.source is not None
        assert known.target is not None
        self._pair = ConnectedPair(known.source, known.target)
        self._inventories: tuple[Inventory, Inventory] | None = None
        self._findings: tuple[Finding, ...] = ()
        self._checked_with = Answers()

    async def ask(self, *, from_end: bool) -> None:
        known = self._session.known
        if known.inspected is not None:
            inspected = known.inspected
            self._inventories = inspected.inventory, inspected.target_inventory
            self._findings, self._checked_with = inspected.findings, inspected.answers
        else:
            from_end = False
            await self._read()
        await walk((self._ask_recreate, self._show), from_end=from_end)
        self._keep()

    # Reading and checking

    async def _read(self) -> None:
        """Read both databases and check, until all can be done. Raises Back, Leave."""
        while True:
            try:
                await self._try_to_read()
            except (CannotConnect, CannotRead) as error:
                self._session.voice.say(f"FAIL: {error}")
                again = await self._session.ask.yes_no("Read again?", help=_HELP, default=True)
                if not again:
                    raise Back from None
            else:
                return

    async def _try_to_read(self) -> None:
        engine, interrupts = self._session.engine, self._session.interrupts
        source, target = self._pair.source.endpoint, self._pair.target.endpoint
        first = await interrupts.until_done(engine.read_inventory(source, self._reading("source")))
        self._session.voice.say(f"The source holds {summary(first)}.")
        second = await interrupts.until_done(engine.read_inventory(target, self._reading("target")))
        self._inventories = first, second
        await self._check()

    def _reading(self, end: str) -> Callable[[str], None]:
        """Says what is read, where it takes a while: most of it is read at once."""
        self._session.voice.say(f"Reading the {end} …")
        last = time.monotonic()

        def tell(what: str) -> None:
            nonlocal last
            if time.monotonic() - last >= _SLOW:
                last = time.monotonic()
                self._session.voice.say(f"{what} …", indent=2)

        return tell

    async def _check(self) -> None:
        assert self._inventories is not None
        self._session.voice.say("Checking …")
        methods = [method.name for method in self._session.engine.methods()]
        known = self._session.known
        self._checked_with = Answers(recreate_extension=known.answers.recreate_extension)
        self._findings = await self._session.examine(
            self._pair, self._inventories, self._checked_with, methods
        )
        self._say_result()

    def _say_result(self) -> None:
        number = dict.fromkeys(WORST_FIRST, 0)
        for finding in self._findings:
            number[finding.level] += 1
        total = ", ".join(f"{count} {level.upper()}" for level, count in number.items() if count)
        possible = self._open_methods
        if not possible:
            text = "Fix the FAIL items, then check again."
        elif len(possible) < len(self._session.engine.methods()):
            text = f"Only the {' and '.join(possible)} method is possible."
        elif number[Level.FAIL]:
            text = "The FAIL items depend on answers on Method."
        elif number[Level.LOOK]:
            text = "Review the LOOK items."
        else:
            text = "No problems found."
        self._session.voice.say(f"{total}. {text}")

    @property
    def _open_methods(self) -> list[str]:
        return [*open_methods(self._findings, self._session.engine.methods())]

    # Asking

    async def _ask_recreate(self) -> bool:
        known = self._session.known
        asked_for = any(ASKED_ON_INSPECT in f.answered_by for f in self._findings)
        if not known.answers.recreate_extension and not asked_for:
            return False
        before = known.answers.recreate_extension
        value = await self._session.ask.question(declared("answers", ASKED_ON_INSPECT), before)
        if value != before:
            known.answers = replace(known.answers, recreate_extension=value)
            await self._check()
        return True

    async def _show(self) -> bool:
        """Continue, or show what the source holds. True when the user goes on."""
        views = self._views()
        while True:
            possible = bool(self._open_methods)
            going_on = [Option("on", "continue to Method")] if possible else []
            options = [
                *going_on,
                Option("again", "read and check again"),
                *(Option(name, f"show the {name}") for name, rows in views.items() if rows),
            ]
            chosen = await self._session.ask.one_of(
                "What next", options, help=_HELP, default=options[0].value
            )
            if chosen == "on":
                return True
            if chosen == "again":
                await self._read()
                views = self._views()
                continue
            self._session.voice.say(f"The {chosen}:")
            for row in views[chosen]:
                self._session.voice.say(row, indent=2)

    def _views(self) -> dict[str, list[str]]:
        assert self._inventories is not None
        held, target = self._inventories
        return {
            "findings in full": [*_in_full(self._findings)],
            "hypertables": [*_sentences(_HYPERTABLE, hypertable_rows(held))],
            "tables": [*_sentences(_TABLE, table_rows(held))],
            "continuous aggregates": [*_caggs(held)],
            "jobs": [*_sentences(_JOB, job_rows(held))],
            "roles": [*_sentences("{0}, on the target: {1}", role_rows(held, target))],
            "extensions": [*_sentences("{0} {1}, in schema {2}", extension_rows(held))],
        }

    def _keep(self) -> None:
        assert self._inventories is not None
        known = self._session.known
        possible = open_methods(self._findings, self._session.engine.methods())
        checked_with = self._checked_with
        if checked_with.method not in possible:
            checked_with = replace(checked_with, method=possible[0])
        if known.answers.method not in possible:
            known.answers = replace(known.answers, method=possible[0])
        known.answers = with_jobs(known.answers, self._pair)
        known.inspected = Inspected(
            pair=self._pair,
            inventory=self._inventories[0],
            target_inventory=self._inventories[1],
            findings=self._findings,
            answers=checked_with,
        )


_HYPERTABLE = "{0}: {1}, {2} of its {3} chunks compressed, about {4} rows, by {5}"
_TABLE = "{0}: {1}, {2}, about {3} rows, owner {4}"
_JOB = "{0} {1} on {2}, every {3}, {4}"


def _sentences(form: str, rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for row in rows:
        yield form.format(*row)


def _caggs(inventory: Inventory) -> Iterator[str]:
    stored = materializations(inventory)
    for hypertable, under in cagg_trees(inventory.caggs).items():
        for cagg, _ in under:
            yield f"{cagg_label(cagg, stored.get(cagg.label))}, on {cagg.parent or hypertable}"


def _in_full(findings: tuple[Finding, ...]) -> Iterator[str]:
    """The gravest first, with every detail."""
    for finding in sorted(findings, key=lambda f: WORST_FIRST.index(f.level)):
        where = f" ({finding.where})" if finding.where else ""
        yield f"{finding.level.upper()}: {finding.sentence}{where}"
        yield from (f"  {text}" for text in (finding.why, todo_here(finding)) if text)
        yield from (f"    - {detail}" for detail in finding.details)
