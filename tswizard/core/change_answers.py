"""What a user may change about a run that was stopped: how many jobs, and where files go."""

from dataclasses import replace

from tswizard.core.db.endpoint import Endpoint
from tswizard.core.methods import method_of
from tswizard.core.run.run_folder import RunFolder, RunFolderError


async def change_answers(
    run_folder: RunFolder, target: Endpoint, *, jobs: int | None = None, staging: str | None = None
) -> tuple[str, ...]:
    """Replace these answers of a run before it is resumed, in its folder and wherever else its
    record is; what became of files, in sentences. None leaves an answer as it is, and an empty
    `staging` is the run's own folder.

    Raises RunFolderError when the run is over, busy, or cannot continue with them, CannotConnect.
    """
    method, record = method_of(run_folder.record.answers), run_folder.record
    if not record.resumable:
        raise RunFolderError(
            f"{record.id} has finished ({record.state}); there is nothing to resume."
        )
    if run_folder.busy:
        raise RunFolderError(f"{record.id} is in use by another tswizard process.")
    await method.adopt(run_folder, target)
    before = run_folder.record.answers
    answers = replace(
        before,
        jobs=before.jobs if jobs is None else jobs,
        staging=before.staging if staging is None else staging,
    )
    return await method.change_answers(run_folder, target, answers)
