"""Which continuous aggregates, policies and jobs are migrated, and what goes with each.

A continuous aggregate needs the one that it is built on; its policies, what reads it and what is
built on it need it.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, TypeVar

from tswizard.core.catalog.cagg_model import Cagg, CaggDependent
from tswizard.core.catalog.inventory import Inventory, Job
from tswizard.core.catalog.policy_kinds import USER_DEFINED
from tswizard.core.model.answers import Answers
from tswizard.core.model.wording import plural

_T = TypeVar("_T", str, int)


@dataclass(frozen=True, slots=True)
class ObjectSet:
    """Some objects of a source, in its order: parents and what others depend on first."""

    caggs: tuple[Cagg, ...] = ()
    dependents: tuple[CaggDependent, ...] = ()
    jobs: tuple[Job, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.caggs or self.dependents or self.jobs)

    def __sub__(self, other: "ObjectSet") -> "ObjectSet":
        caggs, dependents = ({o.label for o in own} for own in (other.caggs, other.dependents))
        jobs = {job.id for job in other.jobs}
        return ObjectSet(
            tuple(cagg for cagg in self.caggs if cagg.label not in caggs),
            tuple(d for d in self.dependents if d.label not in dependents),
            tuple(job for job in self.jobs if job.id not in jobs),
        )

    def lines(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """How many of each kind there are, in words, and their names."""
        if self.caggs:
            names = tuple(cagg.label for cagg in self.caggs)
            yield plural(len(names), "continuous aggregate"), names
        for kind in dict.fromkeys(dependent.kind for dependent in self.dependents):
            names = tuple(d.identity for d in self.dependents if d.kind == kind)
            yield plural(len(names), kind), names
        policies = [job for job in self.jobs if job.kind is not USER_DEFINED]
        if policies:
            yield plural(len(policies), "policy", "policies"), tuple(map(job_label, policies))
        own = [job for job in self.jobs if job.kind is USER_DEFINED]
        if own:
            yield plural(len(own), "user-defined job"), tuple(map(job_label, own))


def job_label(job: Job) -> str:
    """`1002 retention on public.metrics`."""
    return f"{job.id} {job.what}" + (f" on {job.target}" if job.target else "")


@dataclass(frozen=True)
class ObjectSelection:
    """What is chosen. Nothing chosen lacks what it needs."""

    inventory: Inventory
    caggs: frozenset[str]
    """`schema.name` of each continuous aggregate."""
    jobs: frozenset[int]

    @classmethod
    def of(cls, inventory: Inventory, answers: Answers) -> "ObjectSelection":
        """What the answers choose: of what they name, that whose needs they name as well."""
        by_label = {cagg.label: cagg for cagg in inventory.caggs}
        wanted = _wanted(answers.caggs, by_label)
        caggs = frozenset(
            label for label in wanted if all(p in wanted for p in _parents(label, by_label))
        )
        jobs = _wanted(answers.policies, [job.id for job in inventory.jobs])
        absent = by_label.keys() - caggs
        return cls(
            inventory,
            caggs,
            frozenset(j.id for j in inventory.jobs if j.id in jobs and j.target not in absent),
        )

    def answers(self, answers: Answers) -> Answers:
        """These answers with what is chosen here."""
        held = self.inventory
        possible = [job.id for job in held.jobs if self._has_target(job)]
        return replace(
            answers,
            caggs=_answer([cagg.label for cagg in held.caggs], self.caggs),
            policies=_answer(possible, self.jobs),
        )

    @cached_property
    def _by_label(self) -> dict[str, Cagg]:
        return {cagg.label: cagg for cagg in self.inventory.caggs}

    def _has_target(self, job: Job) -> bool:
        return job.target not in self._by_label or job.target in self.caggs

    @cached_property
    def chosen(self) -> ObjectSet:
        """All of it, with what reads the chosen continuous aggregates."""
        held = self.inventory
        return ObjectSet(
            tuple(cagg for cagg in held.caggs if cagg.label in self.caggs),
            tuple(d for d in held.cagg_dependents if self.caggs.issuperset(d.caggs)),
            tuple(job for job in held.jobs if job.id in self.jobs),
        )

    @cached_property
    def left_out(self) -> ObjectSet:
        """All the rest."""
        held = self.inventory
        return ObjectSet(held.caggs, held.cagg_dependents, held.jobs) - self.chosen

    # Ticking

    def tick_cagg(self, label: str) -> "ObjectSelection":
        """With it and those that it is built on."""
        return replace(self, caggs=self.caggs | {label, *_parents(label, self._by_label)})

    def untick_cagg(self, label: str) -> "ObjectSelection":
        """Without it, what is built on it, and policies of these."""
        gone = {
            other
            for other in self.caggs
            if other == label or label in _parents(other, self._by_label)
        }
        jobs = frozenset(job.id for job in self.inventory.jobs if job.target in gone)
        return replace(self, caggs=self.caggs - gone, jobs=self.jobs - jobs)

    def tick_job(self, job: Job) -> "ObjectSelection":
        """With it, and with the continuous aggregate that it serves."""
        ready = self
        if job.target in self._by_label:
            ready = self.tick_cagg(job.target)
        return replace(ready, jobs=ready.jobs | {job.id})

    def untick_job(self, job: Job) -> "ObjectSelection":
        return replace(self, jobs=self.jobs - {job.id})

    def all(self) -> "ObjectSelection":
        """With everything."""
        return ObjectSelection.of(self.inventory, Answers())

    def none(self) -> "ObjectSelection":
        """With nothing."""
        return replace(self, caggs=frozenset(), jobs=frozenset())


def _parents(label: str, by_label: dict[str, Cagg]) -> tuple[str, ...]:
    """Those that it is built on, the nearest first."""
    found: list[str] = []
    at = by_label.get(label)
    while at is not None and at.parent in by_label and at.parent not in found:
        found.append(at.parent)
        at = by_label[at.parent]
    return tuple(found)


def _wanted(answer: str | tuple[_T, ...], there: Iterable[_T]) -> frozenset[_T]:
    if isinstance(answer, str):
        return frozenset(there) if answer == "all" else frozenset()
    return frozenset(there).intersection(answer)


def _answer(
    there: Collection[_T], chosen: Collection[_T]
) -> tuple[_T, ...] | Literal["all", "none"]:
    named = tuple(one for one in there if one in chosen)
    if len(named) == len(there):
        return "all"
    return named or "none"


def chosen_caggs(inventory: Inventory, answers: Answers) -> tuple[Cagg, ...]:
    """Continuous aggregates that the user wants on the target, parents first."""
    return ObjectSelection.of(inventory, answers).chosen.caggs


def chosen_jobs(inventory: Inventory, answers: Answers) -> tuple[Job, ...]:
    """Jobs of the source that the user wants on the target: none of what is left out."""
    return ObjectSelection.of(inventory, answers).chosen.jobs


def left_out(inventory: Inventory, answers: Answers) -> ObjectSet:
    """What the user does not want on the target, and what goes with it."""
    return ObjectSelection.of(inventory, answers).left_out
