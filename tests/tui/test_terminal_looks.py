"""What the terminal is told and asked: theme, marks without UTF-8, title, notification."""

import re

import pytest
from rich.segment import Segment
from textual.color import Color

from tests.support.wizard_pilot import SMALL, drawn, on_screen
from tests.support.wizard_scenes import SCENES
from tswizard.tui.ascii import AsciiMarks, wants_ascii
from tswizard.tui.terminal_signals import notification, taskbar, title
from tswizard.tui.themes import DARK, LIGHT, OWN_DARK, OWN_LIGHT, brightness, theme_for


@pytest.mark.parametrize(
    ("environment", "light", "theme"),
    [
        ({"TERM": "xterm-256color"}, False, DARK.name),
        ({"TERM": "xterm-256color"}, True, LIGHT.name),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, False, DARK.name),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, True, OWN_LIGHT.name),
        ({"TERM": "screen"}, False, OWN_DARK.name),
        ({"TERM": "xterm-16color"}, True, OWN_LIGHT.name),
        ({"TERM": "linux"}, False, OWN_DARK.name),
    ],
)
def test_theme(environment: dict[str, str], light: bool, theme: str) -> None:
    assert theme_for(environment, light=light) == theme


@pytest.mark.parametrize(
    ("answer", "light"),
    [("rgb:ffff/ffff/dddd", True), ("rgb:00/2b/36", False), ("rgb:", False), ("", False)],
)
def test_the_terminals_answer_says_whether_it_is_light(answer: str, light: bool) -> None:
    assert (brightness(answer) > 0.5) is light


@pytest.mark.parametrize(
    ("environment", "ascii"),
    [
        ({"LANG": "C"}, True),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True),
        ({"LC_ALL": "POSIX", "LANG": "en_US.UTF-8"}, True),
        ({"LANG": "de_DE.ISO-8859-1"}, True),
        ({"LANG": "en_US.UTF-8"}, False),
        ({"LANG": "C.utf8"}, False),
        ({}, False),
    ],
)
def test_a_locale_without_utf_8_wants_ascii(environment: dict[str, str], ascii: bool) -> None:
    assert wants_ascii(environment) is ascii


@pytest.mark.parametrize("name", ["welcome", "inspect", "review", "run-split", "check", "palette"])
async def test_screens_without_utf_8(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    scene = SCENES[name]
    async with scene.app().run_test(size=SMALL) as pilot:
        await scene.drive(pilot)
        [marks] = [f for f in pilot.app.get_line_filters() if isinstance(f, AsciiMarks)]
        lines = [
            "".join(segment.text for segment in marks.apply(list(strip), Color(0, 0, 0)))
            for strip in drawn(pilot)
        ]
    shown = "\n".join(lines)
    # Letters and signs of the user's own names stay.
    odd = {c for c in shown if "\u2190" <= c <= "\u2bff" or c in "…–—·×"}
    assert not odd, f"{odd} in\n{shown}"


def test_what_has_a_name_of_its_own_is_not_replaced() -> None:
    [estimate] = AsciiMarks().apply([Segment("≤ 5 min")], Color(0, 0, 0))
    assert estimate.text == "< 5 min"
    [segment] = AsciiMarks().apply([Segment("✓ Größe …")], Color(0, 0, 0))
    assert segment.text == "+ Größe ~"


def test_sequences() -> None:
    assert title("tswizard: 38 %\x1b]evil\x07") == "\x1b]2;tswizard: 38 %]evil\x1b\\"
    assert notification("done", {"TERM_PROGRAM": "iTerm.app"}) == "\x1b]9;done\x1b\\"
    assert notification("a; b", {}) == "\x1b]777;notify;tswizard;a, b\x1b\\"
    assert taskbar(38, {}) == ""
    assert taskbar(38, {"WT_SESSION": "x"}) == "\x1b]9;4;1;38\x1b\\"
    assert taskbar(None, {"WT_SESSION": "x"}) == "\x1b]9;4;0;0\x1b\\"


async def test_a_run_tells_the_terminal_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = SCENES["run"]
    app = scene.app()
    told: list[str] = []
    monkeypatch.setattr(app, "tell_terminal", told.append)
    async with app.run_test(size=SMALL) as pilot:
        await scene.drive(pilot)
        await on_screen(pilot, "RunScreen")
    assert any(
        re.search(r"tswizard: \d+%, 6 of 14  Restore the rows", sequence) for sequence in told
    ), told


@pytest.mark.parametrize(
    ("name", "focused", "other"),
    [
        ("welcome", "Start a new migration", "Try it first"),
        ("objects", "[x] public.metrics_hourly", "[x] public.metrics_daily"),
        ("palette", "Sort", "Back"),
        ("run-stop", "Let it run", "Stop now"),
        ("quit", "Let it run", "Stop and quit"),
        ("run-failed", "Resume", "Quit"),
    ],
)
async def test_without_colors_the_characters_show_the_focus(
    name: str, focused: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    scene = SCENES[name]
    async with scene.app().run_test(size=SMALL) as pilot:
        await scene.drive(pilot)
        marked = {
            segment.text.strip()
            for strip in drawn(pilot)
            for segment in strip
            if segment.style and (segment.style.reverse or segment.style.underline)
        }
    assert focused in marked and other not in marked
