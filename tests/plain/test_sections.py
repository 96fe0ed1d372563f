"""The sections by their questions, on what was recorded of the demo's servers."""

from dataclasses import replace

import pytest

from tests.support.recorded_engine import RecordedEngine, RecordedRun
from tests.support.scripted_prompts import CONNECT, ENTER, LEAVE, QUIT, play
from tests.support.wizard_scenes import failed_run, finished_run, passed_run
from tests.support.wizard_story import left_in_restore_mode, run_folder
from tests.support.wizard_world import REFUSED, SOURCE, SOURCE_URL, TARGET
from tswizard.core.model.finding import Level
from tswizard.core.probe.events import ProbeDone
from tswizard.exit_codes import Exit
from tswizard.questions import QUESTIONS

INSPECT = [("What next", "on")]
OBJECTS = [("Continuous aggregates", ENTER), ("Policies and jobs", ENTER)]
SPLIT_OBJECTS = [("Continuous aggregates", ENTER), ("materialized rows", ENTER), OBJECTS[1]]
NO_PROBE = [("Time samples", "no"), ("What next", "on")]
METHOD = [*NO_PROBE, ("Migration method", "full"), ("Setting to change", ENTER)]
SPLIT = [*NO_PROBE, ("Migration method", "split"), ("Setting to change", ENTER)]
START = [("Type the name", "tsdb")]
END = [("What next", "end")]


async def test_a_whole_migration_ends_with_the_checklist() -> None:
    played = await play(passed_run(), [*CONNECT, *INSPECT, *METHOD, *OBJECTS, *START, *END])
    assert "PASS. Everything arrived." in played.text
    assert "are not migrated: stop the writers first." in " ".join(played.text.split())
    assert played.wizard.exit_code == Exit.PASSED
    (decided,) = played.engine.started
    assert decided.answers.method == "full"
    assert (decided.answers.caggs, decided.answers.policies) == ("all", "all")
    assert decided.inspected.pair.source.endpoint.password == "mst-secret"
    assert "mst-secret" not in played.text


async def test_what_needs_a_look_is_said_and_is_the_exit_code() -> None:
    script = [*CONNECT, *INSPECT, *METHOD, *OBJECTS, *START, ("What next", "details")]
    script += [("Number of the line", "1"), ("Number of the line", "99"), ("Number", ENTER), *END]
    played = await play(finished_run(), script)
    assert "LOOK. Finished, but something needs a look." in played.text
    assert "Type a number from 1 to" in played.text
    assert played.wizard.exit_code == Exit.LOOK


async def test_a_finished_run_is_checked_again_without_any_other_question() -> None:
    engine = RecordedEngine()
    again = passed_run().run
    assert again is not None
    again.checks_again = True
    engine.again = again
    over = run_folder()
    over.record = replace(over.record, result=Level.LOOK)
    played = await play(engine, END, given=over)
    assert engine.checked_again == [(SOURCE, TARGET)]
    assert "PASS. Everything arrived." in played.text
    assert played.wizard.exit_code == Exit.PASSED


async def test_what_a_run_left_open_is_said_before_it_is_offered() -> None:
    engine = RecordedEngine(run_folders=(left_in_restore_mode(),))
    played = await play(engine, [("What to do", QUIT), ("Quit?", "yes")])
    assert "the target may still be in restore mode; resuming undoes that" in played.text


async def test_every_declared_question_is_asked_by_one_method_or_the_other() -> None:
    """Those of the screens are compared with these in tests/test_front_ends.py."""
    full = await play(passed_run(), [*CONNECT, *INSPECT, *METHOD, *OBJECTS, *START, *END])
    probed = [("Time samples", "yes"), ("Time writing to", "no"), ("What next", "on")]
    script = [*CONNECT, *INSPECT, *probed, *SPLIT[2:], *SPLIT_OBJECTS, *START, *END]
    split = await play(passed_run(), script)
    engine = RecordedEngine(situation="other version")
    settled = [("Recreate TimescaleDB", "yes"), *INSPECT, *LEAVE]
    third = await play(engine, [*CONNECT, *settled])
    lost = [("Continuous aggregates", ENTER), ("materialized rows", "recompute")]
    lost += [("Recompute them all the same?", "yes")]
    fourth = await play(RecordedEngine(), [*CONNECT, *INSPECT, *SPLIT, *lost, *LEAVE])
    asked = {*full.asked, *split.asked, *third.asked, *fourth.asked}
    assert asked == {question.name for question in QUESTIONS}


async def test_a_wrong_password_is_asked_for_again() -> None:
    engine = RecordedEngine(refuses={SOURCE.host: REFUSED})
    script = [CONNECT[0], ("Source password", "wrong"), ("Source password", "back")]
    played = await play(engine, [*script, *LEAVE])
    assert f"FAIL: {REFUSED}" in played.text
    assert [endpoint.password for endpoint in engine.asked_endpoints] == ["wrong"]
    assert played.left
    assert played.wizard.exit_code == Exit.REFUSED  # nothing was begun


