"""The addresses that a run's record has."""

from tswizard.core.db.endpoint import BadEndpoint, Endpoint
from tswizard.core.run.run_folder import RunFolder, RunFolderError


def recorded_source(run_folder: RunFolder) -> Endpoint:
    """Raises RunFolderError."""
    return _read(run_folder, "source", run_folder.record.source)


def recorded_ends(run_folder: RunFolder) -> tuple[Endpoint, Endpoint]:
    """Source and target. Raises RunFolderError."""
    target = _read(run_folder, "target", run_folder.record.target)
    return recorded_source(run_folder), target


def _read(run_folder: RunFolder, end: str, conninfo: str) -> Endpoint:
    try:
        return Endpoint.parse(conninfo)
    except BadEndpoint as error:
        path = run_folder.path / "run.json"
        raise RunFolderError(f"The {end} in {path} cannot be used. {error}") from None
