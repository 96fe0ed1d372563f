"""Everything that a database holds, as text, read apart from the engine and its check.

Two databases are equal when these texts are. Numbers that a server gives by itself (ids in names of
materializations and chunks) are replaced by what they stand for.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Mapping

from psycopg import sql

from tswizard.core.db.connection import Connection, connected, rows
from tswizard.core.db.endpoint import Endpoint

_OWN = """n.nspname !~ '^(pg_|_timescaledb|information_schema$|timescaledb_|_tswizard$|toolkit_)'
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.objid = {oid} AND e.deptype = 'e')"""

_NAMED = """
SELECT g.user_view_schema || '.' || g.user_view_name, g.mat_hypertable_id,
  m.schema_name::text, m.table_name::text
FROM _timescaledb_catalog.continuous_agg g
JOIN _timescaledb_catalog.hypertable m ON m.id = g.mat_hypertable_id
"""

# Each gives a name and any number of columns that have to be equal.
_OBJECTS: Mapping[str, str] = {
    "schema": f"""
SELECT n.nspname, n.nspowner::regrole, n.nspacl::text, obj_description(n.oid, 'pg_namespace')
FROM pg_namespace n WHERE {_OWN.format(oid="n.oid")}""",
    "relation": f"""
SELECT c.oid::regclass, c.relkind, c.relowner::regrole, {{acl:c.relacl}}, c.reloptions::text,
  c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.relispopulated, c.relreplident,
  obj_description(c.oid, 'pg_class')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'i') AND {_OWN.format(oid="c.oid")}""",
    "column": f"""
SELECT c.oid::regclass || '.' || a.attname,
  row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum), a.attnotnull,
  format_type(a.atttypid, a.atttypmod), a.attidentity, a.attgenerated,
  pg_get_expr(d.adbin, d.adrelid), a.attcollation, a.attstattarget, a.attstorage, {{acl:a.attacl}},
  col_description(c.oid, a.attnum)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND {_OWN.format(oid="c.oid")}""",
    "index": f"""
SELECT i.indexrelid::regclass, pg_get_indexdef(i.indexrelid), i.indisunique, i.indisvalid,
  i.indisclustered
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {_OWN.format(oid="c.oid")}""",
    "constraint": f"""
SELECT c.oid::regclass || '.' || k.conname, pg_get_constraintdef(k.oid), k.convalidated,
  obj_description(k.oid, 'pg_constraint')
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_OWN.format(oid="c.oid")}""",
    "trigger": f"""
SELECT c.oid::regclass || '.' || t.tgname, pg_get_triggerdef(t.oid), t.tgenabled
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND {_OWN.format(oid="c.oid")}""",
    "view": f"""
