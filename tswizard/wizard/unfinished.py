"""Runs of this machine: those that can be resumed, and those that have ended."""

from tswizard.core.run.run_folder import RunFolder
from tswizard.core.runs_left_open import left_open
from tswizard.wizard.engine import Engine


def known_runs(engine: Engine) -> tuple[list[tuple[RunFolder, bool]], list[RunFolder]]:
    """Runs that can be resumed, with whether another process works on them; finished runs.

    Both newest first. Of a demo nothing is left to resume: its servers are gone.
    """
    runs = engine.runs()
    waiting = [run for run in runs if run.record.resumable and not run.record.demo]
    return [(run, run.busy) for run in waiting], [run for run in runs if run.record.over]


def unfinished_runs(engine: Engine) -> list[tuple[RunFolder, bool]]:
    """The first half of `known_runs`."""
    return known_runs(engine)[0]


def left_open_lines(run_folder: RunFolder) -> tuple[str, ...]:
    """What the run has changed for a time and not put back, and how it is; nothing while a process
    carries it out."""
    over = run_folder.record.over
    how = "to undo it, run" if over else "resuming undoes that"
    return tuple(
        f"{one.what}; {how}{f': {one.statement}' if over else ''}" for one in left_open(run_folder)
    )
