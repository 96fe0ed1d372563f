"""What Review shows of steps whose statements only the run knows: each once, with words in capitals
for what is filled in then."""

from collections.abc import Iterator

from tswizard.core.catalog.cagg_model import Cagg
from tswizard.core.catalog.cagg_state import RAW_LOG
from tswizard.core.db.identifiers import identifier, literal
from tswizard.core.model.kept_history import kept_caggs, recomputed_caggs
from tswizard.core.model.plan import Task
from tswizard.core.split.caggs.logging import TRIGGER
from tswizard.core.split.caggs.valid_ranges import valid_ranges
from tswizard.core.split.ledger.plan_store import CREATE_LEDGER
from tswizard.core.split.schema.restore import restore_command_text
from tswizard.core.steps.compare import preview_comparison


def preview_plan(task: Task) -> tuple[str, ...]:
    """The ledger; its rows are only known in the run."""
    held = "with that snapshot, which is held until the check" if task.answers.snapshot else "as is"
    return (
        f"-- On the source, whose catalog is read, {held}:",
        "SELECT pg_catalog.pg_export_snapshot();",
        "-- On the target, in one transaction with a row for each piece:",
        *CREATE_LEDGER.strip().splitlines(),
    )


def preview_ranges(task: Task) -> Iterator[str]:
    """One call for each range that is valid on the source; all of them on empty hypertables."""
    yield (
        "-- The watermark of each is set first, by rows that are taken away again. Nothing can be\n"
        "-- computed there yet; START and END are read from the source during the run."
    )
    for cagg in kept_caggs(task.inventory, task.answers):
        number = len(valid_ranges(cagg.state)) if cagg.state else 0
        if number:
            again = f"  -- {number:,} times" if number > 1 else ""
            yield f"{_refreshing(task, cagg)}{again}"


def preview_reconcile(_task: Task) -> tuple[str, ...]:
    """Nothing, in a run that is not interrupted."""
    return (
        "-- On both databases, for each piece that was copied under an earlier snapshot:",
        "SELECT count(*), CHECKSUM FROM ONLY PIECE;",
        "-- Where they differ, its rows are removed from the target and copied again, as above.",
    )


def preview_logging(_task: Task) -> tuple[str, ...]:
    """Triggers, where there are any, and what the copy has left in the log."""
    return (
        "-- Up to TimescaleDB 2.22, where it was dropped before the rows, as it was there:",
        f"CREATE TRIGGER {TRIGGER} AFTER INSERT OR DELETE OR UPDATE ON HYPERTABLE\n"
        "  FOR EACH ROW EXECUTE FUNCTION "
        "_timescaledb_functions.continuous_agg_invalidation_trigger(ID);",
        "-- Where the copy was logged all the same:",
        f"DELETE FROM {RAW_LOG} WHERE hypertable_id = ID;",
    )


def preview_refresh(task: Task) -> Iterator[str]:
    """One call for each window of those that are recomputed."""
    yield "-- Parents first, each in up to about 20 windows from the first raw row on:"
    for cagg in recomputed_caggs(task.inventory, task.answers):
        yield _refreshing(task, cagg)


def preview_compress_last(task: Task) -> tuple[str, ...]:
    """The same as before the rows, for hypertables whose constraints had to come first."""
    schema = identifier(task.target_server.timescaledb_schema or "public")
    return (
        "-- Only of hypertables with a constraint that is NOT VALID: settings as in “Set\n"
        "-- compression”, then each chunk that is compressed on the source:",
        f"SELECT {schema}.compress_chunk(CHUNK, true);",
    )


def preview_dependents(task: Task) -> tuple[str, ...]:
    """Their list is made from the dump."""
    return (
        "-- What reads a continuous aggregate that the target has:",
        restore_command_text(task, "after-caggs"),
    )


def preview_event_triggers(task: Task) -> tuple[str, ...]:
    """Their list is made from the dump."""
    return (restore_command_text(task, "last-event-triggers"),)


def preview_check(task: Task) -> tuple[str, ...]:
    """What both methods compare, and what rows of this one are compared by."""
    return (
        "-- First, on the source: was it written to since its rows were reconciled?",
        *preview_comparison(task),
    )


def _refreshing(task: Task, cagg: Cagg) -> str:
    schema = identifier(task.target_server.timescaledb_schema or "public")
    return f"CALL {schema}.refresh_continuous_aggregate({literal(cagg.sql)}, START, END);"