async def test_back_leads_through_every_section_and_keeps_what_was_answered() -> None:
    script = [
        *CONNECT,
        *INSPECT,
        *NO_PROBE,
        ("Migration method", "split"),
        ("Setting to change", "jobs"),
        ("Parallel jobs [8]", "7"),
        ("Parallel jobs: 7", ENTER),
        ("Continuous aggregates", "none"),
        ("Policies and jobs", "back"),
        ("Continuous aggregates", "back"),
        ("Setting to change", "back"),
        ("Migration method", "back"),
        ("Time samples", "back"),
        ("What next", "back"),
        ("Target password", "back"),
        ("Target database (a URL, a service's name, or parts) [dbname=tsdb", "back"),
        ("Source password", ENTER),
        ("Target database", ENTER),
        ("Target password", ENTER),
        ("What next", "on"),
        ("Time samples", ENTER),
        ("What next", "on"),
        ("Migration method", ENTER),
        ("Parallel jobs: 7", ENTER),
        ("Continuous aggregates", ENTER),
        ("Policies and jobs", ENTER),
        ("Type the name", "tsdb"),
        *END,
    ]
    played = await play(passed_run(), script)
    (decided,) = played.engine.started
    answers = decided.answers
    assert (answers.method, answers.jobs, answers.caggs) == ("split", 7, "none")
    assert decided.inspected.pair.target.endpoint.password == "cloud-secret"
    assert len(played.engine.asked_endpoints) == 4  # both were connected to twice


async def test_back_to_a_section_by_its_name() -> None:
    script = [
        *CONNECT,
        *INSPECT,
        *NO_PROBE,
        ("Migration method", "back later"),
        ("Time samples", "back source"),
        *CONNECT,
        *INSPECT,
        *METHOD,
        *OBJECTS,
        ("Type the name", "back method"),
        ("Time samples", "back inspect"),
        ("What next", QUIT),
        ("Quit?", "no"),
        *LEAVE,
    ]
    played = await play(passed_run(), script)
    assert "There is no earlier section “later”; there is source, target, inspect." in played.text
    assert played.left
    assert not played.engine.started


async def test_before_the_first_question_there_is_none() -> None:
    played = await play(RecordedEngine(), [("Source database", "back"), *LEAVE])
    assert "There is no question before this one." in played.text


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("", "Nothing was typed."),
        ("postgresql://[", "The connection cannot be read"),
        ("?", "Written for example as postgresql://tsdbadmin@host:port/defaultdb"),
    ],
)
async def test_what_cannot_be_a_source_is_said_and_asked_again(typed: str, told: str) -> None:
    played = await play(RecordedEngine(), [("Source database", typed), *LEAVE])
    assert told in played.text


async def test_an_endpoint_by_its_parts() -> None:
    script = [
        ("Source database", "parts"),
        ("Host", "mst-2f1a.example.com"),
        ("Port", "back"),
        ("Host [mst-2f1a.example.com]", ENTER),
        ("Port", "20985"),
        ("Database", "defaultdb"),
        ("User", "tsdbadmin"),
        ("Source password", "mst-secret"),
        ("Target database", SOURCE_URL),
        ("Target password", ENTER),
        *LEAVE,
    ]
    played = await play(RecordedEngine(), script)
    assert "Connecting to mst-2f1a.example.com:20985/defaultdb" in played.text
    assert "This is the source itself." in played.text


async def test_unticking_says_what_goes_along_and_ticking_brings_it_back() -> None:
    hourly, daily = "public.conditions_hourly", "public.conditions_daily"
    script = [
        *CONNECT,
        *INSPECT,
        *SPLIT,
        ("Continuous aggregates", "choose"),
        (f"[x] {hourly}", f"show {daily}"),
        (f"[x] {hourly}", f"-{hourly}"),
        (f"[ ] {hourly}", f"+{hourly}"),
        (f"[x] {daily}", f"-{hourly}"),
        (f"[ ] {hourly}", f"+{daily}"),
        (f"[x] {hourly}", f"-{hourly}"),
        (f"[ ] {daily}", ENTER),
        ("materialized rows", ENTER),
        ("Policies and jobs", "choose"),
        ("[ ] 1001 refresh", "+1001 -1003"),
        ("[x] 1001 refresh", ENTER),
        *START,
        *END,
    ]
    played = await play(passed_run(), script)
    assert "Needed by: 2 views: public.site_temperatures, public.hot_days; 1 policy" in played.text
    assert 'CREATE MATERIALIZED VIEW "public"."conditions_daily"' in played.text
    views = (
        "2 views: public.site_temperatures, public.hot_days; 1 materialized view: public.warmest"
    )
    gone = f"1 continuous aggregate: {daily}; {views}; 3 policies."
    assert played.text.count(f"Left out with it: {gone}") == 2
    assert f"Ticked with it: {gone}" in played.text, "not all of it came back"
    assert f"Ticked with it: 1 continuous aggregate: {hourly}; {views}." in played.text
    assert f"Ticked with it: 2 continuous aggregates: {hourly}, {daily}; {views}." in played.text
    (decided,) = played.engine.started
    assert decided.answers.caggs == "all"
    policies = decided.answers.policies
    assert isinstance(policies, tuple)
    assert 1001 in policies
    assert not {1000, 1003, 1004} & {*policies}
    assert "Left out, as you chose: 3 policies: 1000 refresh" in played.text


