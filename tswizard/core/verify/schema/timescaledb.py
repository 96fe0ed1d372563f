"""TimescaleDB's objects: hypertables, dimensions, chunks, compression settings, continuous
aggregates, jobs.

Whole rows of its catalog become JSON, so columns that only some versions have need no special case;
ids that only link rows are replaced by names. Layout by version: sql/pre_install/tables.sql of
timescaledb 2.9 to 2.29.
"""

from tswizard.core.catalog.catalog_shape import (
    CAGG,
    CHUNK,
    COMPRESSION_SETTINGS,
    HYPERTABLE,
    HYPERTABLE_COMPRESSION,
)
from tswizard.core.catalog.hypertables import slices_of_chunks
from tswizard.core.catalog.jobs import FIRST_USER_JOB
from tswizard.core.verify.schema.catalog_sql import Catalogs, json_object


def _quoted(schema: str, name: str) -> str:
    return f"pg_catalog.quote_ident({schema}) || '.' || pg_catalog.quote_ident({name})"


def _hypertable(alias: str) -> str:
    return _quoted(f"{alias}.schema_name", f"{alias}.table_name")


def _part(alias: str) -> str:
    """Hypertables in the internal schema belong to another hypertable."""
    name = _hypertable(alias)
    return f"CASE WHEN {alias}.schema_name = '_timescaledb_internal' THEN {name} END"


def hypertables(catalogs: Catalogs) -> str:
    links = "'id', 'schema_name', 'table_name', 'compressed_hypertable_id'"
    compressed = "NULL"
    if catalogs.shape.has(HYPERTABLE, "compressed_hypertable_id"):
        compressed = _hypertable("z")
    definition = json_object(
        row=f"pg_catalog.to_jsonb(h) - ARRAY[{links}]",
        compressed=compressed,
        tablespaces="""(
      SELECT pg_catalog.jsonb_agg(s.tablespace_name ORDER BY s.tablespace_name)
      FROM _timescaledb_catalog.tablespace s WHERE s.hypertable_id = h.id)""",
    )
    join = (
        f"LEFT JOIN {HYPERTABLE} z ON z.id = h.compressed_hypertable_id"
        if compressed != "NULL"
        else ""
    )
    return f"""
SELECT 'hypertable', {_hypertable("h")}, {_part("h")}, {definition}
FROM {HYPERTABLE} h
{join}
"""


def dimensions(_catalogs: Catalogs) -> str:
    """Each dimension: number, column and its type, interval or partitions, functions."""
    definition = json_object(
        number="""(
      SELECT pg_catalog.count(*) FROM _timescaledb_catalog.dimension o
      WHERE o.hypertable_id = d.hypertable_id AND o.id <= d.id)""",
        row="pg_catalog.to_jsonb(d) - ARRAY['id', 'hypertable_id', 'column_name']",
    )
    return f"""
SELECT 'dimension', {_hypertable("h")} || '.' || pg_catalog.quote_ident(d.column_name),
  {_part("h")}, {definition}
FROM _timescaledb_catalog.dimension d
JOIN {HYPERTABLE} h ON h.id = d.hypertable_id
"""


def chunks(catalogs: Catalogs) -> str:
    """Each chunk with its slices, its status, and the table of its compressed rows.

    Before 2.26 a dropped chunk that a continuous aggregate still refers to leaves a row without a
    table.
    """
    shape = catalogs.shape
    links = "'id', 'hypertable_id', 'schema_name', 'table_name', 'relid', 'compressed_chunk_id'"
    name = (
        "k.relid::regclass::text"
        if shape.has(CHUNK, "relid")
        else _quoted("k.schema_name", "k.table_name")
    )
    compressed, join = "NULL", ""
    if shape.has(CHUNK, "compressed_chunk_id"):
        compressed = _quoted("z.schema_name", "z.table_name")
        join = f"LEFT JOIN {CHUNK} z ON z.id = k.compressed_chunk_id"
    elif shape.has(COMPRESSION_SETTINGS, "compress_relid"):
        compressed = "z.compress_relid::text"
        join = f"LEFT JOIN {COMPRESSION_SETTINGS} z ON z.relid = k.relid"
    definition = json_object(
        hypertable=_hypertable("h"),
        row=f"pg_catalog.to_jsonb(k) - ARRAY[{links}]",
        compressed=compressed,
        slices="sl.slices",
    )
    return f"""
SELECT 'chunk', {name}, {name}, {definition}
FROM {CHUNK} k
JOIN {HYPERTABLE} h ON h.id = k.hypertable_id
{join}
LEFT JOIN (
  SELECT s.chunk, pg_catalog.jsonb_object_agg(d.column_name,
    s.range_start || ' to ' || s.range_end) AS slices
  FROM ({slices_of_chunks(shape)}) s JOIN _timescaledb_catalog.dimension d ON d.id = s.dimension_id
  GROUP BY s.chunk
) sl ON sl.chunk = k.id
"""


