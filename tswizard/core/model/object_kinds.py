"""Kinds of objects that are compared: their names, and how serious a difference is."""

from dataclasses import dataclass

from tswizard.core.model.finding import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectKind:
    """One kind of object.

    `soft` are properties whose difference loses nothing (a restore cannot always keep them): they
    are a `look`. `missing` is the level of an object that the target lacks, `extra` that of one
    that only the target has.
    """

    id: str
    one: str
    many: str
    group: str
    soft: frozenset[str] = frozenset()
    missing: Level = Level.FAIL
    extra: Level = Level.LOOK
    todo: str = ""
    """What to do where it is missing or differs; empty: whatever the finding's level asks for."""

    @property
    def main(self) -> bool:
        """One of those that a short line lists first."""
        return self.id in ("table", "index", "foreign-key", "view", "function")

    @property
    def named_by_group(self) -> bool:
        """The name of the group already names the kind."""
        return self.many == self.group or self.id in ("job", "sequence-value")


SCHEMA, HYPERTABLES, CAGGS, POLICIES, SEQUENCES, PRIVILEGES = (
    "schema",
    "hypertables",
    "continuous aggregates",
    "policies",
    "sequences",
    "privileges",
)
GROUPS = (SCHEMA, HYPERTABLES, CAGGS, POLICIES, SEQUENCES, PRIVILEGES)
"""Each is one line of the checklist, in this order."""

_ONE = {
    "check": "CHECK constraint",
    "foreign-data-wrapper": "foreign-data wrapper",
    "policy": "row-level security policy",
    "job": "policy or job",
    "aggregate": "aggregate function",
    "sequence-value": "sequence value",
    "extension-member": "member of extensions",
    "built-in-job": "built-in job",
    "catalog-row": "row of TimescaleDB's catalog",
}


def _kind(
    id: str,
    many: str,
    group: str,
    *soft: str,
    missing: Level = Level.FAIL,
    extra: Level = Level.LOOK,
    todo: str = "",
) -> ObjectKind:
    return ObjectKind(
        id=id,
        one=_ONE.get(id, id.replace("-", " ")),
        many=many,
        group=group,
        soft=frozenset(soft),
        missing=missing,
        extra=extra,
        todo=todo,
    )


_FAIL, _PASS, _LOOK = Level.FAIL, Level.PASS, Level.LOOK

