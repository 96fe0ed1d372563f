"""Functions of bash that the steps of a split migration by hand call, made for the catalogs of
these two servers."""

from importlib.resources import files

from tswizard.core.catalog.cagg_state import (
    CAGGS_WITH_TIME,
    LOG,
    NO_END,
    OWED_RANGES,
    RAW_LOG,
    live_slices,
)
from tswizard.core.catalog.catalog_shape import HYPERTABLE, Shape
from tswizard.core.catalog.hypertables import chunk_relations, slices_of_chunks
from tswizard.core.db.identifiers import literal, qualified
from tswizard.core.dump.toc import PG_CLASS, PG_TRIGGER
from tswizard.core.model.object_selection import chosen_caggs
from tswizard.core.model.plan import Task
from tswizard.core.split.by_hand.facts import SplitFacts
from tswizard.core.split.schema.toc_selection import EXTENSION_GRANTS, special_query
from tswizard.core.steps.partition_triggers import PARTITION_TRIGGERS, has_partition_triggers

_SKIP = "timescaledb.skip_cagg_invalidation"
_UNBATCHED = """, options => '{"buckets_per_batch": 0}'"""


LOGGED = "Its messages are in $WORK/restore-*.log; any error that is not expected stops the script."
"""What is expected of `restore_list`."""


def split_functions(task: Task, facts: SplitFacts) -> str:
    """All that this migration needs."""
    chosen = chosen_caggs(task.inventory, task.answers)
    text = _filled(
        "functions.sh",
        {
            "SPECIAL": _special(task, facts, [cagg.label for cagg in chosen]),
            "GRANTS": f"{EXTENSION_GRANTS.strip()};",
            "CHUNKS": _chunks(facts),
            "COMPRESS": qualified(facts.schema, "compress_chunk"),
            # Not of chunks whose changes a continuous aggregate has to learn of (2.28 and later).
            "SKIP": f"-c 'SET {_SKIP} = on' " if facts.refresh.batches else "",
        },
    )
    if not chosen:
        return text
    options = _UNBATCHED if facts.refresh.batches else ""
    return f"{text}\n" + _filled(
        "cagg_functions.sh",
        {
            "HERE": _functions_schema(facts.here),
            "THERE": _functions_schema(facts.there),
            "REFRESH": qualified(facts.schema, "refresh_continuous_aggregate"),
            "SKIP_SQL": f"SET {_SKIP} = on;" if facts.refresh.batches else "-- nothing to set here",
            "OPTIONS_QUOTED": options.replace("'", "''"),
            "OPTIONS": options,
            "FACTS": _facts_query(facts.here),
            "VALID": _valid_query(facts.here),
        },
    )


def _special(task: Task, facts: SplitFacts, caggs: list[str]) -> str:
    query = special_query(facts.here, caggs)
    if has_partition_triggers(task):
        query += f"\nUNION ALL SELECT 'skip', {PG_TRIGGER}, q.* FROM ({PARTITION_TRIGGERS}) q"
    for index in facts.unique_first:
        name = literal(qualified(index.schema, index.name))
        query += f"\nUNION ALL SELECT 'skip', {PG_CLASS}, {name}::pg_catalog.regclass::oid"
    return f"{query};"


def _filled(name: str, values: dict[str, str]) -> str:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text


def _functions_schema(shape: Shape) -> str:
    return shape.function("time_to_internal").partition(".")[0]


def _chunks(facts: SplitFacts) -> str:
    """Writes a statement for the target for each chunk: it creates it where it is missing, and
    prints the chunk of the source, whether it is compressed there, and the one here."""
    shape = facts.here
    create = facts.there.function("create_chunk")
    return f"""SELECT 'SET search_path = {facts.search_path};';
SELECT pg_catalog.format('SELECT %L, %L, pg_catalog.format(''%%I.%%I'', schema_name, table_name) '
  'FROM {create}(%L, %L::jsonb);', chunk, state, :'into', slices)
FROM (
  SELECT k.id, pg_catalog.format('%I.%I', n.nspname, c.relname) AS chunk,
    CASE WHEN k.status & 1 = 1 THEN 'compressed' ELSE 'plain' END AS state,
    pg_catalog.jsonb_object_agg(d.column_name,
      pg_catalog.jsonb_build_array(s.range_start, s.range_end)) AS slices
  FROM ({chunk_relations(shape).strip()}) k
  JOIN {HYPERTABLE} h ON h.id = k.hypertable_id
  JOIN pg_catalog.pg_class c ON c.oid = k.rel
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN ({slices_of_chunks(shape)}) s ON s.chunk = k.id
  JOIN _timescaledb_catalog.dimension d ON d.id = s.dimension_id
  WHERE h.schema_name = :'schema' AND h.table_name = :'name' AND NOT k.tiered
  GROUP BY 1, 2, 3) x
ORDER BY id;"""


