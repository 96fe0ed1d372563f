"""Statements that give a role of one server what the role of that name has on another."""

from collections.abc import Collection, Iterator

from tswizard.core.catalog.role_model import RoleFacts
from tswizard.core.db.identifiers import identifier, literal

# Lists whose elements the catalog holds quoted already, as pg_dumpall knows them.
# (postgresql 17, src/bin/pg_dump/dumputils.c, variable_is_guc_list_quote)
_LISTS = (
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
)


def membership_statements(
    role: RoleFacts, there: RoleFacts, groups: Collection[str]
) -> Iterator[str]:
    """Grants of these of its groups, where the role there lacks them."""
    for group in groups:
        admin = group in role.admin_of and group not in there.admin_of
        if admin or group not in there.member_of:
            option = " WITH ADMIN OPTION" if group in role.admin_of else ""
            yield f"GRANT {identifier(group)} TO {identifier(role.name)}{option};"


def attribute_statements(role: RoleFacts, there: RoleFacts, *, superuser: bool) -> Iterator[str]:
    """Attributes, `superuser` among them or not, and settings that the role there lacks."""
    pairs = [
        ("LOGIN", role.login, there.login),
        ("INHERIT", role.inherit, there.inherit),
        ("REPLICATION", role.replication, there.replication),
        ("BYPASSRLS", role.bypass_rls, there.bypass_rls),
    ]
    if superuser:
        pairs.append(("SUPERUSER", role.superuser, there.superuser))
    words = [name if ours else f"NO{name}" for name, ours, theirs in pairs if ours != theirs]
    if role.connection_limit != there.connection_limit:
        words.append(f"CONNECTION LIMIT {role.connection_limit}")
    name = identifier(role.name)
    if words:
        yield f"ALTER ROLE {name} {' '.join(words)};"
    for setting in role.settings:
        if setting not in there.settings:
            key, _, value = setting.partition("=")
            yield f"ALTER ROLE {name} SET {_parameter(key)} TO {_value(key, value)};"


def _parameter(key: str) -> str:
    """Custom settings have a dot between two names."""
    return ".".join(identifier(part) for part in key.split(".")) if "." in key else key


def _value(key: str, value: str) -> str:
    if "." in key:
        return "…"  # it was not read: it may be a secret
    if key.lower() in _LISTS:
        return value or "''"
    return literal(value)
