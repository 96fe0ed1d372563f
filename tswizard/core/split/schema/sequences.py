"""Sequences set to the source's values, for serial and identity columns and on their own.

A dump sets them with its rows (`SEQUENCE SET`), so without this step the next insert would fail.
"""

from tswizard.core.catalog.inventory import Sequence
from tswizard.core.catalog.sequences import read_sequences
from tswizard.core.db.connection import connected
from tswizard.core.db.identifiers import literal, qualified
from tswizard.core.model.finding import Finding, Level
from tswizard.core.model.wording import plural
from tswizard.core.run.context import Context, StepSkipped
from tswizard.core.split.schema.execute import run_batches


def setval_statement(sequence: Sequence) -> str:
    """The SQL that sets its value."""
    name = literal(qualified(sequence.schema, sequence.name))
    called = "true" if sequence.is_called else "false"
    return f"SELECT pg_catalog.setval({name}, {sequence.last_value}, {called})"


async def set_sequences(ctx: Context) -> None:
    """Set every sequence on the target; report those that cannot be read or set.

    Raises StepSkipped, CannotConnect, psycopg.Error.
    """
    async with connected(ctx.task.source) as source:
        sequences = await read_sequences(source)
    if not sequences:
        raise StepSkipped("the source has no sequences")
    problems = [
        f"{sequence.label}: this role may not read it on the source"
        for sequence in sequences
        if not sequence.readable
    ]
    statements = [setval_statement(sequence) for sequence in sequences if sequence.readable]
    async with connected(ctx.task.target) as target:
        problems += [refusal.as_sql for refusal in await run_batches(ctx, target, statements)]
    if problems:
        ctx.found(
            Finding(
                Level.FAIL,
                "sequences-not-set",
                f"{len(problems)} of {plural(len(sequences), 'sequence')} could not be set.",
                where=ctx.task.target.label,
                why="The next insert that uses one may fail with a duplicate key.",
                todo="Set them as a role that may: SELECT setval('…', last_value, is_called);",
                details=tuple(problems),
            )
        )
