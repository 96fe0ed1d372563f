"""Tables of the dump that have no rows: the roots of hypertables, chunks whose rows are all
compressed, most of TimescaleDB's catalog.

pg_restore waits for a COPY of each. There is nothing to copy, so they are left out.
"""

import re
from collections.abc import Sequence

from tswizard.core.dump.entry_script import read_entry_script
from tswizard.core.full.restore_progress import Entry
from tswizard.core.run.context import Context

_SMALL = 64
"""Bytes of a file with nothing but the end of COPY, compressed in whatever way; 25 by gzip."""

# As pg_restore shows it behind the entry's header: the end of COPY follows its begin.
_NO_ROWS = re.compile(r"\s*(?:--[^\n]*\n)*\s*COPY [^\n]* FROM stdin;\n\\\.\n")


async def empty_tables(ctx: Context, entries: Sequence[Entry]) -> frozenset[int]:
    """IDs of those entries of the dump that hold no rows; none where that is not certain.

    Raises StepFailed when the dump cannot be read.
    """
    small = [e.toc for e in entries if e.toc.kind == "TABLE DATA" and 0 < e.bytes <= _SMALL]
    if not small:
        return frozenset()
    script = await read_entry_script(ctx, ctx.task.dump, small)
    return frozenset(id for id, text in script.texts.items() if _NO_ROWS.match(text))
