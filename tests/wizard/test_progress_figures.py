"""How much of a step is done, in a line."""

import pytest

from tswizard.core.model.events import StepProgress, Unit
from tswizard.wizard.run_model import progress_figures


@pytest.mark.parametrize(
    ("done", "total", "unit", "figures"),
    [
        (7, 11, Unit.ITEMS, "7 of 11 items"),
        (0, 1, Unit.ITEMS, "0 of 1 item"),
        (0, 0, Unit.ITEMS, ""),
        (1024, None, Unit.BYTES, "1.0 KiB"),
    ],
)
def test_what_is_counted_is_named_and_nothing_is_said_of_nothing(
    done: int, total: int | None, unit: Unit, figures: str
) -> None:
    progress = StepProgress(0.0, step="create-chunks", done=done, total=total, unit=unit)
    assert progress_figures(progress, None) == (figures, "")
