"""CALL refresh_continuous_aggregate(), in the words of the target's version."""

from dataclasses import dataclass

from psycopg import sql

from tswizard.core.catalog.cagg_state import time_as_sql
from tswizard.core.catalog.catalog_shape import Shape, read_shape
from tswizard.core.db.connection import Connection, value
from tswizard.core.run.context import Context
from tswizard.core.split.schema.cagg_facts import CaggFacts

_UNBATCHED = """, options => '{"buckets_per_batch": 0}'"""

# Came in the same release (2.28) as the batches of a refresh that is called by hand.
_BATCHES = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_settings
  WHERE name = 'timescaledb.skip_cagg_invalidation')
"""


@dataclass(frozen=True, slots=True)
class Refresh:
    """How the target is told to refresh a window."""

    shape: Shape
    schema: str
    """Of TimescaleDB's functions."""
    batches: bool
    """It works in batches, which pass over what has no chunk, unless it is told not to."""

    @classmethod
    async def of(cls, target: Connection, schema: str) -> "Refresh":
        return cls(await read_shape(target), schema, bool(await value(target, _BATCHES)))

    def statement(
        self, facts: CaggFacts, time_type: str, start: int | None, end: int | None
    ) -> sql.Composed:
        """CALL refresh_continuous_aggregate(); internal times, None without an end."""
        return sql.SQL("CALL {}({}, {}, {}{})").format(
            sql.Identifier(self.schema, "refresh_continuous_aggregate"),
            sql.Literal(facts.cagg.sql),
            self._bound(time_type, start),
            self._bound(time_type, end),
            sql.SQL(_UNBATCHED if self.batches else ""),
        )

    def _bound(self, time_type: str, time: int | None) -> sql.Composable:
        if time is None:
            return sql.SQL("NULL::{}").format(sql.SQL(time_type))
        return time_as_sql(self.shape, time_type, time)


async def run_refresh(ctx: Context, target: Connection, statement: sql.Composed) -> None:
    """A procedure with transactions of its own: it runs outside of any."""
    ctx.say(f"{statement.as_string(None)};", "sql")
    await target.execute(statement)
