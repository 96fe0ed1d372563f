"""The application as its screens and dialogs see it: they do not import it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from tswizard.core.db.endpoint import Endpoint
    from tswizard.core.model.outcome import Outcome
    from tswizard.core.run.run_folder import RunFolder
    from tswizard.wizard.engine import EndpointPair, Engine, Running
    from tswizard.wizard.state import ConnectedDatabase, ConnectedPair, Decided, Inspected


class App(Protocol):
    """`tswizard.tui.app.WizardApp`, without its parts."""

    given_source: "Endpoint | None"
    given_target: "Endpoint | None"
    """Endpoints that were given and need not be typed."""

    @property
    def engine(self) -> "Engine": ...

    @property
    def demo(self) -> bool: ...

    @property
    def now(self) -> Callable[[], float]:
        """The clock: seconds since the epoch."""
        ...

    @property
    def exit_code(self) -> int:
        """What the run came to; stopped when it came to nothing."""
        ...

    @property
    def resume_hint(self) -> str:
        """How a run that was stopped is resumed when this program has ended."""
        ...

    @property
    def silent_after(self) -> float:
        """Seconds without any answer of a server after which a screen says so."""
        ...

    async def action_ask_quit(self) -> None: ...

    def copy(self, text: str, what: str) -> None:
        """To the clipboard; `what` is named in the notification."""
        ...

    def tell_terminal(self, sequence: str) -> None:
        """Send the terminal a control sequence, in order with what is drawn."""
        ...

    def take_theme(self, name: str) -> None:
        """One of `themes.NAMES`."""
        ...

    def page(self, path: "Path") -> bool:
        """Show a file in the user's pager; False where there is none. Everything else stands
        still meanwhile."""
        ...

    def leave_for_demo(self) -> None: ...

    def show_source(self) -> None: ...

    def show_target(self, source: "ConnectedDatabase") -> None: ...

    def show_inspect(self, pair: "ConnectedPair") -> None: ...

    def show_method(self, inspected: "Inspected") -> None: ...

    def show_objects(self, decided: "Decided") -> None:
        """Objects, or Review where the source has none to choose from."""
        ...

    def show_review(self, decided: "Decided") -> None: ...

    def show_resume(
        self, run_folder: "RunFolder", endpoints: "EndpointPair | None" = None
    ) -> None: ...

    def show_run(self, run: "Running", endpoints: "EndpointPair") -> None: ...

    def show_check(self, outcome: "Outcome", report: str) -> None: ...

    async def check_again(self) -> None:
        """Check the run that has ended here again, on a Run screen of its own.

        Raises CannotConnect, RunFolderError.
        """
        ...
