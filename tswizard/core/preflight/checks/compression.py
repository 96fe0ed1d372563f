"""Compressed rows that a restore cannot read, or reads as something else."""

from collections.abc import Iterator

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.catalog.nulls import FIXED, SECONDS
from tswizard.core.db.identifiers import literal
from tswizard.core.model.finding import Finding
from tswizard.core.model.wording import plural
from tswizard.core.preflight.check import FULL_ONLY, AnyCheck, SourceCheck
from tswizard.core.preflight.wording import fail, look, some

_TODO = (
    f"Update TimescaleDB on the source to {FIXED} or later first, and use the same version on the "
    "target; or decompress their chunks before the dump (decompress_chunk). The split method reads "
    "rows and is not concerned."
)


def _all_null(inventory: Inventory, where: str) -> Iterator[Finding]:
    if inventory.null_compressed:
        yield fail(
            "null-compressed",
            f"Compressed rows of {some(inventory.null_compressed)} will be lost by the restore.",
            where=where,
            why=_why(inventory),
            todo=_TODO,
            details=inventory.null_compressed,
        )


def _maybe_null(inventory: Inventory, where: str) -> Iterator[Finding]:
    if inventory.null_unchecked:
        yield look(
            "null-compressed-unknown",
            f"Compressed rows of {some(inventory.null_unchecked)} may be lost by the restore.",
            where=where,
            why=f"{_why(inventory)} Looking through them took more than {SECONDS} s, so it is not "
            "known whether they hold such columns.",
            todo=_TODO,
            details=inventory.null_unchecked,
        )


def _missing_values(inventory: Inventory, where: str) -> Iterator[Finding]:
    missing = inventory.hazards.missing_values
    if not missing:
        return
    schema = inventory.server.timescaledb_schema or "public"
    repairs = [
        f"SELECT {schema}.compress_chunk({schema}.decompress_chunk({literal(chunk)}));"
        for chunk in sorted({chunk for column in missing for chunk in column.chunks})
    ]
    yield fail(
        "missing-values",
        f"Compressed rows would lose the value of {some([m.label for m in missing])}.",
        where=where,
        why="These columns were added with a default when chunks were compressed already. Their "
        "rows take the value from the chunk's catalog entry (pg_attribute.attmissingval), which "
        "no dump holds: after a restore they are NULL, even in a NOT NULL column "
        "(timescale/timescaledb#8091).",
        todo="Use the split method, which reads rows; or write the values into the rows on the "
        f"source first, by the statements below: {repairs[0]}",
        details=(
            *(
                f"{m.label}: {plural(m.rows, 'row')} in {plural(len(m.chunks), 'chunk')}"
                for m in missing
            ),
            *repairs,
        ),
    )


def _object_ids(inventory: Inventory, where: str) -> Iterator[Finding]:
    if columns := inventory.hazards.compressed_oids:
        yield fail(
            "compressed-object-ids",
            f"Compressed values of {some(columns)} would name other objects on the target.",
            where=where,
            why="A value of regclass, regtype or a similar type is an object's OID, and compressed "
            "rows are dumped as they are stored: on another server it is another object's, or "
            "nobody's. Rows that are not compressed are dumped by name.",
            todo="Use the split method, which reads rows; or decompress these chunks before the "
            "dump (decompress_chunk).",
            details=columns,
        )


def _why(inventory: Inventory) -> str:
    return (
        f"TimescaleDB {inventory.server.timescaledb} stores a compressed column that is all NULL "
        "in a form that it cannot restore: COPY fails and the chunk arrives empty "
        f"(timescale/timescaledb#8893, fixed by #8153 in {FIXED})."
    )


COMPRESSION_CHECKS: tuple[AnyCheck, ...] = (
    SourceCheck(gives=("null-compressed",), run=_all_null, methods=FULL_ONLY),
    SourceCheck(
        gives=("null-compressed-unknown",),
        run=_maybe_null,
        methods=FULL_ONLY,
        settled_by_check=True,
    ),
    SourceCheck(gives=("missing-values",), run=_missing_values, methods=FULL_ONLY),
    SourceCheck(gives=("compressed-object-ids",), run=_object_ids, methods=FULL_ONLY),
)
