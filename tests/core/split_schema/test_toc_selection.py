"""Which entry of a dump is restored when."""

from dataclasses import replace

import pytest

from tests.support.toc import VERBOSE, listing, whole_toc
from tswizard.core.catalog.inventory import Constraint
from tswizard.core.dump.toc import POST, PRE, Toc, parse_toc_lists
from tswizard.core.split.schema.constraints import referenced_keys
from tswizard.core.split.schema.toc_selection import Exclusions, cagg_requirements, select_entries

_EXCLUSIONS = Exclusions(
    caggs={26722: "my metrics.daily"},
    triggers=frozenset({18103}),
    constraints=frozenset({18100, 18102}),
    indexes=frozenset(),
    timescaledb=frozenset({16388}),
    chunks=frozenset({18024}),
)


@pytest.fixture
def toc() -> Toc:
    return whole_toc()


def _ids(entries: object) -> list[int]:
    assert isinstance(entries, tuple)
    return [entry.id for entry in entries]


def test_whatever_depends_on_a_continuous_aggregate_is_found(toc: Toc) -> None:
    assert sorted(cagg_requirements(toc, _EXCLUSIONS.caggs)) == [31, 32, 33, 34, 45, 46, 50]


def test_every_entry_is_restored_in_its_turn_or_not_at_all(toc: Toc) -> None:
    chosen = select_entries(toc, _EXCLUSIONS)
    assert _ids(chosen.pre) == [17, 20, 21, 23]
    assert _ids(chosen.post) == [41, 44, 47]
    assert _ids(chosen.cagg_dependents) == [31, 32, 33, 34, 45, 46]
    assert chosen.required_caggs[45] == {"my metrics.daily"}
    assert chosen.dependent_tables == ()


def test_a_table_that_depends_on_a_continuous_aggregate_is_told(toc: Toc) -> None:
    sections = {PRE: listing(30) + "\n60; 1259 1 TABLE my metrics t o", POST: listing()}
    text = VERBOSE + "60; 1259 1 TABLE my metrics t o\n;\tdepends on: 34\n"
    assert _ids(select_entries(parse_toc_lists(text, sections), _EXCLUSIONS).dependent_tables) == [
        60
    ]


def test_default_privileges_are_restored_behind_what_they_would_change() -> None:
    line = "61; 826 2 DEFAULT ACL my DEFAULT PRIVILEGES FOR TABLES o"
    sections = {PRE: listing(30), POST: f"{listing(41)}\n{line}"}
    toc = parse_toc_lists(f"{VERBOSE}{line}\n", sections)
    chosen = select_entries(toc, _EXCLUSIONS)
    assert 61 in _ids(chosen.cagg_dependents)
    assert 61 not in _ids(chosen.post)
    assert chosen.missing_caggs(toc.by_id[61], ()) == frozenset()
    alone = select_entries(toc, replace(_EXCLUSIONS, caggs={}))
    assert 61 in _ids(alone.post)


def test_keys_that_foreign_keys_point_to_are_found(toc: Toc) -> None:
    key = Constraint(
        oid=18102,
        schema="my metrics",
        table="conditions",
        name="f",
        kind="f",
        definition="…",
        validated=True,
        storage=None,
        incoming=False,
    )
    assert referenced_keys(toc, [key], _EXCLUSIONS.constraints) == {41}