def compression_settings(catalogs: Catalogs) -> str:
    """Of hypertables, and since 2.14 also of each compressed chunk."""
    if catalogs.shape.has(COMPRESSION_SETTINGS):
        definition = json_object(row="pg_catalog.to_jsonb(s) - ARRAY['relid']")
        return f"""
SELECT 'compression-setting', s.relid::text,
  CASE WHEN NOT EXISTS (
    SELECT FROM {HYPERTABLE} h
    JOIN pg_catalog.pg_namespace n ON n.nspname = h.schema_name
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = h.table_name
    WHERE c.oid = s.relid AND n.nspname <> '_timescaledb_internal') THEN s.relid::text END,
  {definition}
FROM {COMPRESSION_SETTINGS} s
"""
    definition = json_object(row="pg_catalog.to_jsonb(s) - ARRAY['hypertable_id', 'attname']")
    return f"""
SELECT 'compression-setting', {_hypertable("h")} || '.' || pg_catalog.quote_ident(s.attname),
  {_part("h")}, {definition}
FROM {HYPERTABLE_COMPRESSION} s JOIN {HYPERTABLE} h ON h.id = s.hypertable_id
"""


def caggs(catalogs: Catalogs) -> str:
    """Continuous aggregates: options, hypertable or parent, bucket function, definition."""
    links = "'mat_hypertable_id', 'raw_hypertable_id', 'parent_mat_hypertable_id'"
    bucket = "NULL"
    if catalogs.shape.has("_timescaledb_catalog.continuous_aggs_bucket_function"):
        bucket = """(
      SELECT pg_catalog.to_jsonb(b) - 'mat_hypertable_id'
      FROM _timescaledb_catalog.continuous_aggs_bucket_function b
      WHERE b.mat_hypertable_id = g.mat_hypertable_id)"""
    definition = json_object(
        row=f"pg_catalog.to_jsonb(g) - ARRAY[{links}]",
        raw=_hypertable("r"),
        materialization=_hypertable("m"),
        parent=_quoted("p.user_view_schema", "p.user_view_name"),
        bucket=bucket,
        definition="""(
      SELECT pg_catalog.pg_get_viewdef(c.oid) FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = g.direct_view_schema AND c.relname = g.direct_view_name)""",
    )
    return f"""
SELECT 'continuous-aggregate', {_quoted("g.user_view_schema", "g.user_view_name")}, NULL::text,
  {definition}
FROM {CAGG} g
JOIN {HYPERTABLE} m ON m.id = g.mat_hypertable_id
LEFT JOIN {HYPERTABLE} r ON r.id = g.raw_hypertable_id
LEFT JOIN {CAGG} p ON p.mat_hypertable_id = g.parent_mat_hypertable_id
"""


def jobs(catalogs: Catalogs) -> str:
    """All of a job except whether it is scheduled: on the target jobs are paused until the end."""
    definition = json_object(
        row="pg_catalog.to_jsonb(j) - ARRAY['id', 'scheduled', 'hypertable_id']",
        hypertable=f"COALESCE({_quoted('g.user_view_schema', 'g.user_view_name')}, "
        f"{_hypertable('h')})",
    )
    return f"""
SELECT 'job', j.id::text, NULL::text, {definition}
FROM {catalogs.shape.jobs} j
LEFT JOIN {HYPERTABLE} h ON h.id = j.hypertable_id
LEFT JOIN {CAGG} g ON g.mat_hypertable_id = j.hypertable_id
WHERE j.id >= {FIRST_USER_JOB}
"""


def built_in_jobs(catalogs: Catalogs) -> str:
    """TimescaleDB's own jobs, which every database with the extension has and no dump holds; known
    by their procedure. The schema of procedures, and so their checks, depends on the version."""
    names = "'id', 'application_name', 'proc_schema', 'proc_name', 'check_schema', 'check_name'"
    definition = json_object(
        row=f"pg_catalog.to_jsonb(j) - ARRAY[{names}, 'owner', 'hypertable_id']"
    )
    return f"""
SELECT 'built-in-job', pg_catalog.quote_ident(j.proc_name), NULL::text, {definition}
FROM {catalogs.shape.jobs} j
WHERE j.id < {FIRST_USER_JOB}
"""