# What changes the rows that are written or read is a `fail` even where only the target has it.
_ALL = (
    _kind("schema", "schemas", SCHEMA),
    # A target may have extensions of its own, and others in a newer version.
    _kind(
        "extension",
        "extensions",
        SCHEMA,
        "version",
        "schema",
        extra=_PASS,
        todo="See whether the other version works for you; otherwise run ALTER EXTENSION … UPDATE.",
    ),
    _kind(
        "extension-member",
        "members of extensions",
        SCHEMA,
        extra=_PASS,
        todo="pg_dump leaves out what was added to an extension (ALTER EXTENSION … ADD …). Create "
        "it on the target by hand, with its rows; or take it out of the extension on the source "
        "(ALTER EXTENSION … DROP …), and migrate again.",
    ),
    # pg_dump writes inherited columns first.
    _kind("table", "tables", SCHEMA, "tablespace", "column_order"),
    _kind("column", "columns", SCHEMA, extra=_FAIL),
    _kind("primary-key", "primary keys", SCHEMA, extra=_FAIL),
    _kind("unique-constraint", "unique constraints", SCHEMA, extra=_FAIL),
    _kind("foreign-key", "foreign keys", SCHEMA, extra=_FAIL),
    _kind("check", "CHECK constraints", SCHEMA, extra=_FAIL),
    _kind("exclusion-constraint", "exclusion constraints", SCHEMA, extra=_FAIL),
    _kind("not-null-constraint", "not-null constraints", SCHEMA, extra=_FAIL),
    _kind("index", "indexes", SCHEMA, "tablespace", "storage_parameters"),
    _kind("trigger", "triggers", SCHEMA, extra=_FAIL),
    _kind("event-trigger", "event triggers", SCHEMA, extra=_FAIL),
    _kind("rule", "rules", SCHEMA, extra=_FAIL),
    _kind("view", "views", SCHEMA),
    _kind("materialized-view", "materialized views", SCHEMA, "tablespace"),
    _kind("function", "functions", SCHEMA),
    _kind("procedure", "procedures", SCHEMA),
    _kind("aggregate", "aggregate functions", SCHEMA),
    _kind("window-function", "window functions", SCHEMA),
    _kind("operator", "operators", SCHEMA),
    _kind("operator-class", "operator classes", SCHEMA),
    _kind("operator-family", "operator families", SCHEMA),
    _kind("cast", "casts", SCHEMA),
    _kind("transform", "transforms", SCHEMA),
    _kind("conversion", "conversions", SCHEMA),
    _kind("language", "languages", SCHEMA),
    _kind("access-method", "access methods", SCHEMA),
    _kind("enum", "enums", SCHEMA),
    _kind("composite-type", "composite types", SCHEMA),
    _kind("domain", "domains", SCHEMA),
    _kind("range-type", "range types", SCHEMA),
    _kind("base-type", "base types", SCHEMA),
    _kind("collation", "collations", SCHEMA, "version"),
    _kind("statistics-object", "statistics objects", SCHEMA),
    _kind("text-search-configuration", "text search configurations", SCHEMA),
    _kind("text-search-dictionary", "text search dictionaries", SCHEMA),
    _kind("text-search-parser", "text search parsers", SCHEMA),
    _kind("text-search-template", "text search templates", SCHEMA),
    _kind("foreign-data-wrapper", "foreign-data wrappers", SCHEMA),
    _kind("foreign-server", "foreign servers", SCHEMA),
    _kind("user-mapping", "user mappings", SCHEMA),
    _kind("publication", "publications", SCHEMA),
    # pg_dump skips subscriptions for a role that is not a superuser.
    _kind(
        "subscription",
        "subscriptions",
        SCHEMA,
        "enabled",
        missing=_LOOK,
        todo="Create it by hand on the target once the old service no longer applies it.",
    ),
    _kind("comment", "comments", SCHEMA),
    _kind("security-label", "security labels", SCHEMA),
    # Neither pg_dump nor pg_restore transfers settings of the database itself.
    _kind(
        "database-setting",
        "database settings",
        SCHEMA,
        "value",
        missing=_LOOK,
        extra=_PASS,
        todo="Set the ones you want with ALTER DATABASE … SET … on the target; for privileges, the "
        "connection limit and the comment run these statements.",
    ),
    _kind("sequence", "sequences", SEQUENCES),
    _kind("sequence-value", "sequence values", SEQUENCES),
    _kind("hypertable", "hypertables", HYPERTABLES, "tablespaces"),
    _kind("dimension", "dimensions", HYPERTABLES),
    _kind("chunk", "chunks", HYPERTABLES, "frozen"),
    _kind("compression-setting", "compression settings", HYPERTABLES),
    _kind("catalog-row", "rows of TimescaleDB's catalog", HYPERTABLES),
    _kind("continuous-aggregate", "continuous aggregates", CAGGS),
    _kind("job", "policies and jobs", POLICIES),
    # Every database has them; pg_dump skips their rows.
    _kind(
        "built-in-job",
        "built-in jobs",
        POLICIES,
        "scheduled",
        "schedule_interval",
        "config",
        "max_runtime",
        "max_retries",
        "retry_period",
        "fixed_schedule",
        "initial_start",
        "timezone",
        missing=_PASS,
        extra=_PASS,
        todo="Run these statements on the target. They belong to whoever installed TimescaleDB: a "
        "service may refuse them to your role; then ask its support.",
    ),
    _kind("policy", "row-level security policies", PRIVILEGES, extra=_FAIL),
    _kind(
        "grant",
        "grants",
        PRIVILEGES,
        todo="Create the missing roles on the target, then check again: the grants are applied "
        "then.",
    ),
    _kind(
        "default-privilege",
        "default privileges",
        PRIVILEGES,
        todo="Create the missing roles, then run ALTER DEFAULT PRIVILEGES for them again.",
    ),
    _kind(
        "owner",
        "owners",
        PRIVILEGES,
        todo="Where the owner matters (row-level security, jobs, privileges), run these statements "
        "on the target.",
    ),
)

OBJECT_KINDS = {kind.id: kind for kind in _ALL}
"""Every kind by id, in the order of the report."""
