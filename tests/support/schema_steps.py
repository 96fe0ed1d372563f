"""All steps of the schema in their order, with the simplest copy of rows in between.

As a program (`python -m tests.support.schema_steps SOURCE TARGET FOLDER [SCHEMA …]`) it can
be killed and started again: every step is repeated, done or not.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from pathlib import Path

from tests.support.plain_copy import compress_last, copy_hypertables, copy_tables
from tests.support.step_context import StepRun, step_context
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.run.context import Context, StepSkipped
from tswizard.core.split.caggs.dependents import restore_cagg_dependents
from tswizard.core.split.schema.compression import set_compression
from tswizard.core.split.schema.constraints import constraints_after_rows, constraints_before_rows
from tswizard.core.split.schema.dump import dump_schema
from tswizard.core.split.schema.hypertables import create_hypertables
from tswizard.core.split.schema.postdata import restore_event_triggers_last, restore_post_data
from tswizard.core.split.schema.predata import restore_pre_data
from tswizard.core.split.schema.sequences import set_sequences
from tswizard.core.steps.refresh_views import refresh_views

Action = Callable[[Context], Awaitable[None]]


def steps(schemas: Collection[str] = ()) -> tuple[tuple[str, Action], ...]:
    """Names and actions; rows of these schemas only, where some are given."""
    return (
        ("dump-schema", dump_schema),
        ("pre-data", restore_pre_data),
        ("hypertables", create_hypertables),
        ("copy-tables", lambda ctx: copy_tables(ctx.task, schemas)),
        ("constraints-before-rows", constraints_before_rows),
        ("compression", set_compression),
        ("copy-hypertables", lambda ctx: copy_hypertables(ctx.task, schemas)),
        ("sequences", set_sequences),
        ("constraints-after-rows", constraints_after_rows),
        ("compression-last", partial(set_compression, last=True)),
        ("compress-last", lambda ctx: compress_last(ctx.task)),
        ("post-data", restore_post_data),
        ("after-caggs", restore_cagg_dependents),
        ("filled-views", refresh_views),
        ("event-triggers-last", restore_event_triggers_last),
    )


async def run_all(run: StepRun, *, until: str = "", schemas: Collection[str] = ()) -> None:
    """Run the steps; what has nothing to do is passed over. Ends before `until`."""
    for name, action in steps(schemas):
        if name == until:
            return
        run.ctx.step = name
        try:
            await action(run.ctx)
        except StepSkipped as skipped:
            run.ctx.say(f"{name}: skipped, {skipped}")


async def _main(source: str, target: str, folder: str, *schemas: str) -> None:
    ends = Endpoint.parse(source), Endpoint.parse(target)
    async with step_context(Path(folder), *ends) as run:
        await run_all(run, schemas=schemas)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
