"""What a check is: a function, and everything that the program has to know of its findings.

A new check is in `checks/`, in the file of its subject, and is described in docs/preflight.md.
Nothing else names a finding's id.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.model.answers import METHOD_NAMES, MethodName
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.prepared import Prepared

FULL_ONLY: tuple[MethodName, ...] = ("full",)
SPLIT_ONLY: tuple[MethodName, ...] = ("split",)


class Side(StrEnum):
    """A database that a trial asks."""

    SOURCE = "source"
    TARGET = "target"


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What holds for every finding of a check."""

    gives: tuple[str, ...]
    """Ids of the findings that it may give."""
    methods: tuple[MethodName, ...] = METHOD_NAMES
    """The methods that it concerns. A check does not ask which method was chosen: what differs
    between methods is two checks."""
    answered_by: tuple[str, ...] = ()
    """Keys of the questions of which another answer can settle it."""
    settled_by_check: bool = False
    """The check at the end of the run looks at the very thing, so that a warning of this one does
    not stand after it."""
    blocks_trials: tuple[Side, ...] = ()
    """Where nothing is tried after this one failed."""
    conclusive: bool = False
    """Once it failed there is nothing else to say."""

    def declare(self, finding: Finding) -> Finding:
        """The finding with what is declared here."""
        methods = () if self.methods == METHOD_NAMES else self.methods
        if finding.level is Level.PASS:
            return replace(finding, methods=methods)
        return replace(
            finding,
            methods=methods,
            answered_by=self.answered_by,
            settled_by_check=self.settled_by_check,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCheck(Declared):
    """Looks at the source alone, so that `tswizard inspect` can say it too."""

    run: Callable[[Inventory, str], Iterator[Finding]]
    """From the source and the name that findings give it; asks no server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Declared):
    """Looks at both inventories, the answers and this machine."""

    run: Callable[[Prepared], Iterator[Finding]]
    """Asks no server; runs in a thread, for a disk may be slow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial(Declared):
    """Asks a server: what only trying can tell, all of it rolled back."""

    side: Side
    run: Callable[[Prepared], AsyncIterator[Finding]]
    """May raise CannotConnect and psycopg.Error."""


AnyCheck = SourceCheck | Check | Trial
