"""Probes of this machine, one for each pair of databases, for when the wizard is started again."""

import hashlib
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from tswizard.core.db.atomic_write import write_atomically
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.probed import Probe
from tswizard.core.run.run_folder import runs_folder

_PROBE = TypeAdapter(Probe)


def saved_probe(source: Endpoint, target: Endpoint) -> Probe | None:
    """The last probe of this pair; None when there is none that this version can read."""
    try:
        return _PROBE.validate_json(_path(source, target).read_bytes())
    except (OSError, ValidationError):
        return None


def save_probe(probe: Probe, source: Endpoint, target: Endpoint) -> None:
    """In place of the one before. A full disk keeps nobody from migrating."""
    path = _path(source, target)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomically(path, _PROBE.dump_json(probe, indent=1))
    except OSError:
        return


def _path(source: Endpoint, target: Endpoint) -> Path:
    """Named after where the databases are, which is in no way a secret."""
    pair = "\n".join(
        f"{end.host} {end.get('port', '5432')} {end.get('dbname')} {end.get('service')}"
        for end in (source, target)
    )
    name = hashlib.sha256(pair.encode()).hexdigest()[:24]
    return runs_folder().parent / "probes" / f"{name}.json"
