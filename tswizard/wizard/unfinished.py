"""Runs of this machine: those that can be resumed, and those that have ended."""

from tswizard.core.methods import method_of
from tswizard.core.run.run_folder import RunFolder
from tswizard.wizard.engine import Engine


def known_runs(engine: Engine) -> tuple[list[tuple[RunFolder, bool]], list[RunFolder]]:
    """Runs that can be resumed, with whether another process works on them; finished runs.

    Both newest first. Of a demo nothing is left to resume: its servers are gone.
    """
    runs = engine.runs()
    waiting = [run for run in runs if run.record.resumable and not run.record.demo]
    return [(run, _busy(run)) for run in waiting], [r for r in runs if not r.record.resumable]


def unfinished_runs(engine: Engine) -> list[tuple[RunFolder, bool]]:
    """The first half of `known_runs`."""
    return known_runs(engine)[0]


def left_open_lines(run_folder: RunFolder) -> tuple[str, ...]:
    """What the run has changed for a time and not put back, and how it is; nothing while a process
    carries it out."""
    record = run_folder.record
    resumable = record.resumable
    how = "resuming undoes that" if resumable else "to undo it, run"
    found = method_of(record.answers).left_open(record)
    if not found or _busy(run_folder):
        return ()
    return tuple(f"{one.what}; {how}{'' if resumable else f': {one.statement}'}" for one in found)


def _busy(run_folder: RunFolder) -> bool:
    try:
        return run_folder.busy
    except OSError:  # a folder that may only be read: resuming will say so
        return False
