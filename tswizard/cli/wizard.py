"""The wizard in this terminal: on screens, or line by line where those cannot be shown."""

from typing import TYPE_CHECKING

from tswizard.plain.terminal import why_plain

if TYPE_CHECKING:
    from tswizard.core.db.endpoint import Endpoint
    from tswizard.core.run.run_folder import RunFolder
    from tswizard.wizard.engine import Prepare


async def run_wizard(
    plain: bool,
    *,
    source: "Endpoint | None" = None,
    target: "Endpoint | None" = None,
    demo: bool = False,
    resume: "RunFolder | None" = None,
    prepare: "Prepare | None" = None,
    mouse: bool = True,
) -> int:
    """Its exit code. `plain` is what the user asked for."""
    why = why_plain()
    if plain or why:
        from tswizard.plain.wizard import wizard as line_by_line

        return await line_by_line(
            source=source, target=target, demo=demo, resume=resume, prepare=prepare, why=why
        )
    from tswizard.tui.app import wizard

    return await wizard(
        source=source, target=target, demo=demo, resume=resume, prepare=prepare, mouse=mouse
    )
