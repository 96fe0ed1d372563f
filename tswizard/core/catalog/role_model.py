"""What a server knows of a role, apart from its password."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleFacts:
    """Attributes, memberships and settings of one role."""

    name: str
    login: bool = False
    inherit: bool = True
    replication: bool = False
    bypass_rls: bool = False
    superuser: bool = False
    connection_limit: int = -1
    """Connections at a time; -1 without a limit."""
    member_of: tuple[str, ...] = ()
    """Roles that it is a direct member of."""
    admin_of: tuple[str, ...] = ()
    """Those of them that it may grant to others."""
    settings: tuple[str, ...] = ()
    """ALTER ROLE … SET for all databases: `name=value`; without the value where the name has a dot,
    for custom settings may be secrets."""
