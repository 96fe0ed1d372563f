"""Is the time range per piece one that the source understands?"""

from collections.abc import AsyncIterator

from tswizard.core.db.connection import connected
from tswizard.core.db.intervals import why_no_span
from tswizard.core.model.finding import Finding
from tswizard.core.model.prepared import Prepared
from tswizard.core.preflight.check import SPLIT_ONLY, AnyCheck, Side, Trial
from tswizard.core.preflight.wording import fail


async def _range(prepared: Prepared) -> AsyncIterator[Finding]:
    given = prepared.answers.piece.strip()
    if given == "chunk" or given.isdecimal():
        return
    async with connected(prepared.source) as connection:
        why = await why_no_span(connection, given)
    if why:
        yield fail(
            "piece-range",
            f'"{given}" is not a valid time range per piece: {why}.',
            where=prepared.source.label,
            why="Rows of a hypertable are cut into pieces of this range of its time column.",
            todo='Set piece to "chunk", an interval such as "1 day", or a whole number.',
        )


PIECE_RANGE_CHECKS: tuple[AnyCheck, ...] = (
    Trial(
        gives=("piece-range",),
        run=_range,
        side=Side.SOURCE,
        methods=SPLIT_ONLY,
        answered_by=("piece",),
    ),
)
