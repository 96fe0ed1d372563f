"""Objects of the source that nobody expects on the target."""

from dataclasses import dataclass

from tswizard.core.verify.schema.read import ObjectKey


@dataclass(frozen=True, slots=True)
class NotMigrated:
    """Objects of the source that the steps report as not migrated, or that the user left out."""

    identities: frozenset[str] = frozenset()
    """As pg_identify_object prints them: quoted, functions with the types of their arguments."""
    functions: frozenset[str] = frozenset()
    """Functions with the names and types of their arguments."""

    def has(self, key: ObjectKey) -> bool:
        """Is this one of them, or part of one?"""
        if key.name in self.functions or key.name in self.identities:
            return True
        if key.kind in ("grant", "comment", "security-label"):
            return any(_is_about(key.name, identity) for identity in self.identities)
        return any(key.name.startswith(f"{identity}.") for identity in self.identities)


def _is_about(name: str, identity: str) -> bool:
    """Names like `view column s.v.c`, `rule r on s.v` and `table s.v` begin with the kind."""
    return name.endswith(f" {identity}") or f" {identity}." in name
