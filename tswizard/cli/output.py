"""Lines for a person; stdout is left to what was asked for, such as --json."""

import sys

from tswizard.core.model.finding import Finding, Level


def say(text: str) -> None:
    """One line."""
    print(text, file=sys.stderr, flush=True)


def say_finding(finding: Finding) -> None:
    """A finding; of one that needs a look, also why, what to do and some details."""
    grave = finding.level in (Level.FAIL, Level.LOOK)
    where = f" ({finding.where})" if grave and finding.where not in finding.what else ""
    say(f"{finding.level.upper():<5} {finding.what}{where}")
    if grave:
        for text in filter(None, (finding.why, finding.todo)):
            say(f"      {text}")
        for detail in finding.details[:5]:
            say(f"      - {detail}")
