"""Nothing that is chosen lacks what it needs, and whatever is left out is named."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.sample_inventory import CAGG, RETENTION, inventory
from tswizard.core.catalog.cagg_model import Cagg, CaggDependent
from tswizard.core.catalog.inventory import Inventory, Job
from tswizard.core.model.answers import Answers
from tswizard.core.model.object_names import UnknownObject, with_found_names
from tswizard.core.model.object_selection import (
    ObjectSelection,
    ObjectSet,
    chosen_caggs,
    chosen_jobs,
    left_out,
)


def cagg(name: str, parent: str | None = None, schema: str = "public") -> Cagg:
    return replace(CAGG, schema=schema, name=name, parent=parent, hypertable=parent or "public.r")


def job(id: int, on: str | None) -> Job:
    schema, _, name = (on or "").partition(".")
    return replace(RETENTION, id=id, on=(schema, name) if on else None)


SOURCE = inventory(
    caggs=(
        cagg("hourly"),
        cagg("daily", "public.hourly"),
        cagg("monthly", "public.daily"),
        cagg("ticks"),
    ),
    jobs=(
        job(1000, "public.readings"),
        job(1001, "public.hourly"),
        job(1002, "public.monthly"),
        job(1003, None),
    ),
    cagg_dependents=(
        CaggDependent("view", "public.on_daily", ("public.daily",)),
        CaggDependent("materialized view", "public.both", ("public.daily", "public.ticks")),
    ),
)


def names(objects: ObjectSet) -> list[str]:
    return [
        *(cagg.name for cagg in objects.caggs),
        *(dependent.identity for dependent in objects.dependents),
        *(str(job.id) for job in objects.jobs),
    ]


def all_of(source: Inventory = SOURCE) -> ObjectSelection:
    return ObjectSelection.of(source, Answers())


def test_everything_is_chosen_unless_somebody_says_otherwise() -> None:
    assert not all_of().left_out
    assert all_of().answers(Answers(jobs=7)) == Answers(jobs=7)
    assert chosen_caggs(SOURCE, Answers()) == SOURCE.caggs
    assert chosen_jobs(SOURCE, Answers()) == SOURCE.jobs


def test_with_a_continuous_aggregate_goes_what_needs_it() -> None:
    gone = all_of().untick_cagg("public.daily").left_out
    assert names(gone) == ["daily", "monthly", "public.on_daily", "public.both", "1002"]
    assert list(gone.lines()) == [
        ("2 continuous aggregates", ("public.daily", "public.monthly")),
        ("1 view", ("public.on_daily",)),
        ("1 materialized view", ("public.both",)),
        ("1 policy", ("1002 retention on public.monthly",)),
    ]


def test_ticking_brings_what_it_needs_and_no_more() -> None:
    nothing = all_of().none()
    assert names(nothing.chosen) == []
    assert names(nothing.tick_cagg("public.monthly").chosen) == [
        "hourly",
        "daily",
        "monthly",
        "public.on_daily",
    ]
    of_monthly = SOURCE.jobs[2]
    assert names(nothing.tick_job(of_monthly).chosen)[:3] == ["hourly", "daily", "monthly"]
    assert nothing.tick_job(of_monthly).jobs == {1002}
    assert names(nothing.tick_job(SOURCE.jobs[0]).chosen) == ["1000"]


def test_a_list_without_a_parent_leaves_its_children_out() -> None:
    answers = Answers(caggs=("public.monthly", "public.ticks"), policies=(1000, 1002))
    assert [one.name for one in chosen_caggs(SOURCE, answers)] == ["ticks"]
    assert [one.id for one in chosen_jobs(SOURCE, answers)] == [1000]
    assert [one.name for one in left_out(SOURCE, answers).caggs] == ["hourly", "daily", "monthly"]


def test_no_policy_of_a_continuous_aggregate_that_is_left_out() -> None:
    assert [one.id for one in chosen_jobs(SOURCE, Answers(caggs="none"))] == [1000, 1003]


labels = st.sampled_from([cagg.label for cagg in SOURCE.caggs])
ticks = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["tick_cagg", "untick_cagg"]), labels),
        st.tuples(st.sampled_from(["tick_job", "untick_job"]), st.sampled_from(SOURCE.jobs)),
    )
)


@given(ticks)
def test_whatever_is_ticked_nothing_lacks_what_it_needs(pressed: list[tuple[str, object]]) -> None:
    selection = all_of()
    for action, what in pressed:
        selection = getattr(selection, action)(what)
        chosen = {cagg.label for cagg in selection.chosen.caggs}
        for one in selection.chosen.caggs:
            assert one.parent is None or one.parent in chosen
        on_caggs = {j.target for j in selection.chosen.jobs} & {c.label for c in SOURCE.caggs}
        assert on_caggs <= chosen
        assert all(chosen.issuperset(d.caggs) for d in selection.chosen.dependents)
        # The answers say all of it.
        assert ObjectSelection.of(SOURCE, selection.answers(Answers())) == selection
        both = len(names(selection.chosen)) + len(names(selection.left_out))
        assert both == len(names(all_of().chosen))


# Names in the answers file

ODD = inventory(
    caggs=(
        cagg("daily"),
        cagg("Daily"),
        cagg("hourly", schema="m"),
        cagg("Monthly Berlin", schema="m"),
        cagg("c", schema="a.b"),
        cagg("b.c", schema="a"),
    ),
    jobs=(job(1000, "public.readings"), job(1007, "public.daily")),
)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("m.hourly", "m.hourly"),
        ("M.HOURLY", "m.hourly"),
        ('"m".hourly', "m.hourly"),
        ("m.Monthly Berlin", "m.Monthly Berlin"),
        ('m."Monthly Berlin"', "m.Monthly Berlin"),
        ('public."Daily"', "public.Daily"),
        ("public.daily", "public.daily"),
    ],
)
def test_names_as_screens_show_them_or_as_in_sql(text: str, label: str) -> None:
    found = with_found_names(ODD, Answers(caggs=(text, text), history=(text,)))
    assert (found.caggs, found.history) == ((label,), (label,))


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        (Answers(caggs=("public.Daily",)), '"public.Daily" fits 2 of the source: '),
        (Answers(caggs=("a.b.c",)), 'fits 2 of the source: "a.b"."c", "a"."b.c"'),
        (Answers(caggs=("m.hourly", "m.houry")), '"m.houry". Did you mean: m.hourly'),
        (Answers(caggs=("hourly",)), "Did you mean: m.hourly"),
        (Answers(history=("nothing.like.it",)), "answers.history: the source has no continuous"),
        (
            Answers(policies=(1000, 1006)),
            "no job 1006. Did you mean: 1000 retention on public.read",
        ),
    ],
)
def test_a_name_that_fits_none_or_two_is_refused(answers: Answers, says: str) -> None:
    with pytest.raises(UnknownObject) as error:
        with_found_names(ODD, answers)
    assert says in str(error.value)


def test_answers_without_lists_need_no_names() -> None:
    answers = Answers(caggs="none", history="recompute", policies="none")
    assert with_found_names(ODD, answers) == answers
