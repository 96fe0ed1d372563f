"""Every screen in every state that matters, driven there by keys: for snapshots and pictures."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from textual.clock import MockClock
from textual.events import Paste
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import OptionList, ProgressBar

from tests.tui import many_objects, story, world
from tests.tui.recorded import RecordedEngine, RecordedRun
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import CannotConnect
from tswizard.core.model.answers import Answers, MethodName
from tswizard.core.model.events import Event, StepProgress
from tswizard.core.model.finding import Level
from tswizard.core.model.outcome import Outcome
from tswizard.demo.progress import Prepared
from tswizard.tui.app import WizardApp
from tswizard.tui.base import WizardScreen
from tswizard.tui.screens.review import StepCard
from tswizard.tui.screens.run import RunScreen
from tswizard.tui.widgets.keys import Keys
from tswizard.tui.widgets.table import FittingTable
from tswizard.tui.wizard_state import ConnectedDatabase, ConnectedPair, Decided, Inspected

SMALL = (80, 24)
LARGE = (120, 35)
RUNS = Path("/home/ada/.local/state/tswizard/runs")

SOURCE_URL = "postgresql://tsdbadmin@mst-2f1a.example.com:20985/defaultdb"
TARGET_URL = "postgresql://tsdbadmin@x7f0q.tsdb.example.com:33412/tsdb?sslmode=require"

SOURCE = ConnectedDatabase(world.SOURCE, world.SOURCE_SERVER)
TARGET = ConnectedDatabase(world.TARGET, world.TARGET_SERVER)
PAIR = ConnectedPair(SOURCE, TARGET)
INSPECTED = Inspected(
    PAIR, world.INVENTORY, world.EMPTY, (*world.PASSED, world.ROLES_MISSING), Answers()
)

Drive = Callable[[Pilot[int]], Awaitable[None]]


async def until(
    pilot: Pilot[int],
    holds: Callable[[], object],
    *,
    what: str = "the condition",
    seconds: float = 120,
) -> None:
    """Let the app work until something holds; the longer it takes, the rarer it is looked at."""
    limit, pause = time.monotonic() + seconds, 0.01
    while not holds():
        if time.monotonic() > limit:
            raise AssertionError(f"waited in vain for {what} on {pilot.app.screen!r}")
        await asyncio.sleep(pause)
        pause = min(0.2, pause * 1.1)


def _app(pilot: Pilot[int]) -> WizardApp:
    assert isinstance(pilot.app, WizardApp)
    return pilot.app


async def on_screen(pilot: Pilot[int], name: str) -> None:
    """Wait for a screen by its class's name, with its keys in the footer."""
    await until(pilot, lambda: type(pilot.app.screen).__name__ == name, what=name)
    await settled(pilot)


async def settled(pilot: Pilot[int]) -> None:
    """Wait until no worker is busy and the footer shows the keys that work now."""
    await until(pilot, lambda: not any(w.is_running for w in pilot.app.workers), what="workers")

    def footer_fits() -> bool:
        screen = pilot.app.screen
        if not isinstance(screen, WizardScreen):
            return True
        active = [a.binding for a in screen.active_bindings.values() if a.enabled]
        keys = screen.query(Keys).results(Keys)
        shown = {binding.action for footer in keys for binding in footer.shown}
        return shown == {binding.action for binding in active if binding.show}

    await until(pilot, footer_fits, what="the footer")
    await pilot.wait_for_scheduled_animations()


async def at_rest(pilot: Pilot[int], again: Callable[[], object] = lambda: None) -> None:
    """Wait until the layout moves no more; `again` is done before each look."""
    seen: list[object] = []

    def still() -> bool:
        again()
        seen.append([(w.region, w.virtual_size) for w in pilot.app.screen.query(Widget)])
        return len(seen) > 5 and all(look == seen[-1] for look in seen[-5:])

    await until(pilot, still, what="the layout at rest")


def notice(pilot: Pilot[int]) -> str:
    """The sentence above the buttons."""
    return str(pilot.app.screen.query_one("#notice").render())


