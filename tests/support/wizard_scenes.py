"""Every screen in every state that matters, driven there by keys."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from textual.pilot import Pilot
from textual.widgets import OptionList, ProgressBar

from tests.support import many_objects
from tests.support.metrics_inventory import LONG_NAMED, METRICS, sensors
from tests.support.recorded_engine import RecordedEngine, RecordedRun
from tests.support.recordings import load_run
from tests.support.wizard_pilot import (
    HUGE,
    LARGE,
    SMALL,
    Drive,
    at_rest,
    notice,
    on_screen,
    settled,
    type_text,
    until,
    wizard_app,
)
from tests.support.wizard_story import (
    before,
    in_rows,
    left_in_restore_mode,
    outcome,
    resumed_pieces,
    run_folder,
    split_pieces,
    whole,
)
from tests.support.wizard_world import (
    INSPECTED,
    INVENTORY,
    PAIR,
    REFUSED,
    SOURCE,
    SOURCE_URL,
    TARGET,
    TARGET_URL,
)
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.full.steps import FullStep
from tswizard.core.model.answers import Answers, MethodName
from tswizard.core.model.events import Event, RunFinished, StepProgress, StepStarted
from tswizard.core.model.finding import Level
from tswizard.core.model.outcome import Outcome
from tswizard.core.split.steps import SplitStep
from tswizard.demo.progress import Prepared
from tswizard.tui.app import WizardApp
from tswizard.tui.screens.method import MethodScreen
from tswizard.tui.screens.review import StepCard
from tswizard.tui.screens.run import RunScreen
from tswizard.wizard.state import Inspected

# Engines


def run_engine(events: list[Event], end: Outcome | None = None) -> RecordedEngine:
    return RecordedEngine(run=RecordedRun(run_folder(), events, end))


def held_run() -> RecordedEngine:
    """In the middle of restoring rows."""
    return RecordedEngine(run=_held(RecordedRun(run_folder(), in_rows())))


def split_run() -> RecordedEngine:
    """In the middle of copying chunks."""
    return RecordedEngine(run=_held(RecordedRun(run_folder(method="split"), split_pieces())))


def _held(run: RecordedRun) -> RecordedRun:
    """Held where its last step begins, where that is first told of, and at its end."""
    events = run.recorded
    begins = max(n for n, event in enumerate(events) if isinstance(event, StepStarted))
    later = range(begins, len(events))
    first = next(n for n in later if isinstance(events[n], StepProgress))
    run.hold_at = (begins + 1, first + 1, len(events))
    run.recorded = [*events, RunFinished(events[-1].at, result=None, seconds=0)]
    return run


def finished_run() -> RecordedEngine:
    return run_engine(whole(), outcome(Level.LOOK))


def passed_run() -> RecordedEngine:
    return run_engine(whole(), outcome(Level.PASS))


def lost_run() -> RecordedEngine:
    return run_engine(whole("lost"), outcome(Level.FAIL))


def failed_run() -> RecordedEngine:
    return run_engine(whole("interrupted"))


def large_source() -> RecordedEngine:
    """With hypertables whose names and figures take much room."""
    hypertables = (*INVENTORY.hypertables, METRICS, LONG_NAMED)
    return RecordedEngine(inventory=replace(INVENTORY, hypertables=hypertables))


def refused() -> RecordedEngine:
    return RecordedEngine(refuses={SOURCE.host: REFUSED})


def blocked() -> RecordedEngine:
    """The target lacks the extension, and can have it."""
    return RecordedEngine(situation="no extension")


def split_possible() -> RecordedEngine:
    """The target has another version of TimescaleDB."""
    return RecordedEngine(situation="other version")


def unfinished() -> RecordedEngine:
    done = [e.step for e in before(FullStep.RESTORE_ROWS, "full") if isinstance(e, StepStarted)]
    return RecordedEngine(
        run_folders=(run_folder(done=done),), confirmation=load_run("interrupted").confirmation
    )


def left_open() -> RecordedEngine:
    return RecordedEngine(run_folders=(left_in_restore_mode(),))


def unfinished_split() -> RecordedEngine:
    """Begun elsewhere or here, it is resumed in the middle of copying chunks."""
    earlier = before(SplitStep.COPY_HYPERTABLES, "split")
    done = [event.step for event in earlier if isinstance(event, StepStarted)]
    folder = run_folder(done=done, method="split")
    events = resumed_pieces()
    run = RecordedRun(folder, [*events, RunFinished(events[-1].at, result=None, seconds=0)])
    run.hold_at = (len(events),)
    return RecordedEngine(run_folders=(folder,), run=run)


# Ways


async def welcome(pilot: Pilot[int]) -> None:
    await on_screen(pilot, "WelcomeScreen")


async def demo_prepares(pilot: Pilot[int]) -> None:
    await on_screen(pilot, "WelcomeScreen")
    label = pilot.app.screen.query_one("#preparing")
    await until(pilot, lambda: "sample" in str(label.render()))


async def to_source(pilot: Pilot[int]) -> None:
    await on_screen(pilot, "WelcomeScreen")
    await pilot.press("enter")
    await on_screen(pilot, "SourceScreen")


async def connect(pilot: Pilot[int], url: str, password: str) -> None:
    await type_text(pilot, "#conninfo", url)
    await type_text(pilot, "#password", password)
    await pilot.press("enter")


async def connect_source(pilot: Pilot[int]) -> None:
    await to_source(pilot)
    await connect(pilot, SOURCE_URL, "mst-secret")
    await until(pilot, lambda: "Connected" in notice(pilot))
    await settled(pilot)


async def source_refuses(pilot: Pilot[int]) -> None:
    await to_source(pilot)
    await connect(pilot, SOURCE_URL, "wrong")
    await until(pilot, lambda: REFUSED.what in notice(pilot))
    await settled(pilot)


async def to_target(pilot: Pilot[int]) -> None:
    await on_screen(pilot, "WelcomeScreen")
    wizard_app(pilot).show_target(PAIR.source)
    await on_screen(pilot, "TargetScreen")


async def connect_target(pilot: Pilot[int]) -> None:
    await to_target(pilot)
    await connect(pilot, TARGET_URL, "cloud-secret")
    await until(pilot, lambda: "Connected" in notice(pilot))
    await settled(pilot)


async def to_inspect(pilot: Pilot[int]) -> None:
    await on_screen(pilot, "WelcomeScreen")
    wizard_app(pilot).show_inspect(PAIR)
    await on_screen(pilot, "InspectScreen")
    await until(pilot, lambda: "PASS" in notice(pilot))
    await at_rest(pilot)


async def to_method(pilot: Pilot[int], inspected: Inspected = INSPECTED) -> None:
    await on_screen(pilot, "WelcomeScreen")
    wizard_app(pilot).show_method(inspected)
    await probed(pilot)


async def probed(pilot: Pilot[int]) -> None:
    """Method, when it has timed all it wants to and recommends."""
    await on_screen(pilot, "MethodScreen")
    screen = pilot.app.screen
    assert isinstance(screen, MethodScreen)
    await until(pilot, lambda: not screen.busy)
    await settled(pilot)
    await at_rest(pilot)


def objects_of(inventory: Inventory, method: MethodName = "full") -> Drive:
    """The objects of a source, to be ticked."""

    async def drive(pilot: Pilot[int]) -> None:
        await on_screen(pilot, "WelcomeScreen")
        inspected = replace(INSPECTED, inventory=inventory)
        wizard_app(pilot).show_objects(inspected.decided(Answers(method=method)))
        await on_screen(pilot, "ObjectsScreen")
        await sql_is_shown(pilot, "CREATE")

    return drive


async def sql_is_shown(pilot: Pilot[int], text: str) -> None:
    pane = pilot.app.screen.query_one("#object-sql")
    await until(pilot, lambda: text in str(pane.render()), what="the SQL")
    await at_rest(pilot)


async def objects_unticked(pilot: Pilot[int]) -> None:
    """The cursor is on the line behind it."""
    await objects_of(many_objects.few(), "split")(pilot)
    await pilot.press("down", "space", "down")
    await sql_is_shown(pilot, "events_weekly")


async def to_review(pilot: Pilot[int]) -> None:
    await on_screen(pilot, "WelcomeScreen")
    wizard_app(pilot).show_review(INSPECTED.decided(INSPECTED.answers))
    await review_is_there(pilot)


async def review_is_there(pilot: Pilot[int]) -> None:
    await on_screen(pilot, "ReviewScreen")
    await until(pilot, lambda: "Disk" in str(pilot.app.screen.query_one("#cost").render()))
    await at_rest(pilot)


async def split_reviewed(pilot: Pilot[int]) -> None:
    """The step that creates the hypertables, of which there are many."""
    await on_screen(pilot, "WelcomeScreen")
    many = replace(INVENTORY, hypertables=(*INVENTORY.hypertables, METRICS, *sensors(190)))
    answers = Answers(method="split")
    inspected = replace(INSPECTED, inventory=many)
    wizard_app(pilot).show_review(inspected.decided(answers))
    await review_is_there(pilot)
    cards = pilot.app.screen.query(StepCard)
    card = next(card for card in cards if card.step.id == SplitStep.HYPERTABLES)
    card.focus()
    await settled(pilot)
    await at_rest(pilot, lambda: card.scroll_visible(animate=False, top=True))
    await settled(pilot)


async def to_run(pilot: Pilot[int]) -> None:
    """Straight to a run, as a resume does."""
    await on_screen(pilot, "WelcomeScreen")
    app = wizard_app(pilot)
    assert isinstance(app.engine, RecordedEngine) and app.engine.run is not None
    run = app.engine.run
    app.show_run(run, (SOURCE, TARGET))
    await on_screen(pilot, "RunScreen")
    for _ in run.hold_at[1:]:
        await run_is_drawn(pilot, run)
        run.held.clear()
        run.go.set()
    await run_is_drawn(pilot, run)


async def run_is_drawn(pilot: Pilot[int], run: RecordedRun) -> None:
    """Wait until the run holds or is over, and all that it told is on the screen."""
    app = wizard_app(pilot)
    screen, feed = app.screen, app.feed
    assert isinstance(screen, RunScreen) and feed is not None
    bar = screen.query_one("#run-bar", ProgressBar)

    def drawn() -> bool:
        progress = screen.model.progress
        return not feed.waiting and (progress is None or bar.progress == progress.done)

    await until(pilot, lambda: (feed.over or run.held.is_set()) and drawn(), what="the run")
    await until(pilot, lambda: "tables" not in screen.model.changed, what="its tables")
    await settled(pilot)
    await at_rest(pilot)


async def to_end(pilot: Pilot[int]) -> None:
    """A run that ends by itself."""
    await to_run(pilot)
    await until(pilot, lambda: pilot.app.screen.query_one("#buttons").display)
    await settled(pilot)


async def to_check(pilot: Pilot[int]) -> None:
    await to_end(pilot)
    await pilot.press("enter")
    await on_screen(pilot, "CheckScreen")


async def to_resume(pilot: Pilot[int]) -> None:
    await on_screen(pilot, "WelcomeScreen")
    menu = pilot.app.screen.query_one("#menu", OptionList)
    await until(pilot, lambda: menu.option_count == 3)
    await pilot.press("down", "enter")
    await on_screen(pilot, "ResumeScreen")


async def resume_asks(pilot: Pilot[int]) -> None:
    await to_resume(pilot)
    await pilot.press("enter")
    await until(pilot, lambda: "interrupted" in notice(pilot))
    await settled(pilot)


async def resumed(pilot: Pilot[int]) -> None:
    await to_resume(pilot)
    await pilot.press("enter")
    await on_screen(pilot, "RunScreen")
    engine = wizard_app(pilot).engine
    assert isinstance(engine, RecordedEngine) and engine.run is not None
    await run_is_drawn(pilot, engine.run)


def keys(first: Drive, *pressed: str) -> Drive:
    """That scene, and then these keys."""

    async def drive(pilot: Pilot[int]) -> None:
        await first(pilot)
        for key in pressed:
            await pilot.press(key)
            await pilot.pause()
        await settled(pilot)

    return drive


# Scenes


async def _prepare_slowly(on_progress: Callable[[Prepared], None]) -> tuple[Endpoint, Endpoint]:
    on_progress(Prepared("template", 120, 300, "Filling the source with sample data"))
    await asyncio.Event().wait()
    raise AssertionError


@dataclass(frozen=True)
class Scene:
    """A state to be looked at: how the app is made and how it is driven there."""

    drive: Drive
    engine: Callable[[], RecordedEngine] = RecordedEngine
    demo: bool = False
    sizes: tuple[tuple[int, int], ...] = (SMALL,)
    preparing: bool = False

    def app(self) -> WizardApp:
        engine = self.engine()
        now = engine.run.now if engine.run else 0.0
        return WizardApp(
            engine,
            demo=self.demo,
            prepare=_prepare_slowly if self.preparing else None,
            now=lambda: now,
        )


BOTH = (SMALL, LARGE)
ALL = (*BOTH, HUGE)
"""Where a very wide terminal changes more than the length of lines."""

SCENES: dict[str, Scene] = {
    "welcome": Scene(welcome, sizes=ALL),
    "welcome-unfinished": Scene(welcome, unfinished),
    "welcome-left-open": Scene(welcome, left_open),
    "welcome-demo": Scene(demo_prepares, demo=True, preparing=True),
    "source": Scene(to_source, sizes=ALL),
    "source-refused": Scene(source_refuses, refused),
    "source-connected": Scene(connect_source, sizes=ALL),
    "target": Scene(connect_target),
    "inspect": Scene(to_inspect, sizes=ALL),
    "inspect-blocked": Scene(to_inspect, blocked),
    "inspect-split": Scene(to_inspect, split_possible),
    "inspect-hypertables": Scene(keys(to_inspect, "right"), large_source, sizes=ALL),
    "inspect-caggs": Scene(keys(to_inspect, "right", "right", "right")),
    "method": Scene(to_method, sizes=ALL),
    "method-split": Scene(keys(to_method, "down", "space"), sizes=BOTH),
    "method-help": Scene(keys(to_method, "f1")),
    "objects": Scene(objects_of(many_objects.few()), sizes=ALL),
    "objects-unticked": Scene(objects_unticked, sizes=BOTH),
    "objects-history": Scene(keys(objects_of(many_objects.few(), "split"), "h")),
    "review": Scene(to_review, sizes=ALL),
    "review-split": Scene(split_reviewed, sizes=BOTH),
    "run": Scene(to_run, held_run, sizes=ALL),
    "run-look": Scene(keys(to_run, "f"), held_run),
    "run-explained": Scene(keys(to_run, "enter"), held_run),
    "run-zoomed": Scene(keys(to_run, "z"), held_run),
    "run-stop": Scene(keys(to_run, "s"), held_run),
    "run-split": Scene(to_run, split_run, sizes=ALL),
    "run-split-stop": Scene(keys(to_run, "s"), split_run),
    "run-failed": Scene(to_end, failed_run),
    "run-finished": Scene(to_end, finished_run, sizes=ALL),
    "check": Scene(to_check, finished_run, sizes=ALL),
    "check-lost": Scene(to_check, lost_run),
    "check-detail": Scene(keys(to_check, "enter"), finished_run),
    "resume": Scene(to_resume, unfinished),
    "resume-asks": Scene(resume_asks, unfinished, sizes=ALL),
    "resume-split": Scene(to_resume, unfinished_split),
    "run-resumed": Scene(resumed, unfinished_split),
    "palette": Scene(keys(to_inspect, "ctrl+p"), sizes=ALL),
    "figures": Scene(keys(to_inspect, "right", "?"), large_source),
    "help": Scene(keys(to_review, "f1")),
    "quit": Scene(keys(to_run, "ctrl+q"), held_run),
}
