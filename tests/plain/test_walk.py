"""Forward and back through questions, some of which are not asked."""

import pytest

from tswizard.plain.prompts import Back, Help, Quit, read_command
from tswizard.plain.typed_prompts import read_numbers
from tswizard.plain.walk import walk


def steps(*answers: list[str]) -> tuple[list[str], list]:  # type: ignore[type-arg]
    """Steps that do what they are told each time they are asked: on, back, or nothing to ask."""
    asked: list[str] = []

    def step(name: str, told: list[str]):  # type: ignore[no-untyped-def]
        async def ask() -> bool:
            if told[0] == "nothing":
                return False
            asked.append(name)
            what = told.pop(0)
            if what == "back":
                raise Back
            if what.startswith("back "):
                raise Back(what[5:])
            return True

        return ask

    return asked, [step("abc"[index], told) for index, told in enumerate(answers)]


async def test_back_leads_to_the_question_before_and_from_there_on_again() -> None:
    asked, three = steps(["on"], ["on", "on"], ["back", "on"])
    await walk(three, from_end=False)
    assert asked == ["a", "b", "c", "b", "c"]


async def test_what_is_not_asked_is_passed_in_either_direction() -> None:
    asked, three = steps(["on", "on"], ["nothing"], ["back", "on"])
    await walk(three, from_end=False)
    assert asked == ["a", "c", "a", "c"]


async def test_coming_back_begins_with_the_last_question() -> None:
    asked, three = steps(["on"], ["on"], ["back", "on"])
    await walk(three, from_end=True)
    assert asked == ["c", "b", "c"]


@pytest.mark.parametrize("from_end", [False, True])
async def test_back_from_the_first_question_leaves_the_section(from_end: bool) -> None:
    _, three = steps(["back"], ["nothing"], ["nothing"])
    with pytest.raises(Back):
        await walk(three, from_end=from_end)


async def test_where_nothing_is_asked_coming_back_passes_through() -> None:
    _, two = steps(["nothing"], ["nothing"])
    await walk(two, from_end=False)
    with pytest.raises(Back):
        await walk(two, from_end=True)


async def test_back_to_a_section_leaves_at_once() -> None:
    _, two = steps(["on"], ["back source"])
    with pytest.raises(Back) as told:
        await walk(two, from_end=False)
    assert told.value.to == "source"


def test_words_that_are_no_answers() -> None:
    with pytest.raises(Help):
        read_command(" ? ")
    with pytest.raises(Quit):
        read_command("quit")
    for text, to in (("back", ""), (" BACK ", ""), ("back Source", "source")):
        with pytest.raises(Back) as told:
            read_command(text)
        assert told.value.to == to
    for text in ("", "backup", "./back", "what?", "postgresql://h/back"):
        read_command(text)


def test_numbers_of_a_list() -> None:
    assert read_numbers("2 5-7", 9) == {2, 5, 6, 7}
    assert read_numbers("1,3", 3) == {1, 3}
    assert read_numbers("9" * 5000, 9) == set()
    for wrong in ("0", "4", "2-9", "5-2", "x", "1 x", "", "-", "1-"):
        assert read_numbers(wrong, 3) == set(), wrong
