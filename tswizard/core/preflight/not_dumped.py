"""What pg_dump of one database leaves behind, or a restore by an ordinary role refuses."""

from collections.abc import Iterator

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.model.finding import Finding
from tswizard.core.preflight.wording import look, some

_SETTINGS = (
    "SELECT coalesce(r.rolname, 'everybody'), s.setconfig FROM pg_db_role_setting s "
    "LEFT JOIN pg_roles r ON r.oid = s.setrole WHERE s.setdatabase = "
    "(SELECT oid FROM pg_database WHERE datname = current_database());"
)


def not_carried(inventory: Inventory, where: str) -> Iterator[Finding]:
    """Settings, slots, subscriptions, publications, event triggers, foreign servers.

    https://www.postgresql.org/docs/current/app-pgdump.html
    """
    extras = inventory.extras
    if extras.settings:
        yield look(
            "database-settings",
            f"Settings of the database are not carried: {some(extras.settings)}.",
            where,
            "pg_dump leaves ALTER DATABASE … SET and ALTER ROLE … IN DATABASE … SET to "
            "pg_dumpall. Values are not shown here, since some hold secrets.",
            f"Set them on the target by hand. See them on the source: {_SETTINGS}",
            extras.settings,
        )
    if extras.slots:
        yield look(
            "replication-slots",
            f"Logical replication slots are not carried: {some(extras.slots)}.",
            where,
            "They belong to the server. Whoever reads from them (Debezium, a replica) stays on "
            "the source.",
            "Make them anew on the target, and point their readers there.",
            extras.slots,
        )
    if extras.subscriptions:
        yield look(
            "subscriptions",
            f"Subscriptions are not carried: {some(extras.subscriptions)}.",
            where,
            "pg_dump leaves them out unless a superuser runs it, and their connection strings "
            "hold passwords. Rows that arrive by them are still written to the source.",
            "Create them on the target by hand, after the move.",
            extras.subscriptions,
        )
    if extras.publications:
        yield look(
            "publications",
            f"Publications need a look afterwards: {some(extras.publications)}.",
            where,
            "The dump holds them, but creating one takes more than an ordinary role on a managed "
            "service (a superuser for FOR ALL TABLES), and subscribers stay on the source.",
            "See after the run whether the target has them; subscribers must be set up anew.",
            extras.publications,
        )
    if extras.event_triggers:
        yield look(
            "event-triggers",
            f"Event triggers need a look afterwards: {some(extras.event_triggers)}.",
            where,
            "The dump holds them, but only a superuser may create one.",
            "If the restore names them, ask the service's support, or do without.",
            extras.event_triggers,
        )
    if extras.foreign_servers:
        yield look(
            "foreign-servers",
            f"Foreign servers need a look afterwards: {some(extras.foreign_servers)}.",
            where,
            "The target must reach them over its own network, and user mappings come across only "
            "where the dumping role may see their passwords.",
            "Check them on the target after the run.",
            extras.foreign_servers,
        )