async def type_text(pilot: Pilot[int], selector: str, text: str) -> None:
    """Focus a field and paste into it, as a terminal does."""
    field = pilot.app.screen.query_one(selector)
    field.focus()
    await pilot.pause()
    field.post_message(Paste(text))
    await pilot.pause()


async def to_source(pilot: Pilot[int]) -> None:
    await on_screen(pilot, "WelcomeScreen")
    await pilot.press("enter")
    await on_screen(pilot, "SourceScreen")


async def connect_source(pilot: Pilot[int]) -> None:
    await to_source(pilot)
    await type_text(pilot, "#conninfo", SOURCE_URL)
    await type_text(pilot, "#password", "mst-secret")
    await pilot.press("enter")
    await until(pilot, lambda: "Connected" in notice(pilot))
    await settled(pilot)


async def to_target(pilot: Pilot[int]) -> None:
    await on_screen(pilot, "WelcomeScreen")
    _app(pilot).show_target(SOURCE)
    await on_screen(pilot, "TargetScreen")


async def connect_target(pilot: Pilot[int]) -> None:
    await to_target(pilot)
    await type_text(pilot, "#conninfo", TARGET_URL)
    await type_text(pilot, "#password", "cloud-secret")
    await pilot.press("enter")
    await until(pilot, lambda: "Connected" in notice(pilot))
    await settled(pilot)


async def to_inspect(pilot: Pilot[int]) -> None:
    await on_screen(pilot, "WelcomeScreen")
    _app(pilot).show_inspect(PAIR)
    await on_screen(pilot, "InspectScreen")
    await until(pilot, lambda: "PASS" in notice(pilot))


async def to_method(pilot: Pilot[int]) -> None:
    await on_screen(pilot, "WelcomeScreen")
    _app(pilot).show_method(INSPECTED)
    await on_screen(pilot, "MethodScreen")


def objects_of(inventory: Inventory, method: MethodName = "full") -> Drive:
    """The objects of a source, to be ticked."""

    async def drive(pilot: Pilot[int]) -> None:
        await on_screen(pilot, "WelcomeScreen")
        inspected = replace(INSPECTED, inventory=inventory)
        _app(pilot).show_objects(inspected.decided(Answers(method=method)))
        await on_screen(pilot, "ObjectsScreen")
        pane = pilot.app.screen.query_one("#object-sql")
        await until(pilot, lambda: "CREATE" in str(pane.render()), what="the SQL")
        await at_rest(pilot)

    return drive


async def objects_unticked(pilot: Pilot[int]) -> None:
    """The cursor is on the line behind it."""
    await objects_of(many_objects.few(), "split")(pilot)
    await pilot.press("down", "space", "down")
    pane = pilot.app.screen.query_one("#object-sql")
    await until(pilot, lambda: "events_weekly" in str(pane.render()), what="its SQL")
    await at_rest(pilot)


async def to_review(pilot: Pilot[int]) -> None:
    await on_screen(pilot, "WelcomeScreen")
    _app(pilot).show_review(Decided(INSPECTED, Answers(), INSPECTED.findings))
    await on_screen(pilot, "ReviewScreen")
    await until(pilot, lambda: "Disk" in str(pilot.app.screen.query_one("#cost").render()))
    await at_rest(pilot)


async def to_run(pilot: Pilot[int]) -> None:
    """Straight to a run, as a resume does."""
    await on_screen(pilot, "WelcomeScreen")
    app = _app(pilot)
    assert isinstance(app.engine, RecordedEngine) and app.engine.run is not None
    app.show_run(app.engine.run, (world.SOURCE, world.TARGET))
    await on_screen(pilot, "RunScreen")
    screen = app.screen
    assert isinstance(screen, RunScreen)
    feed = app.feed
    assert feed is not None
    run = app.engine.run
    clock = app.bar_clock
    assert isinstance(clock, MockClock)
    bar = screen.query_one("#run-bar", ProgressBar)

    def drawn() -> bool:
        progress = screen.model.progress
        return not feed.waiting and (progress is None or bar.progress == progress.done)

    for _ in run.hold_at[1:]:
        await until(pilot, lambda: run.held.is_set() and drawn(), what="the run to hold")
        run.held.clear()
        clock.set_time(clock.time + 10)
        run.go.set()
    await until(pilot, lambda: (feed.over or run.held.is_set()) and drawn())
    await until(pilot, lambda: "tables" not in screen.model.changed)
    await settled(pilot)


