"""The inventory of a database, as plain data.

Everything is read once by `catalog.read` and never changes. Names are unquoted; `qualified`
gives them ready for SQL. Sizes are bytes, intervals are the server's own text.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from tswizard.core.catalog.cagg_model import Cagg, CaggDependent
from tswizard.core.catalog.hazard_model import Hazards
from tswizard.core.catalog.hypertable_model import Hypertable
from tswizard.core.catalog.policy_kinds import USER_DEFINED, PolicyKind, policy_kind
from tswizard.core.catalog.role_model import RoleFacts
from tswizard.core.db.identifiers import qualified


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """The role we are connected as, and its attributes."""

    name: str
    superuser: bool
    createrole: bool
    bypass_rls: bool
    owns_database: bool
    creates: bool = True
    """Has CREATE on this database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server and database, as seen from one connection."""

    version_num: int
    """As `server_version_num`, e.g. 170005."""
    version: str
    timescaledb: str | None
    """Installed version in this database; None without the extension."""
    timescaledb_schema: str | None
    timescaledb_offered: tuple[str, ...]
    """Versions in pg_available_extension_versions."""
    license: str | None
    """`timescaledb.license`: "timescale" (community) or "apache"."""
    database: str
    encoding: str
    collate: str
    ctype: str
    size_bytes: int
    role: Role
    in_recovery: bool
    tls: str | None
    """TLS protocol of this connection, e.g. TLSv1.3; None without TLS."""
    latency_s: float
    """Median of a few round trips."""
    pooler: bool
    """The backend pid of the connection is not the server's: there is a pooler in between."""
    concurrent: bool
    """False where one backend serves every connection (the embedded server)."""
    restoring: bool
    """`timescaledb.restoring` is on for new sessions: a restore was not finished."""
    identity: str = ""
    """Equal for two connections to the same database of the same running server."""

    @property
    def major(self) -> int:
        return self.version_num // 10000


_ID_SUFFIX = re.compile(r" \[\d+\]$")
"""The id after the name of every job."""


class TableKind(StrEnum):
    PLAIN = "table"
    PARTITIONED = "partitioned"
    PARTITION = "partition"
    FOREIGN = "foreign table"
    MATVIEW = "materialized view"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that is not a hypertable, chunk or compressed chunk."""

    schema: str
    name: str
    kind: TableKind
    owner: str
    bytes: int
    rows_estimate: int
    unlogged: bool = False
    row_security: bool = False
    inherits: bool = False
    index_bytes: int = 0
    """The part of `bytes` in indexes."""

    @property
    def sql(self) -> str:
        return qualified(self.schema, self.name)

    @property
    def label(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job of the user (id >= 1000), from timescaledb_information.jobs."""

    id: int
    application: str
    proc_schema: str
    proc_name: str
    owner: str
    scheduled: bool
    schedule_interval: str
    config: str | None
    """JSON text."""
    on: tuple[str, str] | None
    """(schema, name) of its hypertable or continuous aggregate."""
    next_start: str | None = None
    """When the server will run it next, in UTC; None when paused or unknown."""
    fixed_schedule: bool = True
    initial_start: str | None = None
    timezone: str | None = None
    max_runtime: str = ""
    max_retries: int = -1
    retry_period: str = ""
    check: str | None = None
    """schema.name of the check function, quoted."""
    owner_by_oid: bool = True
    """The owner is stored as a role (2.10 and later), so a restore needs that role."""

    @property
    def target(self) -> str | None:
        """schema.name of its hypertable or continuous aggregate."""
        return ".".join(self.on) if self.on else None

    @property
    def kind(self) -> PolicyKind:
        return policy_kind(self.proc_schema, self.proc_name)

    @property
    def custom_name(self) -> str | None:
        """The name that a person gave it (2.20 and later); None for TimescaleDB's own."""
        name = _ID_SUFFIX.sub("", self.application)
        return None if name in self.kind.default_names else name

    @property
    def what(self) -> str:
        """What it does, for people: `retention`; a user-defined job by its procedure."""
        if self.kind is USER_DEFINED:
            return f"{self.proc_schema}.{self.proc_name}"
        return self.kind.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A sequence of the user and its value; its start value where it is not readable."""

    schema: str
    name: str
    last_value: int
    is_called: bool
    readable: bool = True
    """This role may read it."""

    @property
    def label(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A constraint of a hypertable, or a foreign key that references one."""

    oid: int
    schema: str
    table: str
    name: str
    kind: str
    """As pg_constraint.contype."""
    definition: str
    """From pg_get_constraintdef."""
    validated: bool
    storage: str | None
    """Storage parameters of its index, which pg_get_constraintdef lacks."""
    incoming: bool
    """A foreign key of a plain table that references a hypertable."""
    references: tuple[str, str] | None = None
    """Schema and name of the table that a foreign key references."""

    @property
    def label(self) -> str:
        return f"{self.schema}.{self.table}.{self.name}"

    @property
    def key(self) -> tuple[str, str, str]:
        return self.schema, self.table, self.name

    @property
    def on(self) -> tuple[str, str]:
        """Its table's schema and name."""
        return self.schema, self.table


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    name: str
    version: str
    schema: str
    used: bool = False
    """A user object depends on it: the type of a column, the operator of an index, a default."""
    owned: bool = True
    """Our role can drop it."""


