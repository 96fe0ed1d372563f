"""Objects: which continuous aggregates, policies and jobs are migrated."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tswizard.core.catalog.cagg_model import Cagg
from tswizard.core.catalog.inventory import Job
from tswizard.core.model.kept_history import with_loss_accepted
from tswizard.core.model.object_selection import ObjectSelection, ObjectSet
from tswizard.core.model.wording import number, plural
from tswizard.plain.prompts import Back, Entry, Option, Show
from tswizard.plain.session import Session, declared
from tswizard.plain.walk import walk
from tswizard.wizard.history import History
from tswizard.wizard.object_facts import cagg_facts, in_short, job_facts
from tswizard.wizard.object_rows import ObjectRow, object_rows

_CHOOSE = "choose"
_MANY = 40
"""Policies and jobs beyond which those of one table are shown at a time."""


async def objects(session: Session, *, from_end: bool) -> None:
    """Raises Back, Leave. Asks nothing where there is nothing to choose."""
    section = _ObjectsSection(session)
    await walk((section.ask_caggs, section.ask_history, section.ask_jobs), from_end=from_end)


class _ObjectsSection:
    def __init__(self, session: Session) -> None:
        self._session = session
        assert session.known.inspected is not None
        self._inventory = session.known.inspected.inventory
        self._caggs = {cagg.label: cagg for cagg in self._inventory.caggs}
        self._jobs = {str(job.id): job for job in self._inventory.jobs}
        self._undo: tuple[frozenset[str], ObjectSelection] | None = None
        """What was ticked or unticked last, and what was chosen before."""

    @property
    def _selection(self) -> ObjectSelection:
        return ObjectSelection.of(self._inventory, self._session.known.answers)

    def _take(self, selection: ObjectSelection) -> None:
        known = self._session.known
        known.answers = selection.answers(known.answers)

    @property
    def _history(self) -> History:
        return History(self._inventory, self._session.known.answers)

    @property
    def _asks_history(self) -> bool:
        """Does the method ask whether history is kept?"""
        chosen = self._session.known.answers.method
        return any("history" in m.asks for m in self._session.engine.methods() if m.name == chosen)

    @property
    def _fate(self) -> str:
        if self._asks_history:
            return "What you leave out is not created on the target."
        return "What you leave out is dropped on the target after the restore, before the check."

    # The questions

    async def ask_caggs(self) -> bool:
        if not self._caggs:
            return False
        self._session.voice.say(
            f"The source has {plural(len(self._caggs), 'continuous aggregate')}. {self._fate}"
        )
        await self._all_none_or_some("caggs")
        return True

    async def ask_jobs(self) -> bool:
        if not self._jobs:
            return False
        jobs = plural(len(self._jobs), "policy or job", "policies and jobs")
        self._session.voice.say(f"The source has {jobs}. {self._fate}")
        await self._all_none_or_some("policies")
        return True

    async def ask_history(self) -> bool:
        chosen = self._selection.chosen.caggs
        if not self._asks_history or not chosen:
            return False
        asked = declared("answers", "history")
        self._session.ask.asked.append(asked.name)
        options = [
            *(Option(choice.value, choice.text) for choice in asked.choices),
            Option(_CHOOSE, "choose those that are recomputed"),
        ]
        now = self._session.known.answers.history
        while True:
            default = now if isinstance(now, str) else _CHOOSE
            value = await self._session.ask.one_of(
                asked.text, options, help=asked.help, default=default
            )
            try:
                recomputed = await self._recomputed(value, chosen)
            except Back as back:
                if back.to:
                    raise
                continue
            if await self._lose(recomputed):
                self._keep_history(recomputed)
                return True

    # All, none, or one by one

    async def _all_none_or_some(self, key: str) -> None:
        asked = declared("answers", key)
        self._session.ask.asked.append(asked.name)
        options = [
            *(Option(choice.value, choice.text) for choice in asked.choices),
            Option(_CHOOSE, "choose one by one"),
        ]
        while True:
            value = await self._session.ask.one_of(
                asked.text, options, help=asked.help, default=self._answer_of(key)
            )
            if value != _CHOOSE:
                self._answer(key, value)
                return
            try:
                await self._choose(key)
            except Back as back:
                if back.to:
                    raise
            else:
                return

    def _answer_of(self, key: str) -> str:
        answer = getattr(self._session.known.answers, key)
        return answer if isinstance(answer, str) else _CHOOSE

    def _answer(self, key: str, value: str) -> None:
        """All or none of them. Policies of what is left out stay so."""
        known, before = self._session.known, self._selection
        answer: dict[str, Any] = {key: value}
        known.answers = replace(known.answers, **answer)
        self._take(self._selection)
        own = self._caggs if key == "caggs" else self._jobs
        self._say_what_follows(before, frozenset(own))

    async def _choose(self, key: str) -> None:
        groups = self._groups(key)
        if len(groups) == 1 or sum(len(rows) for rows in groups.values()) <= _MANY:
            await self._tick(key, "")
            return
        while True:
            done = Option("", "continue")
            options = [done, *(Option(g, _counted(g, rows)) for g, rows in groups.items())]
            group = await self._session.ask.one_of(
                "Which to open", options, help=declared("answers", key).help
            )
            if not group:
                return
            try:
                await self._tick(key, group)
            except Back as back:
                if back.to:
                    raise
            groups = self._groups(key)

    async def _tick(self, key: str, group: str) -> None:
        """A list to tick, shown again with what each change brought along, until it is kept."""
        asked = declared("answers", key)
        while True:
            groups = self._groups(key)
            shown = {g: rows for g, rows in groups.items() if not group or g == group}
            entries = [
                entry
                for heading, rows in shown.items()
                for entry in (Entry(text=heading), *map(_entry, rows))
            ]
            before = frozenset(entry.value for entry in entries if entry.ticked)
            try:
                after = await self._session.ask.ticks(
                    asked.text, entries, help=f"{self._fate} {asked.help}"
                )
            except Show as show:
                self._show(show.value)
                continue
            if after == before:
                return
            self._change(before, after)

    def _groups(self, key: str) -> dict[str, list[ObjectRow]]:
        """Lines under their headings."""
        found: dict[str, list[ObjectRow]] = {}
        heading = ""
        own = self._caggs if key == "caggs" else self._jobs
        for row in object_rows(self._selection, "", self._state_of):
            if not row.id:
                heading = row.text
            elif row.id in own:
                found.setdefault(heading, []).append(row)
        return found

    def _state_of(self, cagg: Cagg) -> str:
        parts = [f"on {cagg.parent}"] if cagg.parent else []
        if self._asks_history and self._history.recomputed_by(cagg):
            parts.append("recomputed")
        elif cagg.state is not None and cagg.state.history:
            parts.append("has history")
        return ", ".join(parts)

    def _change(self, before: frozenset[str], after: frozenset[str]) -> None:
        """Take a change over; reversing the one before undoes all that it had brought along."""
        named = before ^ after
        old = selection = self._selection
        if self._undo is not None and self._undo[0] == named:
            selection, before, after = self._undo[1], frozenset(), frozenset()
        self._undo = (named, old)
        for id in before - after:
            if id in self._caggs:
                selection = selection.untick_cagg(id)
            else:
                selection = selection.untick_job(self._jobs[id])
        for id in after - before:
            if id in self._caggs:
                selection = selection.tick_cagg(id)
            else:
                selection = selection.tick_job(self._jobs[id])
        self._take(selection)
        self._say_what_follows(old, named)

    def _say_what_follows(self, before: ObjectSelection, named: frozenset[str]) -> None:
        """What went or came along with those that were named."""
        now = self._selection
        for verb, objects in (
            ("Left out with it", now.left_out - before.left_out),
            ("Ticked with it", before.left_out - now.left_out),
        ):
            along = _without(objects, named)
            if along:
                self._session.voice.say(f"{verb}: {in_short(along)}.")
        chosen = self._selection.chosen
        self._session.voice.say(
            f"Now {number(len(chosen.caggs))} of "
            f"{plural(len(self._caggs), 'continuous aggregate')} and {number(len(chosen.jobs))} of "
            f"{plural(len(self._jobs), 'policy or job', 'policies and jobs')} are migrated."
        )

    def _show(self, value: str) -> None:
        """Everything about one entry, with its SQL."""
        what: Cagg | Job = self._caggs.get(value) or self._jobs[value]
        voice = self._session.voice
        voice.say(f"{value}:")
        voice.facts(self._facts(what), indent=2)
        voice.copyable(self._session.engine.object_sql(self._inventory, what), indent=2)

    def _facts(self, what: Cagg | Job) -> Iterator[tuple[str, str]]:
        if isinstance(what, Job):
            yield from job_facts(what)
            return
        with_it = self._selection.all().untick_cagg(what.label).left_out - ObjectSet((what,))
        yield from cagg_facts(what, self._inventory, with_it)

    # History

    async def _recomputed(self, value: str, chosen: tuple[Cagg, ...]) -> frozenset[str]:
        labels = frozenset(cagg.label for cagg in chosen)
        if value != _CHOOSE:
            return labels if value == "recompute" else frozenset()
        history = self._history
        ticked = frozenset(c.label for c in chosen if history.recomputed_by(c) == c.label)
        while True:
            entries = [Entry(value=c.label, text=c.label, ticked=c.label in ticked) for c in chosen]
            try:
                after = await self._session.ask.ticks(
                    "Ticked are those that are recomputed",
                    entries,
                    help=declared("answers", "history").help,
                )
            except Show as show:
                self._show(show.value)
                continue
            if after == ticked:
                return ticked
            ticked = after

    async def _lose(self, recomputed: frozenset[str]) -> bool:
        """True when nothing would be lost by it, or the user wants it all the same."""
        loss = self._history.loss(recomputed, self._selection.chosen.caggs)
        if not loss:
            return True
        self._session.voice.say(
            "Recomputed from the raw rows, these would lose for good on the target (the source "
            "keeps it):"
        )
        for line in loss:
            self._session.voice.say(line, indent=2)
        asked = declared("answers", "lose_history")
        self._session.ask.asked.append(asked.name)
        return await self._session.ask.yes_no(
            "Recompute them all the same?", help=asked.help, default=False
        )

    def _keep_history(self, recomputed: frozenset[str]) -> None:
        known = self._session.known
        if not recomputed:
            known.answers = replace(known.answers, history="keep")
        elif recomputed >= self._caggs.keys():
            known.answers = replace(known.answers, history="recompute")
        else:
            named = tuple(label for label in self._caggs if label in recomputed)
            known.answers = replace(known.answers, history=named)
        known.answers = with_loss_accepted(self._inventory, known.answers)


def _entry(row: ObjectRow) -> Entry:
    text = f"{row.text}, {row.right}" if row.right else row.text
    return Entry(value=row.id, text=text, ticked=row.ticked, depth=row.depth)


def _counted(heading: str, rows: list[ObjectRow]) -> str:
    ticked = sum(row.ticked for row in rows)
    return f"{heading}: {ticked} of {len(rows)} ticked"


def _without(objects: ObjectSet, named: frozenset[str]) -> ObjectSet:
    """What went or came along, without what was named itself."""
    return ObjectSet(
        tuple(cagg for cagg in objects.caggs if cagg.label not in named),
        objects.dependents,
        tuple(job for job in objects.jobs if str(job.id) not in named),
    )
