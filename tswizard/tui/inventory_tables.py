"""The tables and the tree of Inspect; their rows are in `tswizard.wizard.inventory_rows`."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from rich.text import Text, TextType
from textual.binding import Binding, BindingType
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from tswizard.core.catalog.cagg_model import Cagg
from tswizard.core.catalog.hypertable_model import Hypertable
from tswizard.tui.widgets.table import Column
from tswizard.wizard.inventory_rows import cagg_label
from tswizard.wizard.text import one_line

_NAME = "Schema and name; public is left out."

HYPERTABLES = (
    Column(title="hypertable", flexible=True, help=_NAME),
    Column(
        title="size",
        right=True,
        help="Bytes of all its chunks as they are stored, with indexes and TOAST.",
    ),
    Column(title="compressed", right=True, help="How many of its chunks are compressed."),
    Column(
        title="chunks", right=True, help="How many it has; each is dumped, or copied, by itself."
    ),
    Column(
        title="rows (est.)",
        right=True,
        keeps=24,
        help="From the source's statistics; 0 where there are none.",
    ),
    Column(
        title="dimensions",
        help="The columns it is cut by, with a chunk's interval, or the number of hash partitions.",
    ),
)
TABLES = (
    Column(title="table", flexible=True, help=_NAME),
    Column(title="kind", help="What kind of relation it is."),
    Column(title="size", right=True, help="Bytes as stored, with indexes and TOAST."),
    Column(
        title="rows (est.)",
        right=True,
        help="From the source's statistics; – where there are none.",
    ),
    Column(
        title="owner", keeps=24, help="Should be a role of the target as well, to stay the owner."
    ),
)
JOBS = (
    Column(
        title="job",
        right=True,
        help="Its id on the source. Full keeps it; split creates a new one.",
    ),
    Column(title="kind", help="The policy, or the procedure of a user-defined job."),
    Column(
        title="on", flexible=True, help="The hypertable or continuous aggregate that it works on."
    ),
    Column(title="every", help="The interval between two runs."),
    Column(title="state", help="Whether the source runs it."),
)
ROLES = (
    Column(
        title="role",
        flexible=True,
        help="A role that owns objects of the source or is granted something on them. Roles are "
        "not part of a database and are not migrated.",
    ),
    Column(title="on the target", help="Whether the target has a role of that name."),
)
EXTENSIONS = (
    Column(title="extension", flexible=True, help="Its name."),
    Column(title="version", help="The version on the source."),
    Column(title="schema", help="The schema that its objects are in."),
)


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

    def process_label(self, label: TextType) -> Text:
        """A name is no markup."""
        return Text(one_line(str(label)))


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
    for node in nodes.values():
        node.allow_expand = bool(node.children)
    if not nodes:
        tree.root.add_leaf("no continuous aggregates")
    tree.root.expand()


def _hypertable(tree: CaggTree, nodes: dict[str, TreeNode[None]], name: str) -> TreeNode[None]:
    if name not in nodes:
        nodes[name] = tree.root.add(name, expand=True)
    return nodes[name]
