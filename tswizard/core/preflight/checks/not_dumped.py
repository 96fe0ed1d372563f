"""What pg_dump of one database leaves out, or a restore by an ordinary role is refused.

https://www.postgresql.org/docs/current/app-pgdump.html
"""

from collections.abc import Iterator

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.model.finding import Finding
from tswizard.core.preflight.check import AnyCheck, SourceCheck
from tswizard.core.preflight.wording import look, some

_READ_SETTINGS = (
    "SELECT coalesce(r.rolname, 'everybody'), s.setconfig FROM pg_db_role_setting s "
    "LEFT JOIN pg_roles r ON r.oid = s.setrole WHERE s.setdatabase = "
    "(SELECT oid FROM pg_database WHERE datname = current_database());"
)


def _settings(inventory: Inventory, where: str) -> Iterator[Finding]:
    settings, properties = inventory.extras.settings, inventory.extras.database_properties
    if not (named := (*settings, *properties)):
        return
    yield look(
        "database-settings",
        f"Settings of the database are not migrated: {some(named)}.",
        where=where,
        why="pg_dump leaves ALTER DATABASE … SET and ALTER ROLE … IN DATABASE … SET to "
        "pg_dumpall, and dumps privileges, connection limit and comment of the database only with "
        "--create. Values of settings are not shown here, since some hold secrets.",
        todo="Set them on the target by hand; for privileges, connection limit and comment the "
        f"check after the run has the statements. To see settings on the source: {_READ_SETTINGS}",
        details=named,
    )


def _slots(inventory: Inventory, where: str) -> Iterator[Finding]:
    if slots := inventory.extras.slots:
        yield look(
            "replication-slots",
            f"Logical replication slots are not migrated: {some(slots)}.",
            where=where,
            why="They belong to the server. Whoever reads from them (Debezium, a replica) stays on "
            "the source.",
            todo="Recreate them on the target, and point their readers there.",
            details=slots,
        )


def _subscriptions(inventory: Inventory, where: str) -> Iterator[Finding]:
    if subscriptions := inventory.extras.subscriptions:
        yield look(
            "subscriptions",
            f"Subscriptions are not migrated: {some(subscriptions)}.",
            where=where,
            why="pg_dump leaves them out unless a superuser runs it, and their connection strings "
            "hold passwords. Rows that arrive by them are still written to the source.",
            todo="Create them on the target by hand, after the migration.",
            details=subscriptions,
        )


def _publications(inventory: Inventory, where: str) -> Iterator[Finding]:
    if publications := inventory.extras.publications:
        yield look(
            "publications",
            f"Publications need a look afterward: {some(publications)}.",
            where=where,
            why="The dump holds them, but creating one takes more than an ordinary role on a "
            "managed service (a superuser for FOR ALL TABLES), and subscribers stay on the source.",
            todo="Check after the run whether the target has them; subscriptions to them must be "
            "set up again.",
            details=publications,
        )


def _event_triggers(inventory: Inventory, where: str) -> Iterator[Finding]:
    if triggers := inventory.extras.event_triggers:
        yield look(
            "event-triggers",
            f"Event triggers need a look afterward: {some(triggers)}.",
            where=where,
            why="The dump holds them, but only a superuser may create one.",
            todo="If the report lists them as missing, ask the service's support, or do without.",
            details=triggers,
        )


def _foreign_servers(inventory: Inventory, where: str) -> Iterator[Finding]:
    if servers := inventory.extras.foreign_servers:
        yield look(
            "foreign-servers",
            f"Foreign servers need a look afterward: {some(servers)}.",
            where=where,
            why="The target must reach them over its own network, and user mappings are migrated "
            "only where the dumping role may see their passwords.",
            todo="Check them on the target after the run.",
            details=servers,
        )


NOT_DUMPED_CHECKS: tuple[AnyCheck, ...] = (
    SourceCheck(gives=("database-settings",), run=_settings, settled_by_check=True),
    SourceCheck(gives=("replication-slots",), run=_slots),
    SourceCheck(gives=("subscriptions",), run=_subscriptions, settled_by_check=True),
    SourceCheck(gives=("publications",), run=_publications, settled_by_check=True),
    SourceCheck(gives=("event-triggers",), run=_event_triggers, settled_by_check=True),
    SourceCheck(gives=("foreign-servers",), run=_foreign_servers),
)
