"""A continuous aggregate as it must be created, read from either end in one form."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace
from typing import Any

from tswizard.core.catalog.cagg_model import Cagg, CaggIndex
from tswizard.core.catalog.caggs import cagg_queries, caggs_of
from tswizard.core.catalog.catalog_shape import CAGG, read_shape
from tswizard.core.db.connection import Connection, batch
from tswizard.core.split.schema.compression import without_defaults
from tswizard.core.split.schema.hypertable_facts import (
    HypertableFacts,
    hypertable_facts,
    hypertable_facts_queries,
)


@dataclass(frozen=True, slots=True)
class CaggFacts:
    """One, with the hypertable that holds its rows."""

    cagg: Cagg
    materialization: HypertableFacts
    quoted: str
    """Its name as the server quotes it."""

    @property
    def chunk_interval(self) -> str:
        """SQL, as set_chunk_time_interval takes it."""
        interval = self.materialization.dimensions[0].interval_sql
        assert interval is not None
        return interval

    def indexes(self, materialization: str) -> tuple[CaggIndex, ...]:
        """Its indexes as they are called where the materialization has this name: names that the
        server chose begin with its name."""
        own = self.cagg.materialization_name
        return tuple(
            CaggIndex(materialization + index.name.removeprefix(own), index.definition)
            if index.name.startswith(f"{own}_")
            else index
            for index in self.cagg.indexes
        )

    @property
    def compared(self) -> dict[str, Any]:
        """All that is the same on both databases when it was recreated exactly."""
        settings = self.materialization.compression
        return {
            "definition": self.cagg.definition,
            "materialized_only": self.cagg.materialized_only,
            "parent": self.cagg.parent,
            "chunk_interval": self.chunk_interval,
            "compression": settings
            and {
                "segmentby": list(settings.segmentby),
                "orderby": [list(astuple(column)) for column in settings.orderby],
                "merge_interval": settings.merge_interval,
            },
            "indexes": {i.name: i.definition for i in self.indexes("materialization")},
        }


_QUOTED = f"""
SELECT user_view_schema::text, user_view_name::text,
  pg_catalog.quote_ident(user_view_schema) || '.' || pg_catalog.quote_ident(user_view_name)
FROM {CAGG}
"""


@dataclass(frozen=True, slots=True)
class Caggs:
    """The continuous aggregates of an end, as the check compares them."""

    facts: Mapping[str, CaggFacts] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()
    """Those whose materialized rows were copied as they are stored."""

    @property
    def with_rows(self) -> dict[str, str]:
        """Materialization as the server quotes it -> what is the same on both databases."""
        return {
            facts.materialization.quoted: facts.quoted
            for label, facts in self.facts.items()
            if label in self.kept
        }

    def without_defaults(self, wanted: "Caggs") -> "Caggs":
        """Without what this end chose by itself where the other one left it open."""
        found = {}
        for label, facts in self.facts.items():
            table = facts.materialization
            if (other := wanted.facts.get(label)) is not None:
                settings = without_defaults(table.compression, other.materialization.compression)
                facts = replace(facts, materialization=replace(table, compression=settings))
            found[label] = facts
        return replace(self, facts=found)


async def read_cagg_facts(connection: Connection) -> dict[str, CaggFacts]:
    """Every continuous aggregate of an end by `schema.name`, parents first."""
    shape = await read_shape(connection)
    if not shape.timescaledb:
        return {}
    tables_of = hypertable_facts_queries(shape, materializations=True)
    queries = (_QUOTED, *cagg_queries(shape), *tables_of)
    names, *answers = await batch(connection, queries)
    tables = {(t.schema, t.name): t for t in hypertable_facts(answers[-len(tables_of) :])}
    quoted = {(schema, name): text for schema, name, text in names}
    return {
        cagg.label: CaggFacts(
            cagg,
            tables[cagg.materialization_schema, cagg.materialization_name],
            quoted[cagg.schema, cagg.name],
        )
        for cagg in caggs_of(answers[: -len(tables_of)])
    }
