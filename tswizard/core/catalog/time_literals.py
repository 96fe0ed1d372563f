"""Times of a hypertable's first dimension as SQL, from texts of the catalog such as
`Chunk.range_start`."""

from tswizard.core.db.identifiers import literal

# Of what is compared with the column. A slice of an int2 or int4 dimension can end beyond the
# range of that type.
_BOUNDS = {
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
    "date": "date",
    "uuid": "uuid",
    "smallint": "int8",
    "integer": "int8",
    "bigint": "int8",
}
# Of what show_chunks() takes, where that is another type.
_ARGUMENTS = {"uuid": "timestamptz", "smallint": "int2", "integer": "int4"}
_BITS = {"smallint": 16, "integer": 32, "bigint": 64}

_LAST_MILLISECOND = (1 << 48) - 1

# The same as first_uuid(), of a timestamp. All of it is immutable, so that the planner excludes
# chunks.
_FIRST_UUID = """(pg_catalog.lpad(pg_catalog.to_hex(pg_catalog.floor(1000 * pg_catalog.date_part(
'epoch', GREATEST(LEAST({}::pg_catalog.timestamp, '10889-08-02'), '1970-01-01')))::bigint), 12, '0')
|| '70008' || pg_catalog.repeat('0', 15))::pg_catalog.uuid""".replace("\n", " ")


def first_uuid(millisecond: int) -> str:
    """The first UUID of version 7 of a millisecond since 1970, or of the nearest that one can say.

    TimescaleDB refuses to compare a time column with UUIDs of other versions.
    """
    number = min(max(millisecond, 0), _LAST_MILLISECOND)
    return f"'{number:012x}70008{'0' * 15}'::pg_catalog.uuid"


def has_time_literals(column_type: str) -> bool:
    """Can times of this type be written as literals?"""
    return column_type in _BOUNDS


def time_bound(column_type: str, moment: str) -> str:
    """A moment to compare with a column of this type."""
    if column_type == "uuid":
        return _FIRST_UUID.format(literal(moment))
    return f"{literal(moment)}::pg_catalog.{_BOUNDS[column_type]}"


def time_argument(column_type: str, moment: str) -> str:
    """A moment for show_chunks() of a hypertable whose time is of this type; empty for one at the
    ends of time, or beyond what the type holds."""
    bits = _BITS.get(column_type)
    if "infinity" in moment or (bits and int(moment).bit_length() >= bits):
        return ""
    kind = _ARGUMENTS.get(column_type, _BOUNDS[column_type])
    return f"{literal(moment)}::pg_catalog.{kind}"
