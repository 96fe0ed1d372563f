"""The command palette: everything that a key does on this screen, and what is the same on all."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.dom import DOMNode

from tswizard.tui import themes
from tswizard.tui.base import WizardScreen
from tswizard.tui.keys_of import keys_of

if TYPE_CHECKING:
    from tswizard.tui.app_protocol import App


@dataclass(frozen=True, slots=True)
class Command:
    """One line of the palette; `what` is the dim text below it."""

    name: str
    what: str
    run: Callable[[], Any]


class WizardCommands(Provider):
    """Textual's palette asks this for what it lists."""

    async def discover(self) -> Hits:
        """What is listed before anything is typed."""
        for command in self._commands():
            yield DiscoveryHit(command.name, command.run, help=command.what)

    async def search(self, query: str) -> Hits:
        """What fits what was typed, also somewhere in its middle."""
        matcher = self.matcher(query)
        for command in self._commands():
            if (score := matcher.match(command.name)) > 0:
                yield Hit(score, matcher.highlight(command.name), command.run, help=command.what)

    def _commands(self) -> Iterator[Command]:
        yield from self._keys()
        yield from self._screens()
        for name, what in themes.NAMES.items():
            yield Command(f"Theme: {what}", "Colors only repeat what words say", self._theme(name))

    def _theme(self, name: str) -> Callable[[], None]:
        return partial(cast("App", self.app).take_theme, name)

    def _keys(self) -> Iterator[Command]:
        """Every key that has something to do here, those included that the footer has no room
        for."""
        for active in keys_of(self.screen):
            binding = active.binding
            key = self.app.get_key_display(binding)
            yield Command(binding.description, f"Key: {key}", self._pressed(active.node, binding))

    def _pressed(self, node: DOMNode, binding: Binding) -> Callable[[], Any]:
        return partial(self.app.run_action, binding.action, node)

    def _screens(self) -> Iterator[Command]:
        """The screens that this one was reached by, as far as one can go back."""
        behind = [s for s in self.app.screen_stack if isinstance(s, WizardScreen)]
        for screen in reversed(behind[:-1]):
            above = behind[behind.index(screen) + 1 :]
            if not all(each.BACK for each in above):
                break
            name = screen.STEP or "Welcome"
            yield Command(
                f"Back to {name}",
                "Later answers are asked for again",
                partial(self._go_back_to, screen),
            )

    def _go_back_to(self, screen: WizardScreen) -> None:
        while self.app.screen is not screen:
            self.app.pop_screen()
