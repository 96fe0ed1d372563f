"""The runbook of a task, in both forms."""

from dataclasses import dataclass
from pathlib import Path

from tswizard.core.build_plan import build_plan
from tswizard.core.methods import method_of
from tswizard.core.model.plan import Task
from tswizard.core.runbook.markdown import markdown
from tswizard.core.runbook.script import SCRIPT, script
from tswizard.core.runbook.sheet import Sheet

MARKDOWN = "runbook.md"


@dataclass(frozen=True, slots=True)
class WrittenRunbook:
    """Both texts say the same, and neither holds a password."""

    markdown: str
    script: str

    def save(self, folder: Path) -> tuple[Path, Path]:
        """Write both into a folder, which is created; their paths. Raises OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        text, program = folder / MARKDOWN, folder / SCRIPT
        text.write_text(self.markdown, encoding="utf-8")
        program.write_text(self.script, encoding="utf-8")
        program.chmod(0o755)
        return text, program


async def write_runbook(task: Task) -> WrittenRunbook:
    """Read both databases and write it. Raises CannotConnect, psycopg.Error."""
    method = method_of(task.answers)
    plan = build_plan(task)
    sheet = Sheet.of(task, await method.runbook(task), plan.disk_here, plan.disk_there)
    return WrittenRunbook(markdown(sheet), script(sheet))
