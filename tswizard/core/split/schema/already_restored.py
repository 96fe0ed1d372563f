"""What of the post-data the target has already, with the same definition as the source.

A restore is no transaction, but each of its entries is; so after a kill the rest is what is not
here. An entry counts as made only when kind, name and definition are equal on both ends; what has
the name and another definition is tried again, and pg_restore's error is judged.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tswizard.core.db.connection import Connection, connected, rows
from tswizard.core.run.context import Context
from tswizard.core.split.schema.toc import (
    CLASS,
    CONSTRAINT,
    EVENT_TRIGGER,
    POLICY,
    RULE,
    STATISTICS,
    TRIGGER,
    DumpEntry,
    Toc,
)
from tswizard.core.verify.schema.same_definition import same_definition

_USERS = r"n.nspname !~ '^(pg_|_timescaledb_|_tswizard)' AND n.nspname <> 'information_schema'"

# catalog, oid, name, definition
_QUERY = f"""
SELECT {CONSTRAINT}, k.oid::bigint, ARRAY[n.nspname, c.relname, k.conname]::text[],
  pg_catalog.pg_get_constraintdef(k.oid) || ' ' || k.convalidated
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE {_USERS}
UNION ALL
SELECT {CLASS}, x.oid::bigint, ARRAY[n.nspname, x.relname]::text[],
  pg_catalog.concat_ws(' ', pg_catalog.pg_get_indexdef(x.oid), i.indisvalid, i.indisclustered,
                       i.indisreplident)
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = x.relnamespace
WHERE {_USERS}
UNION ALL
SELECT {TRIGGER}, t.oid::bigint, ARRAY[n.nspname, c.relname, t.tgname]::text[],
  pg_catalog.pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND {_USERS}
UNION ALL
SELECT {RULE}, r.oid::bigint, ARRAY[n.nspname, c.relname, r.rulename]::text[],
  pg_catalog.pg_get_ruledef(r.oid) || ' ' || r.ev_enabled::text
FROM pg_catalog.pg_rewrite r
JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE r.rulename <> '_RETURN' AND {_USERS}
UNION ALL
SELECT {POLICY}, p.oid::bigint, ARRAY[n.nspname, c.relname, p.polname]::text[],
  pg_catalog.concat_ws(' ', p.polcmd, p.polpermissive,
    ARRAY(SELECT CASE WHEN r = 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(r)::text END
          FROM pg_catalog.unnest(p.polroles) r ORDER BY 1),
    pg_catalog.pg_get_expr(p.polqual, p.polrelid), '/',
    pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))
FROM pg_catalog.pg_policy p
JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE {_USERS}
UNION ALL
SELECT {STATISTICS}, s.oid::bigint, ARRAY[n.nspname, s.stxname]::text[],
  pg_catalog.pg_get_statisticsobjdef(s.oid)
FROM pg_catalog.pg_statistic_ext s
JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
WHERE {_USERS}
UNION ALL
SELECT {EVENT_TRIGGER}, e.oid::bigint, ARRAY[e.evtname]::text[],
  pg_catalog.concat_ws(' ', e.evtevent, e.evtfoid::regprocedure, e.evtenabled, e.evttags)
FROM pg_catalog.pg_event_trigger e
"""


Objects = Mapping[tuple[int, int], tuple[tuple[str, ...], str]]
"""(catalog, oid) -> (name, definition)."""


@dataclass(frozen=True, slots=True)
class AlreadyRestored:
    """Both ends' objects of the kinds that can be told made from missing."""

    wanted: Objects
    there: Objects

    def entries(self, toc: Toc) -> frozenset[int]:
        """Ids of entries whose object is the same on both ends."""
        by_name = {(catalog, name): text for (catalog, _), (name, text) in self.there.items()}
        made = set()
        for entry in self._known(toc):
            name, definition = self.wanted[entry.catalog, entry.oid]
            other = by_name.get((entry.catalog, name))
            if other is not None and same_definition(definition, other):
                made.add(entry.id)
        return frozenset(made)

    def missing(self, toc: Toc) -> frozenset[int]:
        """Ids of entries whose object the target lacks, or has with another definition."""
        return frozenset(entry.id for entry in self._known(toc)) - self.entries(toc)

    def _known(self, toc: Toc) -> Iterator[DumpEntry]:
        return (e for e in toc.entries if (e.catalog, e.oid) in self.wanted)


async def read_already_restored(ctx: Context) -> AlreadyRestored:
    """Read both ends."""
    async with connected(ctx.task.source) as source:
        wanted = await _read(source)
    async with connected(ctx.task.target) as target:
        return AlreadyRestored(wanted, await _read(target))


async def _read(connection: Connection) -> Objects:
    return {
        (catalog, oid): (tuple(name), definition)
        for catalog, oid, name, definition in await rows(connection, _QUERY)
    }