@dataclass(frozen=True, slots=True)
class Offered:
    """An extension available on this server."""

    name: str
    versions: tuple[str, ...]
    default: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What else matters to a migration: mostly what a dump does not include."""

    objects: tuple[str, ...] = ()
    """Views, functions, types and schemas of the user, each as `kind schema.name`."""
    unreadable: tuple[str, ...] = ()
    """What a dump reads and this role cannot: tables, sequences, configuration of extensions."""
    unreadable_inside: tuple[str, ...] = ()
    """The same of objects that the user has in schemas of TimescaleDB."""
    filtered: tuple[str, ...] = ()
    """Tables whose rows row-level security would hide from this role; pg_dump refuses to dump
    them."""
    event_triggers: tuple[str, ...] = ()
    generated: tuple[str, ...] = ()
    """Generated columns, each as `schema.table.column`."""
    publications: tuple[str, ...] = ()
    subscriptions: tuple[str, ...] = ()
    slots: tuple[str, ...] = ()
    """Logical replication slots of this database."""
    foreign_servers: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    """ALTER DATABASE/ROLE … SET for this database: `role: name`, without values."""
    database_properties: tuple[str, ...] = ()
    """Privileges on the database of others than its owner, its connection limit and its comment,
    where they are not the default: `name: value`; of a comment only that there is one."""
    member_tables: tuple[str, ...] = ()
    """Tables with rows that belong to an extension without being its configuration, so that no
    dump holds them: `schema.table of extension`. Without TimescaleDB's."""
    tablespaces: tuple[str, ...] = ()
    """Tablespaces that tables, indexes or hypertables of this database use."""
    all_tablespaces: tuple[str, ...] = ()
    """All tablespaces of the server."""
    skipping: tuple[str, ...] = ()
    """Hypertables with chunk skipping whose marker row references no chunk."""
    locale_provider: str = ""
    """`libc`, `icu` or `builtin`; empty before PostgreSQL 15."""
    lock_slots: int = 0
    """Slots of the server's shared lock table; a dump takes one lock per table."""


_EXTENSION_SCHEMAS = (
    "_timescaledb_cache",
    "_timescaledb_catalog",
    "_timescaledb_config",
    "_timescaledb_debug",
    "_timescaledb_functions",
    "_timescaledb_internal",
)
"""Where a run folder of an earlier version does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Everything in a source or a target that concerns a migration."""

    server: Server
    extensions: tuple[Extension, ...]
    schemas: tuple[str, ...]
    """Schemas of the user (not the extension's, not PostgreSQL's)."""
    hypertables: tuple[Hypertable, ...]
    tables: tuple[Table, ...]
    caggs: tuple[Cagg, ...]
    jobs: tuple[Job, ...]
    sequences: tuple[Sequence, ...]
    roles_granted: tuple[str, ...]
    """Roles that own or are granted something here, without PUBLIC."""
    roles: tuple[str, ...]
    """All roles of this server."""
    large_objects: int
    distributed: bool
    """Multi-node: distributed hypertables or data nodes exist."""
    tiered: bool
    """Some chunks live in object storage."""
    null_compressed: tuple[str, ...]
    """Hypertables with a compressed batch in which a column is all NULL, on which a restore fails
    (timescale/timescaledb#8893, fixed by #8153); empty for 2.20.1 and later."""
    null_unchecked: tuple[str, ...] = ()
    """Hypertables that could not be searched for it in time."""
    offered: tuple[Offered, ...] = ()
    """Extensions available on this server."""
    extras: Extras = Extras()
    constraints: tuple[Constraint, ...] = ()
    """Constraints of hypertables, and foreign keys that reference one."""
    cagg_dependents: tuple[CaggDependent, ...] = ()
    """What reads continuous aggregates; what others depend on stands before them."""
    extension_schemas: tuple[str, ...] = _EXTENSION_SCHEMAS
    """TimescaleDB's own, by membership; a user's schema may be named like one."""
    owners: tuple[str, ...] = ()
    """Roles of `roles_granted` that own something here."""
    hazards: Hazards = field(default_factory=Hazards)
    """What one of the methods cannot migrate as it is."""
    role_facts: tuple[RoleFacts, ...] = ()
    """What the roles of this server are, by name."""

    @property
    def user_objects(self) -> int:
        """What makes a database not empty."""
        counted = (self.hypertables, self.tables, self.caggs, self.sequences, self.extras.objects)
        return sum(len(objects) for objects in counted) + self.large_objects

    @property
    def stored_bytes(self) -> int:
        """Bytes of all tables as stored, indexes included."""
        return sum(h.bytes for h in self.hypertables) + sum(t.bytes for t in self.tables)

    @property
    def dump_bytes(self) -> int:
        """Stored bytes without indexes, which are not in a dump."""
        indexes = sum(h.index_bytes for h in self.hypertables)
        return self.stored_bytes - indexes - sum(t.index_bytes for t in self.tables)
