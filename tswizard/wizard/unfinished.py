"""Runs of this machine that can be resumed."""

from tswizard.core.run.run_folder import RunFolder
from tswizard.wizard.engine import Engine


def unfinished_runs(engine: Engine) -> list[tuple[RunFolder, bool]]:
    """Runs that can be resumed, and whether another process works on them.

    Of a demo nothing is left to resume: its servers are gone.
    """
    runs = [run_folder for run_folder in engine.runs() if run_folder.record.resumable]
    return [(run_folder, _busy(run_folder)) for run_folder in runs if not run_folder.record.demo]


def _busy(run_folder: RunFolder) -> bool:
    try:
        return run_folder.busy
    except OSError:  # a folder that may only be read: resuming will say so
        return False