SELECT c.oid::regclass, pg_get_viewdef(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('v', 'm') AND {_OWN.format(oid="c.oid")}""",
    "function": f"""
SELECT p.oid::regprocedure, CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END, p.prosrc,
  p.proowner::regrole, {{acl:p.proacl}}, obj_description(p.oid, 'pg_proc')
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {_OWN.format(oid="p.oid")}""",
    "sequence": """
SELECT format('%I.%I', schemaname, sequencename), data_type, start_value, increment_by, cycle,
  last_value FROM pg_sequences WHERE schemaname !~ '^_'""",
    "row-level security": f"""
SELECT c.oid::regclass || '.' || p.polname, p.polcmd, p.polroles::regrole[]::text,
  pg_get_expr(p.polqual, c.oid), pg_get_expr(p.polwithcheck, c.oid)
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {_OWN.format(oid="c.oid")}""",
    "dimension": """
SELECT h.schema_name || '.' || h.table_name || '.' || d.column_name, d.column_type::regtype,
  d.aligned, d.num_slices, d.partitioning_func, d.interval_length, d.integer_now_func_schema,
  d.integer_now_func, row_number() OVER (PARTITION BY h.id ORDER BY d.id)
FROM _timescaledb_catalog.dimension d
JOIN _timescaledb_catalog.hypertable h ON h.id = d.hypertable_id
WHERE h.schema_name !~ '^_timescaledb' OR h.table_name ~ '^_mat'""",
    "chunk": """
SELECT concat_ws(' ', c.hypertable_schema, c.hypertable_name, c.range_start, c.range_end,
  c.range_start_integer, c.range_end_integer), c.is_compressed,
  (SELECT count(*) FROM pg_index i WHERE i.indrelid = r.oid),
  (SELECT string_agg(t.tgname, ',' ORDER BY t.tgname) FROM pg_trigger t
   WHERE t.tgrelid = r.oid AND NOT t.tgisinternal),
  r.relowner::regrole, {acl:r.relacl}
FROM timescaledb_information.chunks c
JOIN pg_class r ON r.oid = format('%I.%I', c.chunk_schema, c.chunk_name)::regclass""",
    "continuous aggregate": """
SELECT v.view_schema || '.' || v.view_name, v.view_owner, v.materialized_only,
  v.compression_enabled, v.view_definition, v.hypertable_schema, v.hypertable_name
FROM timescaledb_information.continuous_aggregates v""",
    "materialization": """
SELECT c.oid::regclass, c.relkind, c.relowner::regrole, {acl:c.relacl},
  (SELECT string_agg(pg_get_indexdef(i.indexrelid), E'\\n' ORDER BY pg_get_indexdef(i.indexrelid))
   FROM pg_index i WHERE i.indrelid = c.oid),
  (SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' '
     || a.attnotnull || ' ' || coalesce({acl:a.attacl}, ''), E'\\n' ORDER BY a.attnum)
   FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
  (SELECT string_agg(t.tgname, ',' ORDER BY t.tgname) FROM pg_trigger t
   WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = '_timescaledb_internal'
  AND c.relname ~ '^_(materialized_hypertable|partial_view|direct_view)_[0-9]+$'""",
    "bucket": """
SELECT g.user_view_schema || '.' || g.user_view_name, b.facts
FROM _timescaledb_catalog.continuous_agg g
LEFT JOIN (SELECT mat_hypertable_id, to_jsonb(f) - 'mat_hypertable_id'
           FROM _timescaledb_catalog.continuous_aggs_bucket_function f) b (id, facts)
  ON b.id = g.mat_hypertable_id""",
    "compression": """
SELECT hypertable_schema || '.' || hypertable_name || '.' || attname, segmentby_column_index,
  orderby_column_index, orderby_asc, orderby_nullsfirst
FROM timescaledb_information.compression_settings""",
    "watermark": """
SELECT g.user_view_schema || '.' || g.user_view_name, w.watermark
FROM _timescaledb_catalog.continuous_agg g
LEFT JOIN _timescaledb_catalog.continuous_aggs_watermark w USING (mat_hypertable_id)""",
    "job": """
SELECT concat_ws(' ', j.proc_schema, j.proc_name, j.schedule_interval,
    coalesce(g.user_view_schema || '.' || g.user_view_name, h.schema_name || '.' || h.table_name)),
  regexp_replace(j.application_name, ' \\[\\d+\\]$', ''), j.max_runtime, j.max_retries,
  j.retry_period, j.owner, j.scheduled, j.fixed_schedule, j.initial_start, j.timezone,
  j.config::jsonb - 'hypertable_id' - 'mat_hypertable_id', j.check_schema, j.check_name
FROM _timescaledb_config.bgw_job j
LEFT JOIN _timescaledb_catalog.hypertable h ON h.id = j.hypertable_id
LEFT JOIN _timescaledb_catalog.continuous_agg g ON g.mat_hypertable_id = j.hypertable_id
WHERE j.id >= 1000""",
}

ALL_KINDS = frozenset((*_OBJECTS, "rows", "view rows"))
ROWS = frozenset(("rows", "view rows", "watermark"))
"""What is the same whatever the versions."""

_ACL = re.compile(r"\{acl:([a-z.]+)\}")
_SORTED_ACL = r"""(SELECT string_agg(x, ' ' ORDER BY x) FROM unnest(\1::text[]) x)"""

_RELATIONS = f"""
SELECT c.oid::regclass::text, c.relkind::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN _timescaledb_catalog.continuous_agg g
  ON g.user_view_schema = n.nspname AND g.user_view_name = c.relname
WHERE c.relkind IN ('r', 'v', 'm') AND c.relispopulated AND g.mat_hypertable_id IS NULL
  AND {_OWN.format(oid="c.oid")}
"""

_CAGGS = """
SELECT format('%I.%I', g.user_view_schema, g.user_view_name),
  format('%I.%I', m.schema_name, m.table_name), quote_ident(d.column_name), w.watermark,
  g.materialized_only, d.column_type::regtype::text
FROM _timescaledb_catalog.continuous_agg g
JOIN _timescaledb_catalog.hypertable m ON m.id = g.mat_hypertable_id
JOIN _timescaledb_catalog.dimension d ON d.hypertable_id = m.id
LEFT JOIN _timescaledb_catalog.continuous_aggs_watermark w ON w.mat_hypertable_id = m.id
"""

_NEVER = -200_000_000_000_000_000
"""A watermark before this is that of one that was never refreshed."""

Picture = dict[str, str]


async def picture(end: Endpoint, kinds: frozenset[str] = ALL_KINDS) -> Picture:
    """`kind name` -> everything of it."""
    found: Picture = {}
    async with connected(end) as connection:
        for setting in ("search_path = ''", "TimeZone = 'UTC'", "IntervalStyle = 'postgres'"):
            await connection.execute(f"SET {setting}".encode())
        names = await rows(connection, _NAMED)
        for kind, query in _OBJECTS.items():
            if kind in kinds:
                for row in await rows(connection, _sql(query)):
                    name, *facts = (_plain(str(value), names) for value in row)
                    text = "\n".join(facts)
                    key = f"{kind} {name}"
                    found[key] = "\n\n".join(sorted([*found.get(key, "").split("\n\n"), text]))
        if "rows" in kinds or "view rows" in kinds:
            found |= {key: text async for key, text in _rows(connection, kinds)}
    return found


def differences(source: Picture, target: Picture) -> list[str]:
    """What is not the same, with both texts."""
    return [
        f"{key}\n  source: {source.get(key, 'nothing')}\n  target: {target.get(key, 'nothing')}"
        for key in sorted(source.keys() | target.keys())
        if source.get(key) != target.get(key)
    ]


def _sql(query: str) -> str:
    return _ACL.sub(_SORTED_ACL, query)


def _plain(text: str, names: list[tuple[str, int, str, str]]) -> str:
    """Names that hold ids of continuous aggregates by what they stand for."""
    for label, id, _schema, _table in names:
        text = re.sub(
            rf"(_materialized_hypertable|_partial_view|_direct_view)_{id}(?!\d)",
            rf"\1 of {label}",
            text,
        )
        text = re.sub(rf"cagg_watermark\({id}\)", f"cagg_watermark({label})", text)
    return re.sub(r"(continuous_agg_invalidation_trigger)\('\d+'\)", r"\1", text)


async def _rows(connection: Connection, kinds: frozenset[str]) -> AsyncIterator[tuple[str, str]]:
    for name, kind in await rows(connection, _RELATIONS):
        if ("view rows" if kind == "v" else "rows") in kinds:
            yield f"rows {name}", await _digest(connection, f"SELECT t::text FROM {name} t")
    for view, table, column, watermark, only, kind in await rows(connection, _CAGGS):
        yield f"rows stored {view}", await _digest(connection, f"SELECT t::text FROM {table} t")
        if "view rows" not in kinds:
            continue
        below = "true" if only or watermark is None else _below(column, watermark, kind)
        yield (
            f"rows below the watermark {view}",
            await _digest(connection, f"SELECT t::text FROM {view} t WHERE {below}"),
        )


def _below(column: str, time: int, kind: str) -> str:
    if kind in ("bigint", "integer", "smallint"):
        return f"{column} < {time}"
    if time < _NEVER:
        return "false"
    stamp = f"('epoch'::timestamptz + {time} * INTERVAL '1 microsecond')"
    if kind != "timestamp with time zone":
        stamp = f"({stamp} AT TIME ZONE 'UTC')::{kind}"
    return f"{column} < {stamp}"


async def _digest(connection: Connection, query: str) -> str:
    texts = sorted(row[0] for row in await rows(connection, sql.SQL(query)))
    return f"{len(texts)} {hashlib.sha256(chr(10).join(texts).encode()).hexdigest()}"


async def same_version(*ends: Endpoint) -> bool:
    """Have all of them the same version of TimescaleDB?"""
    found = set()
    for end in ends:
        async with connected(end) as connection:
            found |= set(await rows(connection, _VERSION))
    return len(found) == 1


_VERSION = "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'"


async def stored_rows(end: Endpoint, *, before: str = "", since: str = "") -> dict[str, list[str]]:
    """Materialized rows of a time, of every continuous aggregate that goes by time."""
    found = {}
    async with connected(end) as connection:
        await connection.execute("SET TimeZone = 'UTC'")
        for view, table, column, _watermark, _only, kind in await rows(connection, _CAGGS):
            if kind not in ("bigint", "integer", "smallint"):
                where = f"{column} < '{before}'" if before else f"{column} >= '{since}'"
                query = f"SELECT t::text FROM {table} t WHERE {where} ORDER BY 1"
                found[view] = [text for (text,) in await rows(connection, sql.SQL(query))]
    return found
