"""How many round trips were waited for one after the other."""

from tests.support.turns import Turn, in_a_row


def _turn(at: float, answered: float, connection: int = 1) -> Turn:
    return Turn(at, 5432, connection, "SELECT", answered)


def test_those_that_overlap_are_waited_for_once() -> None:
    assert in_a_row([_turn(0, 1, 1), _turn(0.1, 1.1, 2), _turn(0.2, 0.9, 3)]) == 1


def test_those_of_several_connections_follow_each_other() -> None:
    assert in_a_row([_turn(2, 3, 2), _turn(0, 1, 1), _turn(1, 2, 3)]) == 3


def test_a_long_one_hides_no_chain_beside_it() -> None:
    assert in_a_row([_turn(0, 9, 1), _turn(0, 1, 2), _turn(1, 2, 2), _turn(3, 4, 2)]) == 3


def test_one_that_is_never_answered_does_not_count() -> None:
    assert in_a_row([_turn(0, float("inf")), _turn(1, 2)]) == 1
