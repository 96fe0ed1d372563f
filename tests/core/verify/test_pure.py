"""The parts of the check that need no server."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import OperationalError, errors

from tests.support.sample_schema import chunk, dimension, inventory, schema
from tswizard.core.catalog.inventory import Sequence
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import CannotConnect, is_transient
from tswizard.core.model.finding import Level
from tswizard.core.verify.request import VerifyJob
from tswizard.core.verify.rows.ranges import cuts, grouped, joined, range_condition, ranges_of
from tswizard.core.verify.schema.catalog_rows import CatalogDifference
from tswizard.core.verify.schema.compare import compare_schemas
from tswizard.core.verify.schema.findings import schema_findings
from tswizard.core.verify.schema.read import Schema
from tswizard.core.verify.schema.same_definition import restored_form, same_definition
from tswizard.core.verify.schema.sequences import SequenceState, compare_sequence_states
from tswizard.core.verify.schema.source_changes import explained
from tswizard.core.verify.sequence_catalog_findings import catalog_findings, sequence_findings

# equal texts ------------------------------------------------------------------------------------

_MADE = (
    "CHECK (((kind)::text = ANY ((ARRAY['a'::character varying, "
    "'b]), (ARRAY['::character varying])::text[])))"
)
_RESTORED = (
    "CHECK (((kind)::text = ANY (ARRAY[('a'::character varying)::text, "
    "('b]), (ARRAY['::character varying)::text])))"
)


def test_a_cast_of_an_array_is_the_cast_of_its_elements() -> None:
    assert restored_form(_MADE) == _RESTORED
    assert same_definition(_MADE, _RESTORED)
    assert same_definition({"a": [_MADE]}, {"a": [_RESTORED]})


def test_other_elements_or_another_type_are_not_the_same() -> None:
    assert not same_definition(_MADE, _RESTORED.replace("'a'", "'c'"))
    assert not same_definition(_MADE, _RESTORED.replace(")::text]", ")::name]"))
    assert not same_definition({"a": 1, "b": 2}, {"a": 1})
    assert not same_definition(["a"], ["a", "b"])


@settings(max_examples=200)
@given(st.lists(st.sampled_from(["(ARRAY[", "])::text[]", "'x'", ", ", ")", "(", "'", '"', "]"])))
def test_no_text_breaks_the_reading_of_arrays(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert restored_form(text).count("'x'") >= text.count("'x'")


# ranges -----------------------------------------------------------------------------------------


def test_ranges_cover_the_whole_axis_without_overlap() -> None:
    cut = ranges_of([chunk("10", "20"), chunk("10", "20", "b"), chunk("40", "50")])
    assert [span.text for span in cut] == ["(-∞, 10)", "[10, 40)", "[40, +∞)"]
    assert [len(span.chunks) for span in cut] == [0, 2, 1]


def test_small_neighbours_are_compared_together_and_large_ones_alone() -> None:
    small = [chunk(str(n), str(n + 1), size=1000) for n in range(300)]
    groups = grouped(ranges_of(small))
    assert len(groups) == 5
    assert joined(groups[0]).start is None
    assert joined(groups[-1]).end is None
    assert [span for group in groups for span in group] == list(ranges_of(small))
    large = [chunk(str(n), str(n + 1), size=100 << 20) for n in range(3)]
    assert [len(group) for group in grouped(ranges_of(large))] == [2, 1, 1]


@settings(max_examples=50)
@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=40), st.integers(0, 10**9))
def test_every_value_is_in_exactly_one_range(starts: list[int], value: int) -> None:
    own = sorted(set(starts))
    groups = grouped(ranges_of([chunk(str(s), str(s + 1), size=s % (90 << 20)) for s in own]))
    hits = [
        span
        for span in map(joined, groups)
        if (span.start is None or value >= int(span.start))
        and (span.end is None or value < int(span.end))
    ]
    assert len(hits) == 1


def test_bounds_are_literals_of_the_dimensions_type() -> None:
    span = ranges_of([chunk("2024-01-01 00:00:00+00", "2024-01-02 00:00:00+00")])[1]
    assert range_condition(dimension("timestamp with time zone", "My Time"), span).as_string(
        None
    ) == ('"t"."My Time" >= \'2024-01-01 00:00:00+00\'::pg_catalog.timestamptz')


@pytest.mark.parametrize(
    ("kind", "function", "able"),
    [
        ("date", None, True),
        ("smallint", None, True),
        ("uuid", None, True),
        ("text", None, False),
        ("jsonb", "app.when", False),
        ("timestamp with time zone", "app.when", False),
    ],
)
def test_what_cannot_be_cut_is_compared_whole(kind: str, function: str | None, able: bool) -> None:
    assert cuts(dimension(kind, function=function)) is able


# objects ----------------------------------------------------------------------------------------


def test_a_missing_extra_and_different_object_is_each_named() -> None:
    source = schema(("index", "a.i", {"definition": "x"}), ("index", "a.j", {"definition": "y"}))
    target = schema(("index", "a.i", {"definition": "z"}), ("index", "a.k", {"definition": "y"}))
    comparison = compare_schemas(source, target)
    assert {(d.key.name, d.state, d.level) for d in comparison.differences} == {
        ("a.i", "differs", Level.FAIL),
        ("a.j", "missing", Level.FAIL),
        ("a.k", "extra", Level.LOOK),
    }
    fail, look = schema_findings(comparison, {})
    assert fail.what == "0 of 2 indexes, 1 missing, 1 different"
    assert fail.details == ("a.i: definition is z instead of x", "a.j: missing on the target")
    assert look.details == ("a.k: only on the target",)


def test_across_majors_a_different_text_is_for_a_look_and_a_missing_object_is_not() -> None:
    source = schema(("view", "a.v", {"definition": "x", "new": 1}), ("view", "a.w", {}), major=15)
    target = schema(("view", "a.v", {"definition": "y", "newer": 2}), major=17)
    levels = {d.key.name: d.level for d in compare_schemas(source, target).differences}
    assert levels == {"a.v": Level.LOOK, "a.w": Level.FAIL}
    (difference,) = [d for d in compare_schemas(source, target).differences if d.state == "differs"]
    assert difference.changed == (("definition", "x", "y"),)


def test_an_invalid_index_is_left_out_by_every_dump() -> None:
    (difference,) = compare_schemas(
        schema(("index", "a.i", {"valid": False})), schema()
    ).differences
    assert difference.level is Level.LOOK
    assert "invalid on the source" in difference.words


def test_chunks_are_summed_for_their_hypertable() -> None:
    parts: list[tuple[Any, ...]] = [("index", f"i.c{n}_idx", {}, f"i.c{n}") for n in range(40)]
    comparison = compare_schemas(schema(*parts, ("index", "a.x", {})), schema(("index", "a.x", {})))
    labels = {f"i.c{n}": "a.metrics" for n in range(40)}
    (finding,) = schema_findings(comparison, labels)
    assert finding.what == "indexes inside a.metrics: 40 missing"
    assert finding.details[-1] == "a.metrics: and 35 more of this kind"


def test_a_chunk_that_came_after_the_inspection_is_for_a_look() -> None:
    comparison = compare_schemas(
        schema(("table", "i.old", {}, "i.old"), ("table", "i.new", {}, "i.new")), schema()
    )
    known = inventory(chunks=(chunk("1", "2", "old", schema="i"),))
    found = explained(comparison.differences, known, schema())
    assert {d.key.name: d.level for d in found} == {"i.old": Level.FAIL, "i.new": Level.LOOK}


def test_chunks_that_came_after_the_inspection_are_one_line_whatever_belongs_to_them() -> None:
    of_each: list[tuple[Any, ...]] = [
        (kind, f"i.c{n}{end}", {}, f"i.c{n}")
        for n in range(40)
        for kind, end in (("table", ""), ("chunk", ""), ("index", "_x"), ("check", "_y"))
    ]
    comparison = compare_schemas(
        schema(("table", "a.t", {}), *of_each), schema(("table", "a.t", {}))
    )
    new = explained(comparison.differences, inventory(chunks=()), schema())
    labels = {f"i.c{n}": "a.metrics" if n else "a.events" for n in range(40)}
    table, look = schema_findings(replace(comparison, differences=new), labels)
    assert (table.level, table.what) == (Level.PASS, "1 of 1 table")
    assert look.level is Level.LOOK
    assert look.what == (
        "40 chunks created on the source since it was inspected, not on the target: "
        "a.events 1, a.metrics 39"
    )
    assert "i.c0" in look.details[0] and "i.c39" in look.details[1]


def test_what_writes_change_in_the_catalog_is_one_line_and_what_they_do_not_is_another() -> None:
    row = '{"chunk_id": 7}'
    differences = [
        CatalogDifference("chunk_constraint", (row,), ()),
        CatalogDifference("chunk_index", (row, row), (row,)),
        CatalogDifference("tablespace", (row,), ()),
    ]
    job = cast("VerifyJob", SimpleNamespace(target=Endpoint.parse("host=t dbname=d")))
    lost, moved = catalog_findings(differences, 9, job, written=True)
    assert (lost.level, moved.level) == (Level.FAIL, Level.LOOK)
    assert moved.what == (
        "TimescaleDB's catalog (chunk_constraint, chunk_index): 3 rows missing, 1 only on the "
        "target"
    )
    assert f"missing on the target: {row}" in moved.details
    assert {f.level for f in catalog_findings(differences, 9, job, written=False)} == {Level.FAIL}


def test_an_owners_rights_are_the_owners_whoever_that_is() -> None:
    source = schema(
        ("grant", "table a.t", {"owner": "old", "granted": {"<owner>": "SELECT", "new": "SELECT"}})
    )
    target = schema(
        ("grant", "table a.t", {"owner": "new", "granted": {"<owner>": "SELECT"}}), roles={"new"}
    )
    assert compare_schemas(source, target).differences == ()


def test_several_owners_who_become_one_are_named() -> None:
    source = schema(
        *(("grant", f"table a.{o}", {"owner": o, "granted": {}}) for o in ("app", "ops"))
    )
    target = schema(
        *(("grant", f"table a.{o}", {"owner": "ops", "granted": {}}) for o in ("app", "ops"))
    )
    (difference,) = compare_schemas(source, target).differences
    assert (difference.key.kind, difference.level) == ("owner", Level.LOOK)
    assert difference.words == "table a.app: owner is ops instead of app (restored with --no-owner)"


def _owned(owner: str, *, roles: set[str], superusers: frozenset[str] = frozenset()) -> Schema:
    granted = {"<owner>": "EXECUTE"}
    found = schema(
        ("grant", "function a.f()", {"owner": owner, "granted": granted, "definer": True}),
        ("grant", "table a.t", {"owner": owner, "granted": {}}),
        roles=roles,
    )
    return replace(found, superusers=superusers)


def test_an_owner_whom_the_target_has_is_missed_and_one_whom_it_lacks_is_not() -> None:
    source = _owned("Its app", roles={"Its app"})
    there = _owned("postgres", roles={"Its app", "postgres"})
    comparison = compare_schemas(source, there)
    assert {d.level for d in comparison.differences} == {Level.LOOK}
    *_, owners = schema_findings(comparison, {})
    assert owners.details == (
        'ALTER ROUTINE a.f() OWNER TO "Its app";  -- now postgres; '
        "it runs with its owner's privileges",
        'ALTER TABLE a.t OWNER TO "Its app";  -- now postgres',
    )
    assert compare_schemas(source, _owned("postgres", roles={"postgres"})).differences == ()


def test_a_continuous_aggregate_changes_its_owner_as_a_materialized_view() -> None:
    """ALTER TABLE would leave its materialization to the old one."""

    def end(owner: str) -> Schema:
        daily = ("grant", "table a.daily", {"owner": owner, "granted": {}})
        return schema(daily, ("continuous-aggregate", "a.daily", {}), roles={"app", "postgres"})

    *_, owners = schema_findings(compare_schemas(end("app"), end("postgres")), {})
    assert owners.details == ("ALTER MATERIALIZED VIEW a.daily OWNER TO app;  -- now postgres",)


def test_what_the_superuser_owned_belongs_to_the_services_role_as_ever() -> None:
    """Who is no superuser cannot give the superuser anything."""
    source = _owned("postgres", roles={"postgres"})
    both, one = {"postgres", "tsdbadmin"}, frozenset({"postgres"})
    there = _owned("tsdbadmin", roles=both, superusers=one)
    assert compare_schemas(source, there).differences == ()
    there = _owned("tsdbadmin", roles=both, superusers=frozenset(both))
    assert len(compare_schemas(source, there).differences) == 2


def test_what_only_the_target_grants_to_everybody_is_for_a_look() -> None:
    name = "function a.f()"
    source = schema(("grant", name, {"owner": "o", "granted": {}, "definer": True}))
    more = {"owner": "o", "granted": {"PUBLIC": "EXECUTE"}, "definer": True}
    (look,) = compare_schemas(source, schema(("grant", name, more))).differences
    assert look.level is Level.LOOK
    (finding, _) = schema_findings(compare_schemas(source, schema(("grant", name, more))), {})
    assert finding.details == (
        "REVOKE EXECUTE ON ROUTINE a.f() FROM PUBLIC;  -- SECURITY DEFINER: everybody may call it, "
        "and it runs with its owner's privileges",
    )
    del more["definer"]
    (finding, _) = schema_findings(compare_schemas(source, schema(("grant", name, more))), {})
    assert finding.details == (
        "REVOKE EXECUTE ON ROUTINE a.f() FROM PUBLIC;  -- only the target grants it",
    )


@pytest.mark.parametrize(
    ("role", "quoted"),
    [("app", "app"), ("grants to app", '"grants to app"'), ("owner of it", '"owner of it"')],
)
def test_the_statement_names_the_role_whatever_its_name(role: str, quoted: str) -> None:
    name = 'table a."from here to there"'
    source = schema(("grant", name, {"owner": "o", "granted": {role: "SELECT"}}))
    target = schema(("grant", name, {"owner": "o", "granted": {}}), roles={role, "o"})
    grants, _ = schema_findings(compare_schemas(source, target), {})
    assert grants.details == (f'GRANT SELECT ON TABLE a."from here to there" TO {quoted};',)


# sequences --------------------------------------------------------------------------------------

_SEQ = ("public", "s")


def _sequence(last_value: int, is_called: bool) -> Sequence:
    schema, name = _SEQ
    return Sequence(schema=schema, name=name, last_value=last_value, is_called=is_called)


@pytest.mark.parametrize(
    ("before", "target", "now", "states"),
    [
        ((10, True), (10, True), (10, True), []),
        ((10, True), (1, False), (10, True), ["behind"]),
        ((10, True), (12, True), (15, True), ["moved"]),
        ((10, True), (10, True), (15, True), ["moved"]),
        ((10, True), (9, True), (15, True), ["behind"]),
        ((10, True), (16, True), (15, True), ["ahead"]),
        ((10, True), (11, True), (10, True), ["ahead"]),  # after the cut-over
        (None, (16, True), (15, True), ["ahead"]),
        ((10, False), (10, True), (10, True), []),
        (None, (12, True), (15, True), ["behind"]),
    ],
)
def test_a_sequence_may_only_stand_between_then_and_now(
    before: tuple[int, bool] | None,
    target: tuple[int, bool],
    now: tuple[int, bool],
    states: list[str],
) -> None:
    known = {} if before is None else {_SEQ: _sequence(*before)}
    found = compare_sequence_states(
        {_SEQ: SequenceState(1, *now)}, {_SEQ: SequenceState(1, *target)}, known, {}
    )
    assert [difference.state for difference in found] == states


def test_a_falling_sequence_is_understood() -> None:
    known = {_SEQ: _sequence(-10, True)}
    now, there = SequenceState(-1, -15, True), SequenceState(-1, -12, True)
    assert [d.state for d in compare_sequence_states({_SEQ: now}, {_SEQ: there}, known, {})] == [
        "moved"
    ]


@pytest.mark.parametrize(
    ("increment", "before", "target", "now", "states"),
    [
        (1, 90, 95, 3, ["moved"]),
        (1, 90, 2, 3, ["moved"]),
        (1, 90, 90, 3, ["moved"]),
        (1, 90, 50, 3, ["behind"]),
        (1, 10, 12, 15, ["moved"]),
        (1, 10, 20, 15, ["ahead"]),
        (-1, 10, 5, 98, ["moved"]),
        (-1, 10, 99, 98, ["moved"]),
        (-1, 10, 50, 98, ["behind"]),
    ],
)
def test_a_sequence_that_cycles_may_start_over(
    increment: int, before: int, target: int, now: int, states: list[str]
) -> None:
    known = {_SEQ: _sequence(before, True)}
    ours = {_SEQ: SequenceState(increment, now, True, cycle=True)}
    theirs = {_SEQ: SequenceState(increment, target, True, cycle=True)}
    assert [d.state for d in compare_sequence_states(ours, theirs, known, {})] == states


def test_what_is_ahead_on_the_target_is_not_to_be_set() -> None:
    found = compare_sequence_states(
        {_SEQ: SequenceState(1, 300, True)}, {_SEQ: SequenceState(1, 305, True)}, {}, {}
    )
    end = Endpoint.parse("host=h dbname=d")
    source = inventory()
    job = VerifyJob(source=end, target=end, inventory=source, target_server=source.server)
    (finding,) = sequence_findings(found, 1, job)
    assert (finding.id, finding.level) == ("sequences-ahead", Level.LOOK)
    assert finding.details == ("public.s: the target's next value is 306, the source's 301",)
    assert "setval" not in repr(finding)


@pytest.mark.parametrize(
    ("used", "target", "now", "state"),
    [
        (40, (40, True), (42, True), "beyond"),
        (0, (1, False), (2, True), "beyond"),
        (40, (39, True), (42, True), "behind"),
        (40, (1, False), (42, True), "behind"),
        (40, (45, True), (42, True), "ahead"),
        (50, (45, True), (42, True), "behind"),
    ],
)
def test_a_sequence_of_timescaledb_has_to_be_beyond_the_numbers_in_use(
    used: int, target: tuple[int, bool], now: tuple[int, bool], state: str
) -> None:
    own = ("_timescaledb_catalog", "chunk_id_seq")
    (found,) = compare_sequence_states(
        {own: SequenceState(1, *now)}, {own: SequenceState(1, *target)}, {}, {own: used}
    )
    assert found.state == state


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (OperationalError("server closed the connection"), True),
        (CannotConnect("Nothing listens.", ""), True),
        (errors.AdminShutdown("x"), True),
        (errors.DeadlockDetected("x"), True),
        (errors.TooManyConnections("x"), True),
        (errors.InsufficientPrivilege("x"), False),
        (errors.UndefinedTable("x"), False),
        (errors.DiskFull("x"), False),
        (ValueError("x"), False),
    ],
)
def test_only_what_may_pass_by_itself_is_tried_again(error: Exception, again: bool) -> None:
    assert is_transient(error) is again
