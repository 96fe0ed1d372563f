"""What an inventory holds, as rows for the tables of Inspect."""

from collections.abc import Iterable, Iterator
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from tswizard.core.catalog.cagg_model import Cagg
from tswizard.core.catalog.hypertable_model import Dimension, Hypertable
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.model.wording import plural, short_number, size
from tswizard.tui.widgets.table import Column

HYPERTABLES = (
    Column("hypertable", flexible=True),
    Column("size", right=True),
    Column("compressed", right=True),
    Column("chunks", right=True),
    Column("rows (est.)", right=True, wide=True),
    Column("dimensions"),
)
TABLES = (
    Column("table", flexible=True),
    Column("kind"),
    Column("size", right=True),
    Column("rows (est.)", right=True),
    Column("owner", wide=True),
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


def summary(inventory: Inventory) -> str:
    """One line over the tabs."""
    own = [h for h in inventory.hypertables if h.cagg is None]
    parts = (
        size(inventory.stored_bytes),
        plural(len(own), "hypertable"),
        plural(len(inventory.tables), "table"),
        plural(len(inventory.caggs), "continuous aggregate"),
        plural(len(inventory.jobs), "job"),
    )
    return ", ".join(parts)


def hypertable_rows(inventory: Inventory) -> Iterator[tuple[str, ...]]:
    """The biggest first; a materialization under its continuous aggregate's name."""
    for table in sorted(inventory.hypertables, key=lambda h: -h.bytes):
        kind = " (cagg)" if table.cagg else ""
        yield (
            f"{_short(table.label)}{kind}",
            size(table.bytes),
            _compressed(table),
            str(len(table.chunks)),
            short_number(max(0, table.rows_estimate)),
            ", ".join(map(_dimension, table.dimensions)),
        )


def _short(name: str) -> str:
    """Without the usual schema: room is short, and it says little."""
    return name.removeprefix("public.")


def _compressed(table: Hypertable) -> str:
    if not table.chunks:
        return "–"
    return f"{100 * table.compressed_chunks // len(table.chunks)} %"


def _dimension(dimension: Dimension) -> str:
    if dimension.interval is None:
        return f"{dimension.column} (hash {dimension.partitions})"
    return f"{dimension.column} {dimension.interval}"


def table_rows(inventory: Inventory) -> Iterator[tuple[str, ...]]:
    for table in sorted(inventory.tables, key=lambda t: -t.bytes):
        rows = "–" if table.rows_estimate < 0 else short_number(table.rows_estimate)
        yield (_short(table.label), table.kind, size(table.bytes), rows, table.owner)


def job_rows(inventory: Inventory) -> Iterator[tuple[str, ...]]:
    for job in inventory.jobs:
        state = "on" if job.scheduled else "paused"
        yield (str(job.id), job.what, _short(job.target or "–"), job.schedule_interval, state)


def role_rows(inventory: Inventory) -> Iterator[tuple[str, ...]]:
    for role in inventory.roles_granted:
        yield (role, "yes, you" if role == inventory.server.role.name else "yes")


def extension_rows(inventory: Inventory) -> Iterator[tuple[str, ...]]:
    for extension in inventory.extensions:
        yield (extension.name, extension.version, extension.schema)


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


def grow_caggs(tree: CaggTree, caggs: Iterable[Cagg]) -> None:
    """Hypertables, the continuous aggregates on them, and those on these."""
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
            nodes[cagg.label] = below.add(_cagg_label(cagg), expand=True)
        if len(rest) == len(waiting):  # its parent is not among them: show it all the same
            for cagg in rest:
                nodes[cagg.label] = tree.root.add(_cagg_label(cagg), expand=True)
            break
        waiting = rest
    if not nodes:
        tree.root.add_leaf("no continuous aggregates")
    tree.root.expand()


def _hypertable(tree: CaggTree, nodes: dict[str, TreeNode[None]], name: str) -> TreeNode[None]:
    if name not in nodes:
        nodes[name] = tree.root.add(name, expand=True)
    return nodes[name]


def _cagg_label(cagg: Cagg) -> str:
    kind = "materialized only" if cagg.materialized_only else "real-time"
    return f"{cagg.label}  {kind}" + (", compressed" if cagg.compressed else "")