def keys(before: Drive, *pressed: str) -> Drive:
    """That scene, and then these keys."""

    async def drive(pilot: Pilot[int]) -> None:
        await before(pilot)
        for key in pressed:
            await pilot.press(key)
            await pilot.pause()
        await settled(pilot)

    return drive


async def source_refuses(pilot: Pilot[int]) -> None:
    await to_source(pilot)
    await type_text(pilot, "#conninfo", SOURCE_URL)
    await type_text(pilot, "#password", "wrong")
    await pilot.press("enter")
    await until(pilot, lambda: "refuses" in notice(pilot))
    await settled(pilot)


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
    await until(pilot, lambda: menu.option_count == 2)
    await pilot.press("down", "enter")
    await on_screen(pilot, "ResumeScreen")


async def resume_asks(pilot: Pilot[int]) -> None:
    await to_resume(pilot)
    await pilot.press("enter")
    await until(pilot, lambda: "interrupted" in notice(pilot))
    await settled(pilot)


async def welcome(pilot: Pilot[int]) -> None:
    await on_screen(pilot, "WelcomeScreen")


async def demo_prepares(pilot: Pilot[int]) -> None:
    await on_screen(pilot, "WelcomeScreen")
    label = pilot.app.screen.query_one("#preparing")
    await until(pilot, lambda: "sample" in str(label.render()))


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
    now: float = story.NOON + 1313
    sizes: tuple[tuple[int, int], ...] = (SMALL,)
    preparing: bool = False

    def app(self) -> WizardApp:
        return WizardApp(
            self.engine(),
            demo=self.demo,
            prepare=_prepare_slowly if self.preparing else None,
            now=lambda: self.now,
            bar_clock=MockClock(),
        )


def run_engine(events: list[Event], end: Outcome | None = None) -> RecordedEngine:
    return RecordedEngine(run=RecordedRun(story.run_folder(RUNS / story.RUN), events, end))


def held_run() -> RecordedEngine:
    """In the middle of restoring rows."""
    events = story.until_rows()
    engine = run_engine([*events, *story.started()])
    assert engine.run is not None
    first = next(n for n, event in enumerate(events) if isinstance(event, StepProgress))
    engine.run.hold_at = (first + 1, len(events) - 20, len(events))
    return engine


def split_run() -> RecordedEngine:
    """In the middle of copying chunks."""
    events = story.split_pieces()
    run = RecordedRun(
        story.run_folder(RUNS / story.RUN, method="split"), [*events, *story.started()]
    )
    first = next(n for n, event in enumerate(events) if isinstance(event, StepProgress))
    run.hold_at = (first + 1, len(events) - 20, len(events))
    return RecordedEngine(run=run)


def finished_run() -> RecordedEngine:
    engine = run_engine(story.whole(), story.outcome(Level.LOOK))
    engine.final = story.CHECKLIST
    return engine


def lost_run() -> RecordedEngine:
    engine = run_engine(story.whole(result=Level.FAIL), story.outcome(Level.FAIL))
    engine.final = story.LOST
    return engine


def failed_run() -> RecordedEngine:
    return run_engine(story.failed_in_rows())


def split_planned() -> RecordedEngine:
    return RecordedEngine(planned=world.split_plan(more=190))


async def split_reviewed(pilot: Pilot[int]) -> None:
    """The step that makes the hypertables, of which there are many."""
    await to_review(pilot)
    card = next(c for c in pilot.app.screen.query(StepCard) if c.step.id == "hypertables")
    card.focus()
    await settled(pilot)
    await at_rest(pilot, lambda: card.scroll_visible(animate=False, top=True))
    await settled(pilot)


