"""An error of ours that ends the screens: one sentence in the terminal, the traceback in a file."""

import os
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from textual.app import App
from textual.widgets import Input
from textual.worker import WorkerFailed

from tswizard.exit_codes import Exit


class CrashReporting(App[int]):
    """Textual prints the values of all local variables, and drivers' frames hold passwords: here
    none are printed, and what is written has no known password."""

    _last_words = ""

    def _fatal_error(self) -> None:
        self._return_code = Exit.STOPPED
        if not self._last_words:  # what follows from the first error is no news
            error = self._exception or RuntimeError("unknown")
            self._last_words = _report(error, tuple(self._secrets()))
        self._close_messages_no_wait()

    def _print_error_renderables(self) -> None:
        if self._last_words:
            with suppress(OSError):
                print(self._last_words, file=sys.stderr)
        super()._print_error_renderables()

    def known_passwords(self) -> Iterable[str | None]:
        """Of endpoints that the application holds."""
        return ()

    def _secrets(self) -> Iterator[str]:
        yield from filter(None, self.known_passwords())
        for screen in self.screen_stack:
            for field in screen.query(Input):
                if field.password and field.value:
                    yield field.value


def _report(error: BaseException, secrets: tuple[str, ...]) -> str:
    """Write the traceback to a file of the state directory; the sentence that says so."""
    from tswizard.core.db.endpoint import Endpoint
    from tswizard.core.db.redact import redact

    while isinstance(error, WorkerFailed):
        error = error.error
    text = "".join(traceback.format_exception(error))
    text = redact(text, [Endpoint((), secret) for secret in secrets])
    what = "tswizard has ended because of an error of its own"
    try:
        path = _write(text)
    except OSError as failed:
        why = f"{type(error).__name__}; no report of it could be written: {failed.strerror}"
        return f"{what}: {why}."
    return f"{what}. Please report it with this file, after a look into it: {path}"


def _write(text: str) -> Path:
    """Raises OSError."""
    from tswizard.core.run.run_folder import runs_folder

    folder = runs_folder().parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"error-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8", errors="replace") as file:
        file.write(text)
    return path
