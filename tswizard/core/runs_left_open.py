"""What runs of this machine have left open on their ends."""

from tswizard.core.methods import method_of
from tswizard.core.model.left_open import LeftOpen
from tswizard.core.run.run_folder import RunFolder, all_runs


def left_open(run_folder: RunFolder) -> tuple[LeftOpen, ...]:
    """What this run has left open; nothing while a process carries it out."""
    record = run_folder.record
    found = method_of(record.answers).left_open(record)
    return () if not found or run_folder.busy else found


def left_open_between(source: str, target: str) -> tuple[LeftOpen, ...]:
    """What runs have left open on one of these ends, by their labels. Reads files."""
    return tuple(
        found
        for run_folder in all_runs()
        for found in left_open(run_folder)
        if source == found.source or target == found.target
    )