def _facts_query(shape: Shape) -> str:
    internal = shape.function("time_to_internal")
    return f"""SELECT m.id AS mat_id, r.id AS raw_id, rd.id AS raw_dimension,
  pg_catalog.format('%I.%I', m.schema_name, m.table_name) AS mat,
  pg_catalog.format('%I.%I', r.schema_name, r.table_name) AS raw,
  pg_catalog.quote_ident(md.column_name) AS mat_time,
  CASE WHEN rd.column_type = 'uuid'::pg_catalog.regtype
    THEN pg_catalog.format('%I.uuid_timestamp(%I)', e.extnamespace::pg_catalog.regnamespace,
      rd.column_name)
    ELSE pg_catalog.quote_ident(rd.column_name) END AS raw_time
{CAGGS_WITH_TIME}JOIN pg_catalog.pg_extension e ON e.extname = 'timescaledb'
WHERE g.user_view_schema = :'schema' AND g.user_view_name = :'name' \\gset
SELECT COALESCE({internal}(pg_catalog.min(:mat_time))::text, '') AS first_bucket,
  COALESCE({internal}(pg_catalog.max(:mat_time))::text, '') AS last FROM :mat \\gset
SELECT COALESCE({internal}(pg_catalog.min(:raw_time))::text, '') AS first_raw FROM :raw \\gset
SELECT COALESCE(pg_catalog.min(s.range_start)::text, '') AS raw_from
FROM {live_slices(shape)} AND s.dimension_id = :raw_dimension \\gset
SELECT COALESCE((CASE WHEN pg_catalog.count(*) = 0
    THEN {shape.function("cagg_watermark")}(:mat_id)
  WHEN pg_catalog.min(lowest_modified_value) > :first
    THEN pg_catalog.min(lowest_modified_value) END)::text, '') AS until
FROM {LOG} WHERE materialization_id = :mat_id AND greatest_modified_value = {NO_END} \\gset"""


def _valid_query(shape: Shape) -> str:
    """Start, end, and whether integers need a refresh of everything behind it, of every range that
    no refresh may compute again. What is gone from the raw rows is valid, or history would go."""
    owed = ""
    if shape.has(OWED_RANGES):
        owed = f"""
  UNION ALL SELECT lowest_modified_value, greatest_modified_value
  FROM {OWED_RANGES} WHERE materialization_id = :mat_id"""
    return f"""WITH given AS (
  SELECT NULLIF(:'first_bucket', '')::bigint AS first_bucket, NULLIF(:'last', '')::bigint AS last,
    NULLIF(:'first_raw', '')::bigint AS first_raw, NULLIF(:'raw_from', '')::bigint AS raw_from,
    NULLIF(:'until', '')::bigint AS until
), history AS (
  SELECT CASE WHEN first_bucket IS NULL OR first_bucket >= raw_from THEN NULL
    WHEN raw_from IS NULL THEN until
    WHEN NOT :'fixed' THEN raw_from + :width
    ELSE last - pg_catalog.floor((last - raw_from)::numeric / :width)::bigint * :width END AS kept
  FROM given
), changed (low, high) AS (
  SELECT lowest_modified_value, greatest_modified_value
  FROM {LOG} WHERE materialization_id = :mat_id AND greatest_modified_value <> {NO_END}
  UNION ALL SELECT lowest_modified_value, greatest_modified_value
  FROM {RAW_LOG} WHERE hypertable_id = :raw_id{owed}
), invalid AS (
  SELECT GREATEST(c.low, h.kept, :first) AS low, LEAST(c.high, g.until - 1) AS high
  FROM changed c, history h, given g WHERE g.until IS NOT NULL
), bounds AS (
  SELECT i.low, i.high FROM invalid i
  WHERE i.low <= i.high AND EXISTS (SELECT FROM :raw r
    WHERE :raw_time >= :converts((GREATEST(i.low::numeric - :width, :first))::bigint)
      AND :raw_time <= :converts((i.high::numeric + :width)::bigint))
  UNION ALL SELECT until, NULL FROM given WHERE until IS NOT NULL
), ranges AS (
  SELECT pg_catalog.max(high) OVER (ORDER BY low, high
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) + 1 AS start, low AS end_before,
    :'kind' IN ('smallint', 'integer', 'bigint') AS counted
  FROM bounds
)
SELECT CASE WHEN r.start IS NOT NULL THEN r.start::text
    WHEN r.counted THEN (LEAST(g.first_bucket, g.first_raw, r.end_before) - :width)::text
    ELSE '-' END, r.end_before, r.start IS NULL AND r.counted
FROM ranges r, given g
WHERE r.start IS NULL AND r.end_before > :first OR r.end_before - r.start >= 2 * :width
ORDER BY r.end_before;"""
