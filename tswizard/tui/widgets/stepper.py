"""The header: where in the wizard this screen is."""

from textual.content import Content
from textual.widget import Widget

STEPS = ("Source", "Target", "Inspect", "Method", "Objects", "Review", "Run", "Check")
_WIDE = 100


class Stepper(Widget):
    """All steps on one line: those behind with a tick, the current one with an arrow."""

    DEFAULT_CSS = """
    Stepper { height: 2; padding: 0 1; border-bottom: solid $border; }
    """

    def __init__(self, current: str | None, note: str = "") -> None:
        super().__init__()
        self._current = current
        self._note = note

    def render(self) -> Content:
        wide = self.app.size.width >= _WIDE
        parts: list[Content] = []
        if wide or self._current is None:
            parts.append(Content.styled("tswizard", "bold $accent"))
        if self._current is None:
            parts.append(Content.styled(self._note, "dim"))
        else:
            parts += self._steps(STEPS.index(self._current), numbered=wide)
        return Content("  " if wide else " ").join(parts)

    def _steps(self, current: int, *, numbered: bool) -> list[Content]:
        steps = []
        for index, name in enumerate(STEPS):
            label = f"{index + 1} {name}" if numbered else name
            if index < current:
                steps.append(Content.styled(f"{label} ✓", "$text-success"))
            elif index == current:
                steps.append(Content.styled(f"{label} ▸", "bold underline $accent"))
            else:
                steps.append(Content.styled(label, "dim"))
        return steps