def refused() -> RecordedEngine:
    return RecordedEngine(
        refuses={
            world.SOURCE.host: CannotConnect(
                "mst-2f1a.example.com:20985/defaultdb refuses the password of tsdbadmin.",
                "Give the right one, or put it into ~/.pgpass.",
            )
        }
    )


def blocked() -> RecordedEngine:
    return RecordedEngine(findings=(*world.PASSED, world.ROLES_MISSING, world.VERSIONS_DIFFER))


def unfinished() -> RecordedEngine:
    done = ("pause-source-jobs", "dump", "prepare", "restore-schema")
    return RecordedEngine(
        run_folders=(story.run_folder(RUNS / story.RUN, *done),),
        confirmation=(
            f"The restore into {world.TARGET.label} was interrupted. Everything that this run put "
            "there is removed, and the restore starts again from the finished dump."
        ),
    )


def unfinished_split() -> RecordedEngine:
    """Begun elsewhere or here, it goes on in the middle of copying chunks."""
    done = [step for step, _ in story.SPLIT_STEPS[:6]]
    run_folder = story.run_folder(RUNS / story.RUN, *done, method="split")
    events = story.resumed_pieces()
    run = RecordedRun(run_folder, [*events, *story.started()])
    run.hold_at = (len(events),)
    return RecordedEngine(run_folders=(run_folder,), run=run)


async def resumed(pilot: Pilot[int]) -> None:
    await to_resume(pilot)
    await pilot.press("enter")
    await on_screen(pilot, "RunScreen")
    await until(pilot, lambda: pilot.app.screen.query_one(FittingTable).row_count)
    await settled(pilot)


BOTH = (SMALL, LARGE)

SCENES: dict[str, Scene] = {
    "welcome": Scene(welcome),
    "welcome-unfinished": Scene(welcome, unfinished),
    "welcome-demo": Scene(demo_prepares, demo=True, preparing=True),
    "source": Scene(to_source),
    "source-refused": Scene(source_refuses, refused),
    "source-connected": Scene(connect_source, sizes=BOTH),
    "target": Scene(connect_target),
    "inspect": Scene(to_inspect),
    "inspect-blocked": Scene(to_inspect, blocked),
    "inspect-hypertables": Scene(keys(to_inspect, "right"), sizes=BOTH),
    "inspect-aggregates": Scene(keys(to_inspect, "right", "right", "right")),
    "method": Scene(to_method, sizes=BOTH),
    "method-split": Scene(keys(to_method, "down", "space"), sizes=BOTH),
    "method-help": Scene(keys(to_method, "f1")),
    "objects": Scene(objects_of(many_objects.few()), sizes=BOTH),
    "objects-unticked": Scene(objects_unticked, sizes=BOTH),
    "objects-history": Scene(keys(objects_of(many_objects.few(), "split"), "h")),
    "review": Scene(to_review, sizes=BOTH),
    "review-split": Scene(split_reviewed, split_planned, sizes=BOTH),
    "run": Scene(to_run, held_run, sizes=BOTH),
    "run-look": Scene(keys(to_run, "f"), held_run),
    "run-explained": Scene(keys(to_run, "enter"), held_run),
    "run-zoomed": Scene(keys(to_run, "z"), held_run),
    "run-stop": Scene(keys(to_run, "s"), held_run),
    "run-split": Scene(to_run, split_run, now=story.NOON + 101, sizes=BOTH),
    "run-split-stop": Scene(keys(to_run, "s"), split_run, now=story.NOON + 101),
    "run-failed": Scene(to_end, failed_run),
    "run-finished": Scene(to_end, finished_run),
    "check": Scene(to_check, finished_run, sizes=BOTH),
    "check-lost": Scene(to_check, lost_run),
    "check-detail": Scene(keys(to_check, "enter"), finished_run),
    "resume": Scene(to_resume, unfinished),
    "resume-asks": Scene(resume_asks, unfinished),
    "resume-split": Scene(to_resume, unfinished_split),
    "run-resumed": Scene(resumed, unfinished_split, now=story.NOON + 41),
    "help": Scene(keys(to_review, "f1")),
    "quit": Scene(keys(to_run, "ctrl+q"), held_run),
}
