"""The tables and the tree of Inspect; their rows are in `tswizard.wizard.inventory_rows`."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from tswizard.core.catalog.cagg_model import Cagg
from tswizard.core.catalog.hypertable_model import Hypertable
from tswizard.tui.widgets.table import WIDE, Column
from tswizard.wizard.inventory_rows import cagg_label

HYPERTABLES = (
    Column("hypertable", flexible=True),
    Column("size", right=True),
    Column("compressed", right=True),
    Column("chunks", right=True),
    Column("rows (est.)", right=True, wide=WIDE),
    Column("dimensions"),
)
TABLES = (
    Column("table", flexible=True),
    Column("kind"),
    Column("size", right=True),
    Column("rows (est.)", right=True),
    Column("owner", wide=WIDE),
)
JOBS = (
    Column("job", right=True),
    Column("kind"),
    Column("on", flexible=True),
    Column("every"),
    Column("state"),
)
ROLES = (Column("role", flexible=True), Column("owns or is granted something here"))
EXTENSIONS = (Column("extension", flexible=True), Column("version"), Column("schema"))


class CaggTree(Tree[None], inherit_bindings=False):
    """Continuous aggregates under what they read."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "cursor_up", show=False),
        Binding("down", "cursor_down", show=False),
        Binding("pageup", "page_up", show=False),
        Binding("pagedown", "page_down", show=False),
        Binding("space", "toggle_node", show=False),
    ]

    def __init__(self, id: str) -> None:
        super().__init__("", id=id)
        self.show_root = False
        self.guide_depth = 3


def grow_caggs(tree: CaggTree, caggs: Iterable[Cagg], stored: Mapping[str, Hypertable]) -> None:
    """Hypertables, the continuous aggregates on them, and those on these; `stored` are the
    hypertables that hold their rows."""
    tree.clear()
    nodes: dict[str, TreeNode[None]] = {}
    waiting = list(caggs)
    while waiting:
        rest = []
        for cagg in waiting:
            if cagg.parent is not None and cagg.parent not in nodes:
                rest.append(cagg)
                continue
            below = nodes.get(cagg.parent or "") or _hypertable(tree, nodes, cagg.hypertable)
            nodes[cagg.label] = below.add(cagg_label(cagg, stored.get(cagg.label)), expand=True)
        if len(rest) == len(waiting):  # its parent is not among them: show it all the same
            for cagg in rest:
                nodes[cagg.label] = tree.root.add(
                    cagg_label(cagg, stored.get(cagg.label)), expand=True
                )
            break
        waiting = rest
    if not nodes:
        tree.root.add_leaf("no continuous aggregates")
    tree.root.expand()


def _hypertable(tree: CaggTree, nodes: dict[str, TreeNode[None]], name: str) -> TreeNode[None]:
    if name not in nodes:
        nodes[name] = tree.root.add(name, expand=True)
    return nodes[name]
