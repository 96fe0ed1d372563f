"""A plan as a runbook: Markdown to read and a script to run, both without this program."""

from tswizard.core.runbook.write import WrittenRunbook, write_runbook

__all__ = ["WrittenRunbook", "write_runbook"]
