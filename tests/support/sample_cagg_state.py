"""A continuous aggregate as it is materialized; tests change one thing."""

from tswizard.core.catalog.cagg_model import CaggState, InvalidRange

# Buckets of 10 from 0 to 990; the raw rows begin inside of the bucket of 500.
STATE = CaggState(
    time_column="b",
    time_type="timestamp with time zone",
    bucket="00:00:10",
    fixed=True,
    width=10,
    watermark=1000,
    first=0,
    last=990,
    first_raw=507,
    last_raw=999,
    raw_from=505,
    invalid=(),
    valid_until=1000,
)


def invalid(low: int, high: int, *, raw_rows: bool = True) -> InvalidRange:
    """What a refresh would compute again."""
    return InvalidRange(low=low, high=high, raw_rows=raw_rows)
