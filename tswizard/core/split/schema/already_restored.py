"""Post-data objects that the target already has, with the same definition as the source.

A restore is not one transaction, but each of its entries is: after a kill, what remains is what
the target lacks. An object counts as restored only if kind, name and definition are the same on
both databases. One with the same name and another definition is restored too, and pg_restore's
error is judged.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tswizard.core.catalog.tables import NOT_USERS
from tswizard.core.db.concurrency import both
from tswizard.core.db.connection import Connection, connected, rows
from tswizard.core.dump.toc import (
    PG_CLASS,
    PG_CONSTRAINT,
    PG_EVENT_TRIGGER,
    PG_POLICY,
    PG_REWRITE,
    PG_STATISTIC_EXT,
    PG_TRIGGER,
    DumpEntry,
    Toc,
)
from tswizard.core.run.context import Context
from tswizard.core.verify.schema.same_definition import same_definition

# catalog, oid, name, definition
_QUERY = f"""
SELECT {PG_CONSTRAINT}, k.oid::bigint, ARRAY[n.nspname, c.relname, k.conname]::text[],
  pg_catalog.pg_get_constraintdef(k.oid) || ' ' || k.convalidated
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE {NOT_USERS}
UNION ALL
SELECT {PG_CLASS}, x.oid::bigint, ARRAY[n.nspname, x.relname]::text[],
  pg_catalog.concat_ws(' ', pg_catalog.pg_get_indexdef(x.oid), i.indisvalid, i.indisclustered,
                       i.indisreplident)
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = x.relnamespace
WHERE {NOT_USERS}
UNION ALL
SELECT {PG_TRIGGER}, t.oid::bigint, ARRAY[n.nspname, c.relname, t.tgname]::text[],
  pg_catalog.pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND {NOT_USERS}
UNION ALL
SELECT {PG_REWRITE}, r.oid::bigint, ARRAY[n.nspname, c.relname, r.rulename]::text[],
  pg_catalog.pg_get_ruledef(r.oid) || ' ' || r.ev_enabled::text
FROM pg_catalog.pg_rewrite r
JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE r.rulename <> '_RETURN' AND {NOT_USERS}
UNION ALL
SELECT {PG_POLICY}, p.oid::bigint, ARRAY[n.nspname, c.relname, p.polname]::text[],
  pg_catalog.concat_ws(' ', p.polcmd, p.polpermissive,
    ARRAY(SELECT CASE WHEN r = 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(r)::text END
          FROM pg_catalog.unnest(p.polroles) r ORDER BY 1),
    pg_catalog.pg_get_expr(p.polqual, p.polrelid), '/',
    pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))
FROM pg_catalog.pg_policy p
JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE {NOT_USERS}
UNION ALL
SELECT {PG_STATISTIC_EXT}, s.oid::bigint, ARRAY[n.nspname, s.stxname]::text[],
  pg_catalog.pg_get_statisticsobjdef(s.oid)
FROM pg_catalog.pg_statistic_ext s
JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
WHERE {NOT_USERS}
UNION ALL
SELECT {PG_EVENT_TRIGGER}, e.oid::bigint, ARRAY[e.evtname]::text[],
  pg_catalog.concat_ws(' ', e.evtevent, e.evtfoid::regprocedure, e.evtenabled, e.evttags)
FROM pg_catalog.pg_event_trigger e
"""


DescribedObjects = Mapping[tuple[int, int], tuple[tuple[str, ...], str]]
"""(catalog, OID) -> (name, definition)."""


@dataclass(frozen=True, slots=True)
class AlreadyRestored:
    """Both databases' objects of the kinds whose definitions can be compared."""

    source: DescribedObjects
    target: DescribedObjects

    def ids(self, toc: Toc) -> frozenset[int]:
        """IDs of entries whose object is the same on both databases: they need not be restored."""
        by_name = {(catalog, name): text for (catalog, _), (name, text) in self.target.items()}
        restored = set()
        for entry in self._comparable(toc):
            name, definition = self.source[entry.catalog, entry.oid]
            theirs = by_name.get((entry.catalog, name))
            if theirs is not None and same_definition(definition, theirs):
                restored.add(entry.id)
        return frozenset(restored)

    def missing(self, toc: Toc) -> frozenset[int]:
        """IDs of entries whose object the target lacks, or has with another definition."""
        return frozenset(entry.id for entry in self._comparable(toc)) - self.ids(toc)

    def _comparable(self, toc: Toc) -> Iterator[DumpEntry]:
        return (e for e in toc.entries if (e.catalog, e.oid) in self.source)


async def read_already_restored(ctx: Context) -> AlreadyRestored:
    """Read both databases. Raises CannotConnect, psycopg.Error."""
    async with connected(ctx.task.source) as source, connected(ctx.task.target) as target:
        return AlreadyRestored(*await both(_read(source), _read(target)))


async def _read(connection: Connection) -> DescribedObjects:
    return {
        (catalog, oid): (tuple(name), definition)
        for catalog, oid, name, definition in await rows(connection, _QUERY)
    }