async def test_history_that_would_be_lost_is_said_before_it_is_decided() -> None:
    daily = "public.door_openings_daily"
    script = [
        *CONNECT,
        *INSPECT,
        *SPLIT,
        ("Continuous aggregates", ENTER),
        ("materialized rows", "recompute"),
        ("Recompute them all the same?", ENTER),
        ("materialized rows", "choose"),
        ("are recomputed", f"+{daily}"),
        ("are recomputed", ENTER),
        ("Recompute them all the same?", "yes"),
        ("Policies and jobs", ENTER),
        *START,
        *END,
    ]
    played = await play(passed_run(), script)
    (decided,) = played.engine.started
    assert decided.answers.history == (daily,)
    assert played.text.count("would lose for good on the target") == 2
    assert f"This loses: {daily}: " in played.text


async def test_a_failed_run_can_be_resumed_at_once() -> None:
    engine = failed_run()
    script = [*CONNECT, *INSPECT, *METHOD, *OBJECTS, *START, ("What next", "on")]
    script += [("Password for", ENTER), ("Password for", ENTER), ("What next", "end")]
    played = await play(engine, script)
    assert played.wizard.exit_code == Exit.STOPPED
    ((source, target, confirm),) = engine.reopened
    assert (source.password, target.password, confirm) == ("mst-secret", "cloud-secret", None)
    assert "tswizard resume" in played.text


async def test_a_waiting_run_is_offered_and_what_it_would_remove_is_confirmed() -> None:
    waits = run_folder(method="full")
    engine = passed_run()
    engine.run_folders = (waits,)
    engine.confirmation = "The restore was interrupted."
    assert isinstance(engine.run, RecordedRun)
    script = [
        ("What to do", waits.record.id),
        ("Password for", "back"),
        ("What to do", waits.record.id),
        ("Password for", "a"),
        ("Password for", "b"),
        ("type the target database's name (tsdb)", "wrong"),
        ("type the target database's name (tsdb)", "tsdb"),
        *END,
    ]
    played = await play(engine, script)
    ((source, target, confirm),) = engine.reopened
    assert (source.password, target.password, confirm) == ("a", "b", "tsdb")
    assert "The restore was interrupted." in played.text
    assert "To continue, type tsdb" in played.text


async def test_the_probe_is_told_as_it_goes_and_its_recommendation_is_the_default() -> None:
    script = [
        *CONNECT,
        *INSPECT,
        ("Time samples", ENTER),
        ("Time writing to", "yes"),
        ("What next", "why"),
        ("What next", "table"),
        ("Table that represents the others", "back"),
        ("What next", "table"),
        ("Table that represents the others", ENTER),
        ("Time writing to", "no"),
        ("What next", "on"),
        ("Migration method", "?"),
        ("Migration method", ENTER),
        ("Setting to change", "time_limit"),
        ("Longest run", "soon"),
        ("Longest run", "1s"),
        ("Setting to change", ENTER),
        *LEAVE,
    ]
    played = await play(passed_run(), script)
    assert [answers.probe_upload for answers in played.engine.probed] == [True, False]
    assert "pg_dump of " in played.text
    assert "MiB/s" in played.text or "KiB/s" in played.text
    assert played.text.count("Recommended: ") >= 2
    advice = played.wizard.session.known.advice
    assert advice is not None
    assert advice.limit == 1
    assert advice.probe is not None
    assert f"Recommended: {advice.recommendation.sentence}" in played.text


async def test_an_earlier_probe_of_the_pair_is_used_again() -> None:
    from tests.support.recordings import load_probe

    engine = passed_run()
    engine.kept = next(e.probe for e in load_probe().events if isinstance(e, ProbeDone))
    script = [*CONNECT, *INSPECT, ("Time samples", ENTER), ("What next", "on"), *LEAVE]
    played = await play(engine, script)
    assert "These two databases were timed on " in played.text
    assert not played.engine.probed
    assert played.wizard.session.known.advice is not None
