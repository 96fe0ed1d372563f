"""What the wizard knows after each screen. Going back means dropping the later ones."""

from dataclasses import dataclass

from tswizard.core.catalog.inventory import Inventory, Server
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.answers import Answers
from tswizard.core.model.finding import Finding, Level


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


@dataclass(frozen=True, slots=True)
class Inspected:
    """After Inspect: what the source holds and what the checks said."""

    pair: ConnectedPair
    inventory: Inventory
    """The source."""
    target_inventory: Inventory
    findings: tuple[Finding, ...]
    answers: Answers
    """Those that the checks were made with."""

    @property
    def recreate_extension(self) -> bool:
        """The user took the offer to recreate TimescaleDB on the target."""
        return self.answers.recreate_extension


@dataclass(frozen=True, slots=True)
class Decided:
    """After Method: everything that a run needs."""

    inspected: Inspected
    answers: Answers
    findings: tuple[Finding, ...]
    """Of the checks made with these answers."""


ASKED_ON_INSPECT = "recreate_extension"
"""Key of the question that Inspect asks, beside the findings that it settles; Method asks all
others."""


def refused(findings: tuple[Finding, ...], *, final: bool) -> bool:
    """Do the checks forbid to continue? `final` when no answer is left to give."""
    failed = [finding for finding in findings if finding.level is Level.FAIL]
    return any(final or not set(finding.answered_by) - {ASKED_ON_INSPECT} for finding in failed)
