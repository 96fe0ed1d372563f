"""The schema's dump: pre-data and post-data in one file, from one pg_dump.

One dump for both, so that a change of the source's schema while rows are copied cannot make them
contradict each other.
"""

from pathlib import Path

from tswizard.core.dump.toc import POST, PRE, Toc, read_toc
from tswizard.core.model.events import Unit
from tswizard.core.model.plan import Task
from tswizard.core.run.context import Context, failed
from tswizard.core.steps.pg_dump import run_pg_dump

_NAME = "schema.dump"


def schema_dump_options(task: Task) -> tuple[str, ...]:
    """Of the dump, whoever runs it.

    Large objects are copied with the rows. Publications and subscriptions tie the source to other
    servers, and a subscription holds a password: they are reported, not migrated. The schemas are
    one pattern, for which pg_dump asks once.
    """
    left_out = "|".join(f'"{name}"' for name in (*task.inventory.extension_schemas, "_tswizard"))
    return (
        "--no-password",
        "--format=custom",
        f"--section={PRE}",
        f"--section={POST}",
        f"--exclude-schema={left_out}",
        "--no-blobs",
        "--no-publications",
        "--no-subscriptions",
    )


def schema_dump_path(task: Task) -> Path:
    """The schema's dump (custom format)."""
    return task.dump / _NAME


def schema_dump_command(
    task: Task, snapshot: str | None = None, path: Path | None = None
) -> tuple[str, ...]:
    """The pg_dump; the password comes through the environment."""
    exported = (f"--snapshot={snapshot}",) if snapshot else ()
    return (
        str(task.tools.pg_dump),
        *schema_dump_options(task),
        "--verbose",
        f"--file={path or schema_dump_path(task)}",
        *exported,
        f"--dbname={task.source.lasting_conninfo}",
    )


async def dump_schema(ctx: Context) -> None:
    """Dump the schema. Raises StepFailed; an incomplete dump leaves no file."""
    path = schema_dump_path(ctx.task)
    incomplete = path.with_suffix(".incomplete")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise failed(
            "staging",
            f"The folder for the dump cannot be created: {error.strerror}.",
            where=str(path.parent),
            todo="Free disk space, then resume; or name another folder: tswizard resume "
            f"{ctx.run_folder.record.id} --staging FOLDER",
        ) from error

    async def remove() -> None:
        incomplete.unlink(missing_ok=True)

    command = schema_dump_command(ctx.task, ctx.snapshot, incomplete)
    end = await run_pg_dump(ctx, command, remove)
    if end.exit_code != 0:
        await remove()
        raise failed(
            "schema-dump-failed",
            f"pg_dump failed: {end.last_words}",
            where=ctx.task.source.label,
            why=f"It ended with exit code {end.exit_code}. Nothing on the target was changed.",
            todo="Fix the problem above, then resume; the schema is dumped again.",
        )
    incomplete.replace(path)
    ctx.progress(1, 1, Unit.ITEMS)


async def read_schema_toc(ctx: Context) -> Toc:
    """The dump's TOC. A dump that is missing (another machine, a tidied folder) is dumped again.

    Raises StepFailed.
    """
    if not schema_dump_path(ctx.task).exists():
        await dump_schema(ctx)
    return await read_toc(ctx.task.tools, schema_dump_path(ctx.task))
