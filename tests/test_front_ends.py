"""No question exists in one front end alone."""

from dataclasses import fields

from textual.pilot import Pilot

from tests.support.recorded_engine import RecordedEngine
from tests.support.scripted_prompts import CONNECT, ENTER, LEAVE, play
from tests.support.wizard_pilot import app_with, on_screen, settled, type_text, until
from tests.support.wizard_scenes import passed_run
from tests.support.wizard_world import SOURCE, SOURCE_URL, TARGET, TARGET_URL
from tswizard.core.model.answers import Answers, MethodName
from tswizard.questions import QUESTIONS
from tswizard.tui.widgets.fields import Choices, TextField, Tick
from tswizard.tui.widgets.object_list import ObjectList

_TYPED = {"time_limit": "2h", "jobs": "7", "piece": "1 day", "staging": "/tmp"}
"""Another value for each question that is typed."""

_HISTORY = "public.door_openings_daily"
"""A continuous aggregate whose history outlives its raw rows."""

_JOB = "1008"
"""Of no table, so that it is not left out with anything else."""


async def test_all_declared_questions_are_asked_on_screens_and_line_by_line() -> None:
    declared = {question.name for question in QUESTIONS}
    assert await asked_on_screens() == declared
    assert await asked_line_by_line() == declared


# On screens: what is asked is what can be changed by keys


async def asked_on_screens() -> set[str]:
    asked = set[str]()
    for method in ("full", "split"):
        engine = RecordedEngine(run=passed_run().run, situation="other version")
        async with app_with(engine).run_test(size=(120, 60)) as pilot:
            asked |= await change_everything(pilot, method)
        (decided,) = engine.started
        asked |= changed(decided.answers)
        ends = decided.inspected.pair
        assert (ends.source.endpoint, ends.target.endpoint) == (SOURCE, TARGET)
    return asked | {"answers.method"}


def changed(answers: Answers) -> set[str]:
    """Names of the questions whose answers are not their defaults."""
    before = Answers()
    names = [field.name for field in fields(Answers)]
    return {f"answers.{n}" for n in names if getattr(answers, n) != getattr(before, n)}


async def change_everything(pilot: Pilot[int], method: MethodName) -> set[str]:
    """From Welcome to a run with other answers than the defaults; what was asked on the way to
    Method and on Review."""
    asked = set[str]()
    await pilot.press("enter")
    for section, url in (("source", SOURCE_URL), ("target", TARGET_URL)):
        await on_screen(pilot, f"{section.capitalize()}Screen")
        await type_text(pilot, "#conninfo", url)
        await type_text(pilot, "#password", "mst-secret" if section == "source" else "cloud-secret")
        await pilot.press("enter")
        await until(pilot, lambda: "Connected" in str(notice_of(pilot)), what="the connection")
        asked |= {f"{section}.conninfo", f"{section}.password"}
        await pilot.press("enter")
    await on_screen(pilot, "InspectScreen")
    await until(pilot, lambda: pilot.app.screen.query_one("#recreate").display, what="the offer")
    await pilot.press("space")
    await settled(pilot)
    await pilot.press("enter")
    await on_screen(pilot, "MethodScreen")
    await change_method(pilot, method)
    await pilot.press("enter")
    await on_screen(pilot, "ObjectsScreen")
    await change_objects(pilot, method)
    await pilot.press("enter")
    await on_screen(pilot, "ReviewScreen")
    await until(
        pilot, lambda: "Disk on the target" in str(text_of(pilot, "#cost")), what="the cost"
    )
    await pilot.press(*"tsdb", "enter")
    await on_screen(pilot, "RunScreen")
    return asked | {"target.confirm"}


def text_of(pilot: Pilot[int], selector: str) -> str:
    return str(pilot.app.screen.query_one(selector).render())


def notice_of(pilot: Pilot[int]) -> str:
    return text_of(pilot, "#notice")


async def change_method(pilot: Pilot[int], method: MethodName) -> None:
    """The method, and then every field that it shows."""
    screen = pilot.app.screen
    if method == "split":
        screen.query_one("#method").focus()
        await pilot.press("down")
        await settled(pilot)
    for field in [*screen.query(Choices), *screen.query(Tick), *screen.query(TextField)]:
        if not field.display or field.id == "method":
            continue
        field.focus()
        await pilot.pause()
        if isinstance(field, TextField):
            await pilot.press("end", "ctrl+u", *_TYPED[field.id or ""])
        else:
            await pilot.press("space" if isinstance(field, Tick) else "down")
        await pilot.pause()
    await settled(pilot)


async def change_objects(pilot: Pilot[int], method: MethodName) -> None:
    """The first continuous aggregate and a job are left out, and history is recomputed where that
    is asked."""
    screen = pilot.app.screen
    listed = screen.query_one(ObjectList)
    await until(pilot, lambda: listed.current != "", what="the cursor")
    await pilot.press("space")
    if method == "split":
        await move_to(pilot, _HISTORY)
        await pilot.press("h")
        await until(pilot, lambda: pilot.app.screen is not screen, what="the question")
        await pilot.press("right", "enter")
        await until(pilot, lambda: pilot.app.screen is screen, what="Objects")
    await move_to(pilot, _JOB)
    await pilot.press("space")


async def move_to(pilot: Pilot[int], id: str) -> None:
    listed = pilot.app.screen.query_one(ObjectList)
    for _ in listed.options:
        if listed.current == id:
            return
        await pilot.press("down")
    assert listed.current == id


# Line by line: what is asked is remembered by whoever asks


async def asked_line_by_line() -> set[str]:
    asked = set[str]()
    end = [("Policies and jobs", ENTER), ("Type the name", "tsdb"), ("What next", "end")]
    for method, objects in (
        ("full", [("Continuous aggregates", ENTER)]),
        (
            "split",
            [
                ("Continuous aggregates", ENTER),
                ("materialized rows", "recompute"),
                ("Recompute them all the same?", "yes"),
            ],
        ),
    ):
        begin = [*CONNECT, ("What next", "on"), ("Time samples", "yes")]
        begin += [("Time writing to", ENTER), ("What next", "on")]
        chosen = [("Migration method", method), ("Setting to change", ENTER)]
        played = await play(passed_run(), [*begin, *chosen, *objects, *end])
        asked |= {*played.asked}
    script = [*CONNECT, ("Recreate TimescaleDB", "yes"), ("What next", "on"), *LEAVE]
    played = await play(RecordedEngine(situation="other version"), script)
    return asked | {*played.asked}
