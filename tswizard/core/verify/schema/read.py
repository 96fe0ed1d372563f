"""Reads one database: every object with its definition."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tswizard.core.db.connection import Connection, batch
from tswizard.core.verify.schema import (
    comments,
    constraints,
    database_settings,
    extension_members,
    foreign_data,
    functions_operators,
    privileges,
    relations,
    replication,
    system_privileges,
    text_search,
    timescaledb,
    types,
)
from tswizard.core.verify.schema.catalog_sql import (
    Catalogs,
    labels_query,
    read_catalogs,
    user_relations,
)

_VERSIONS = """
SELECT pg_catalog.current_setting('server_version_num')::int / 10000,
  (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'timescaledb'),
  pg_catalog.current_database()::text
"""
_ROLES = "SELECT rolname::text, rolsuper FROM pg_catalog.pg_roles"

Definition = Mapping[str, Any]
Query = Callable[[Catalogs], str]

# Of the relations in `user_relations`: one statement for all, since with thousands of chunks those
# take as long to find as what is read of them.
_OF_RELATIONS: tuple[Query, ...] = (
    relations.tables,
    relations.columns,
    relations.views,
    relations.sequences,
    constraints.constraints,
    constraints.indexes,
    constraints.triggers,
    constraints.rules,
    constraints.policies,
    constraints.statistics,
    privileges.grants,
    comments.comments,
)

_QUERIES: tuple[Query, ...] = (
    relations.schemas,
    relations.extensions,
    extension_members.extension_members,
    constraints.event_triggers,
    functions_operators.functions,
    functions_operators.operators,
    functions_operators.operator_classes,
    functions_operators.operator_families,
    functions_operators.casts,
    functions_operators.transforms,
    functions_operators.conversions,
    functions_operators.languages,
    functions_operators.access_methods,
    types.enums,
    types.composites,
    types.domains,
    types.ranges,
    types.base_types,
    types.collations,
    system_privileges.system_grants,
    privileges.default_privileges,
    comments.extension_comments,
    comments.security_labels,
    database_settings.database_settings,
    database_settings.database_properties,
    replication.publications,
    replication.subscriptions,
    text_search.text_search_configurations,
    text_search.text_search_dictionaries,
    text_search.text_search_parsers,
    text_search.text_search_templates,
    foreign_data.foreign_data_wrappers,
    foreign_data.foreign_servers,
    foreign_data.user_mappings,
)

_TIMESCALEDB: tuple[Query, ...] = (
    timescaledb.hypertables,
    timescaledb.dimensions,
    timescaledb.chunks,
    timescaledb.compression_settings,
    timescaledb.caggs,
    timescaledb.jobs,
    timescaledb.built_in_jobs,
)


@dataclass(frozen=True, slots=True)
class ObjectKey:
    kind: str
    """A key of OBJECT_KINDS."""
    name: str
    """Quoted and qualified, unique within the kind."""


@dataclass(frozen=True, slots=True)
class Object:
    text: str
    """Its properties as the server prints its jsonb: equal texts, equal properties. There can be
    a hundred thousand of these, so they are parsed only when they differ."""
    part: str | None = None
    """The internal relation that it belongs to, quoted: a chunk, a materialization hypertable."""

    @property
    def definition(self) -> Definition:
        """The properties by name."""
        read: Definition = json.loads(self.text)
        return read


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """Everything in one database."""

    objects: Mapping[ObjectKey, Object]
    labels: Mapping[str, str]
    """Internal relation, quoted -> name of its hypertable or continuous aggregate."""
    roles: frozenset[str]
    catalogs: Catalogs
    major: int
    """PostgreSQL's major version."""
    timescaledb: str | None
    database: str = ""
    """The name of the database."""
    superusers: frozenset[str] = frozenset()


async def read_schema(connection: Connection) -> Schema:
    """Read one database, all queries at once."""
    catalogs = await read_catalogs(connection)
    asked = (_VERSIONS, labels_query(catalogs.shape), _ROLES, *object_queries(catalogs))
    ((major, timescaledb, database),), labels, roles, *kinds = await batch(connection, asked)
    return Schema(
        objects=_objects(kinds),
        labels=dict(labels),
        roles=frozenset(name for name, _ in roles),
        catalogs=catalogs,
        major=major,
        timescaledb=timescaledb,
        database=database,
        superusers=frozenset(name for name, is_superuser in roles if is_superuser),
    )


async def read_own_objects(connection: Connection) -> dict[ObjectKey, Object]:
    """The same without what TimescaleDB created: it takes no longer where there are thousands of
    chunks."""
    catalogs = await read_catalogs(connection)
    found = _objects(await batch(connection, (*object_queries(catalogs, internal_too=False),)))
    return own_objects(found)


def own_objects(objects: Mapping[ObjectKey, Object]) -> dict[ObjectKey, Object]:
    """Those that belong to no internal relation."""
    return {key: found for key, found in objects.items() if found.part is None}


def _objects(kinds: Iterable[Iterable[tuple[Any, ...]]]) -> dict[ObjectKey, Object]:
    return {
        ObjectKey(sys.intern(kind), name): Object(text, part)
        for found in kinds
        for kind, name, part, text in found
    }


def object_queries(catalogs: Catalogs, *, internal_too: bool = True) -> Iterator[str]:
    """Those that this server can answer: kind, name, the internal relation it is part of or NULL,
    definition. JSON comes as text, which is parsed only when needed."""
    of_relations = (_as_text(query(catalogs)) for query in _OF_RELATIONS)
    rel = user_relations(catalogs.shape, internal_too=internal_too)
    yield rel + "\nUNION ALL\n".join(of_relations)
    others = (*_QUERIES, *(_TIMESCALEDB if catalogs.shape.timescaledb else ()))
    if not internal_too:
        others = tuple(query for query in others if query is not timescaledb.chunks)
    yield from (_as_text(query(catalogs)) for query in others)


def _as_text(query: str) -> str:
    return (
        "SELECT o.kind, o.name, o.part, o.definition::text "
        f"FROM ({query}) AS o (kind, name, part, definition)"
    )
