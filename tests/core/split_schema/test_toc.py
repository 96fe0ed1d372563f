"""Which entry of a dump is restored when."""

from dataclasses import replace
from pathlib import Path

import pytest

from tswizard.core.catalog.inventory import Constraint
from tswizard.core.dump.toc import POST, PRE, Toc, parse_toc_lists, write_use_list
from tswizard.core.split.schema.constraints import referenced_keys
from tswizard.core.split.schema.toc_selection import Exclusions, cagg_requirements, select_entries

# As pg_restore 15 prints it (~ is a space at a line's end, where there is no owner): 30 is an
# continuous aggregate, 31 a view on it, 32 a materialized view on that.
_VERBOSE = """;
; Archive created at 2026-11-24 19:56:51 UTC
;     Format: CUSTOM
;
; Selected TOC Entries:
;
90; 0 0 ENCODING - ENCODING~
4; 3079 16388 EXTENSION - timescaledb~
91; 0 0 COMMENT - EXTENSION timescaledb~
;	depends on: 4
17; 2615 17869 SCHEMA - my metrics tsdbadmin
20; 1259 18022 TABLE my metrics conditions tsdbadmin
;	depends on: 17
21; 1259 18023 TABLE my metrics sensors tsdbadmin
;	depends on: 17
22; 1259 18024 TABLE my metrics _hyper_1_1_chunk tsdbadmin
;	depends on: 17 20
23; 0 0 ACL my metrics TABLE conditions tsdbadmin
;	depends on: 20
30; 1259 26722 VIEW my metrics daily tsdbadmin
;	depends on: 4 20 17
31; 1259 26800 VIEW my metrics v_daily tsdbadmin
;	depends on: 30 17
32; 1259 26801 MATERIALIZED VIEW my metrics on view tsdbadmin
;	depends on: 31
33; 0 0 COMMENT my metrics VIEW daily tsdbadmin
;	depends on: 30
34; 1255 27000 FUNCTION my metrics count_daily() tsdbadmin
;	depends on: 30
40; 2606 18100 CONSTRAINT my metrics conditions conditions_pkey tsdbadmin
;	depends on: 20
41; 2606 18101 CONSTRAINT my metrics sensors sensors_pkey tsdbadmin
;	depends on: 21
42; 2606 18102 FK CONSTRAINT my metrics conditions conditions_sensor_fkey tsdbadmin
;	depends on: 20 21 41
43; 2620 18103 TRIGGER my metrics conditions ts_insert_blocker tsdbadmin
;	depends on: 20 4
44; 1259 18104 INDEX my metrics conditions_idx tsdbadmin
;	depends on: 20
45; 1259 18105 INDEX my metrics on view_idx tsdbadmin
;	depends on: 32
46; 2618 18106 REWRITE my metrics v_daily v_daily_ro tsdbadmin
;	depends on: 31
47; 0 0 COMMENT my metrics CONSTRAINT conditions_pkey ON conditions tsdbadmin
;	depends on: 40
48; 2606 18107 CONSTRAINT my metrics _hyper_1_1_chunk 1_1_conditions_pkey tsdbadmin
;	depends on: 22 40
49; 0 0 COMMENT my metrics CONSTRAINT 1_1_conditions_pkey ON _hyper_1_1_chunk tsdbadmin
;	depends on: 48
50; 0 26801 MATERIALIZED VIEW DATA my metrics on view tsdbadmin
;	depends on: 32 5312
""".replace("~", " ")

_EXCLUSIONS = Exclusions(
    caggs={26722: "my metrics.daily"},
    triggers=frozenset({18103}),
    constraints=frozenset({18100, 18102}),
    indexes=frozenset(),
    timescaledb=frozenset({16388}),
    chunks=frozenset({18024}),
)


def _list(*ids: int) -> str:
    lines = {int(line.split(";")[0]): line for line in _VERBOSE.splitlines() if line[0] != ";"}
    return "\n".join(lines[id] for id in (90, *ids))


@pytest.fixture
def toc() -> Toc:
    pre = _list(4, 91, 17, 20, 21, 22, 23, 30, 31, 32, 33, 34)
    post = _list(*range(40, 51))
    return parse_toc_lists(_VERBOSE, {PRE: pre, POST: post})


def _ids(entries: object) -> list[int]:
    assert isinstance(entries, tuple)
    return [entry.id for entry in entries]


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
    sections = {PRE: _list(30) + "\n60; 1259 1 TABLE my metrics t o", POST: _list()}
    text = _VERBOSE + "60; 1259 1 TABLE my metrics t o\n;\tdepends on: 34\n"
    assert _ids(select_entries(parse_toc_lists(text, sections), _EXCLUSIONS).dependent_tables) == [
        60
    ]


def test_default_privileges_are_restored_behind_what_they_would_change() -> None:
    line = "61; 826 2 DEFAULT ACL my DEFAULT PRIVILEGES FOR TABLES o"
    sections = {PRE: _list(30), POST: f"{_list(41)}\n{line}"}
    toc = parse_toc_lists(f"{_VERBOSE}{line}\n", sections)
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


def test_a_list_holds_ids_and_reasons(toc: Toc, tmp_path: Path) -> None:
    path = tmp_path / "cagg-dependents.list"
    write_use_list(path, [toc.by_id[31]], {31: "depends on my metrics.daily"})
    assert path.read_text() == (
        "31; 1259 26800 VIEW my metrics v_daily tsdbadmin\n;   depends on my metrics.daily\n"
    )
