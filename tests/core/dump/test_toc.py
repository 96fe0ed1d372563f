"""What a dump's table of contents says of its entries, and in which order they are restored."""

from pathlib import Path

import pytest

from tests.support.toc import TRIGGER, entry, whole_toc
from tswizard.core.dump.toc import POST, Toc, in_order_of_restore, write_use_list


@pytest.fixture
def toc() -> Toc:
    return whole_toc()


def test_entries_know_their_object_their_section_and_what_they_depend_on(toc: Toc) -> None:
    found = toc.find(2606, 18102)
    assert found is not None
    assert (found.id, found.kind, found.section) == (42, "FK CONSTRAINT", POST)
    assert found.depends_on == {20, 21, 41}
    assert toc.by_id[90].section == ""
    assert toc.dependencies([42]) == {20, 21, 41, 17}


@pytest.mark.parametrize(
    ("id", "label"),
    [
        (20, "TABLE my metrics.conditions"),
        (32, "MATERIALIZED VIEW my metrics.on view"),
        (33, "COMMENT VIEW my metrics.daily"),
        (4, "EXTENSION timescaledb"),
    ],
)
def test_entries_are_called_by_their_names(toc: Toc, id: int, label: str) -> None:
    assert toc.by_id[id].label(("my", "my metrics")) == label


def test_a_list_holds_ids_and_reasons(toc: Toc, tmp_path: Path) -> None:
    path = tmp_path / "cagg-dependents.list"
    write_use_list(path, [toc.by_id[31]], {31: "depends on my metrics.daily"})
    assert path.read_text() == (
        "31; 1259 26800 VIEW my metrics v_daily tsdbadmin\n;   depends on my metrics.daily\n"
    )


def test_grants_come_behind_everything_and_event_triggers_last() -> None:
    entries = [
        entry(40, 3466, 1, "EVENT TRIGGER", "- e owner"),
        entry(41, 0, 0, "ACL", "public TABLE a owner", 20),
        entry(42, 0, 0, "COMMENT", "- EVENT TRIGGER e owner", 40),
        entry(43, 826, 5, "DEFAULT ACL", "public DEFAULT PRIVILEGES FOR TABLES owner"),
        TRIGGER,
    ]
    assert [e.id for e in in_order_of_restore(entries)] == [33, 41, 43, 40, 42]
