"""The keys that do something on a screen now, as help and the palette list them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.screen import Screen

if TYPE_CHECKING:
    from textual.binding import ActiveBinding

_TEXTUALS = ("app.focus_", "screen.copy_text", "command_palette")
"""What is said of these is said elsewhere, or goes without saying."""


def keys_of(screen: Screen[object]) -> "Iterator[ActiveBinding]":
    """Once for each action, those included that the footer has no room for."""
    seen: set[str] = set()
    for active in screen.active_bindings.values():
        binding = active.binding
        ours = binding.show or active.node in (screen, screen.app)
        if not (active.enabled and binding.description and ours) or binding.action in seen:
            continue
        if not binding.action.startswith(_TEXTUALS):
            seen.add(binding.action)
            yield active
