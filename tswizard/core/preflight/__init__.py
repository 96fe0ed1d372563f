"""Findings before anything is changed: what, where, why, what to do."""

from tswizard.core.preflight.run_checks import examine, findings_of_source

__all__ = ["examine", "findings_of_source"]
