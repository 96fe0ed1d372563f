"""Continuous aggregates and how far they are materialized, as plain data."""

from dataclasses import dataclass

from tswizard.core.db.identifiers import qualified

WINDOW_FUNCTIONS = "timescaledb.enable_cagg_window_functions"
"""Since 2.20; without it a definition with one is refused."""


@dataclass(frozen=True, slots=True)
class CaggIndex:
    """An index of a continuous aggregate's materialization."""

    name: str
    """Unquoted; a name that the server chose holds the materialization's name."""
    definition: str
    """What follows the table in CREATE INDEX: `USING btree (bucket DESC)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidRange:
    """Buckets that the next refresh computes again; both ends inclusive, in internal time."""

    low: int
    high: int
    raw_rows: bool
    """There are raw rows in it, or there were, and they were deleted. Without any, computing it
    again would only remove history: their chunks were dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaggState:
    """How far a continuous aggregate is materialized.

    Times are TimescaleDB's internal ones: microseconds since 1970 for timestamps and dates, the
    number itself for integers.
    """

    time_column: str
    """Of the bucket, in the materialization."""
    time_type: str
    """As format_type prints it."""
    bucket: str
    """Width of a bucket, an interval's text or a whole number; empty when it is unknown."""
    fixed: bool
    """All buckets are of the same width: not those of months, nor of days in a time zone."""
    width: int
    """The same in internal time; for buckets that vary, the longest they get."""
    watermark: int | None
    """End of the last materialized bucket; None when nothing was ever materialized."""
    first: int | None
    """Start of the first materialized bucket that has a row."""
    last: int | None
    """Start of the last one."""
    first_raw: int | None
    """Time of the first row that it reads; None when there is none."""
    last_raw: int | None
    raw_from: int | None
    """Start of the first chunk that it reads: what was dropped lies before."""
    invalid: tuple[InvalidRange, ...]
    """Below `valid_until`, in order."""
    valid_until: int | None
    """Everything from here on waits for its first refresh; None when it was never refreshed."""

    @property
    def integer(self) -> bool:
        return self.time_type in ("smallint", "integer", "bigint")

    @property
    def history(self) -> bool:
        """Are there buckets of which every raw row is gone?"""
        if self.first is None:
            return False
        return self.raw_from is None or self.first + self.width <= self.raw_from


@dataclass(frozen=True, slots=True, kw_only=True)
class Cagg:
    """A continuous aggregate."""

    schema: str
    name: str
    owner: str
    definition: str
    """Fully qualified SELECT, without the last semicolon."""
    materialized_only: bool
    compressed: bool
    finalized: bool
    hypertable: str
    """schema.name of what it reads: a hypertable or another continuous aggregate."""
    parent: str | None
    """schema.name of the continuous aggregate it is built on; None for a hypertable."""
    materialization_schema: str
    materialization_name: str
    reads: tuple[str, str] = ("", "")
    """Schema and name of `hypertable`."""
    indexes: tuple[CaggIndex, ...] = ()
    """All of its materialization, by name."""
    state: CaggState | None = None
    """None where it could not be read."""
    triggers: tuple[str, ...] = ()
    """Names of INSTEAD OF triggers on it, which are possible up to 2.13."""
    by_wal: bool = False
    """Changes of what it reads are read from the WAL (2.22 alone), not logged by triggers."""

    @property
    def label(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def sql(self) -> str:
        return qualified(self.schema, self.name)

    @property
    def create_statement(self) -> str:
        """The SQL that creates it, empty and with no index but the one on its bucket."""
        only = "true" if self.materialized_only else "false"
        return (
            f"CREATE MATERIALIZED VIEW {self.sql} WITH (timescaledb.continuous, "
            f"timescaledb.materialized_only = {only}, timescaledb.create_group_indexes = false) "
            f"AS\n{self.definition}\nWITH NO DATA"
        )


@dataclass(frozen=True, slots=True)
class CaggDependent:
    """A view or routine that reads continuous aggregates, itself or through others."""

    kind: str
    """`view`, `materialized view`, `function` or `procedure`."""
    identity: str
    """Qualified and quoted where needed, a routine with the types of its arguments: for DROP."""
    caggs: tuple[str, ...]
    """schema.name of each continuous aggregate that it needs."""

    @property
    def label(self) -> str:
        return f"{self.kind} {self.identity}"
