"""What the wizard knows after each screen. Going back means dropping the later ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tswizard.core.catalog.inventory import Inventory, Server
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.answers import Answers, MethodName
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.parallel_jobs import jobs_by_distance
from tswizard.core.model.recommendation import Advice

if TYPE_CHECKING:
    from tswizard.core.run.method import Method


@dataclass(frozen=True, slots=True)
class ConnectedDatabase:
    """One database that was reached, and what it said."""

    endpoint: Endpoint
    server: Server


@dataclass(frozen=True, slots=True)
class ConnectedPair:
    """Both databases, after Target."""

    source: ConnectedDatabase
    target: ConnectedDatabase

    @property
    def objection(self) -> str:
        """One sentence why these two will not do; empty when they do."""
        place = ("host", "hostaddr", "port", "dbname")
        if all(self.source.endpoint.get(p) == self.target.endpoint.get(p) for p in place):
            return "This is the source itself. Enter the new, empty service on Timescale Cloud."
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """After Inspect: what the source holds and what the checks said."""

    pair: ConnectedPair
    inventory: Inventory
    """The source."""
    target_inventory: Inventory
    findings: tuple[Finding, ...]
    """Of the checks for every method."""
    answers: Answers
    """Those that the checks were made with; the method is only the first that they allow."""

    @property
    def recreate_extension(self) -> bool:
        """The user took the offer to recreate TimescaleDB on the target."""
        return self.answers.recreate_extension

    def decided(self, answers: Answers, advice: Advice | None = None) -> "Decided":
        """With these answers, and what was found for their method so far."""
        found = tuple(finding for finding in self.findings if finding.concerns(answers.method))
        return Decided(self, answers, found, advice)


@dataclass(frozen=True, slots=True)
class Decided:
    """After Method: everything that a run needs."""

    inspected: Inspected
    answers: Answers
    findings: tuple[Finding, ...]
    """Those that concern its method."""
    advice: Advice | None = None
    """What was timed, estimated and recommended; the run keeps it for its report."""

    @property
    def examined(self) -> bool:
        """Were the checks made with these answers? They were made for every method."""
        examined = {key: getattr(self.answers, key) for key in _NOT_EXAMINED}
        return replace(self.inspected.answers, **examined) == self.answers


_NOT_EXAMINED = ("method", "time_limit", "probe", "probe_upload", "jobs")
"""Keys of answers that no check depends on."""

ASKED_ON_INSPECT = "recreate_extension"
"""Key of the question that Inspect asks, beside the findings that it settles; Method asks all
others."""


def with_jobs(answers: Answers, pair: ConnectedPair) -> Answers:
    """With as many jobs as their distance asks for, as long as the user has said nothing else."""
    by_distance = jobs_by_distance(pair.source.server, pair.target.server)
    return replace(answers, jobs=answers.jobs or by_distance)


def open_methods(findings: tuple[Finding, ...], methods: "Sequence[Method]") -> "list[MethodName]":
    """Those that no check forbids, as far as Method cannot settle it."""
    return [method.name for method in methods if not refused(findings, method.name)]


def refused(findings: tuple[Finding, ...], method: MethodName) -> bool:
    """Do the checks forbid this method, with whatever answers to Method's questions?"""
    return any(
        not set(finding.answered_by) - {ASKED_ON_INSPECT}
        for finding in findings
        if finding.level is Level.FAIL and finding.concerns(method)
    )
