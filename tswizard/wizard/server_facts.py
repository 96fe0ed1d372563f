"""What "test connection" says of a database."""

from collections.abc import Iterator

from tswizard.core.catalog.inventory import Server
from tswizard.core.model.wording import plural, size
from tswizard.wizard.state import ConnectedDatabase


def server_facts(database: ConnectedDatabase) -> Iterator[tuple[str, str, bool]]:
    """(title, text, is it a warning?) of each line."""
    server, endpoint = database.server, database.endpoint
    held = f"PostgreSQL {server.version}, database {server.database}, {size(server.size_bytes)}"
    yield "Server", held, False
    yield "TimescaleDB", _timescaledb(server), False
    yield "Role", _role(server), False
    latency = f"{server.latency_s * 1000:.1f} ms round trip"
    yield "Connection", f"{server.tls or 'no TLS'}, {latency}", False
    if endpoint.raised_sslmode:
        raised = f"sslmode raised from {endpoint.raised_sslmode} to require: the host is not local."
        yield "", raised, True


def _timescaledb(server: Server) -> str:
    if server.timescaledb is None:
        offered = plural(len(server.timescaledb_offered), "version")
        return f"not installed in this database ({offered} available)"
    license = {"timescale": "community license", "apache": "Apache license"}
    return f"{server.timescaledb}, {license.get(server.license or '', 'license unknown')}"


def _role(server: Server) -> str:
    role = server.role
    rights = [
        text
        for has, text in (
            (role.superuser, "superuser"),
            (role.owns_database, "owns the database"),
            (role.createrole, "can create roles"),
            (role.bypass_rls, "bypasses row-level security (BYPASSRLS)"),
        )
        if has
    ]
    return f"{role.name}: {', '.join(rights) or 'no special privileges'}"
