"""One run after the other, and nobody waits for ever."""

from threading import Event, Thread
from time import perf_counter

import pytest

from explorer.ui import frame


def in_turn(entered: Event, leave: Event):
    with frame.turn():
        entered.set()
        leave.wait(10)


def held():
    entered, leave = Event(), Event()
    thread = Thread(target=in_turn, args=(entered, leave))
    thread.start()
    return thread, entered, leave


def test_a_second_run_waits_for_the_first():
    first, entered, leave = held()
    assert entered.wait(5)
    second, entered_too, leave_too = held()
    assert not entered_too.wait(frame.LONGEST_TURN / 3)
    leave.set()
    assert entered_too.wait(5)
    leave_too.set()
    first.join()
    second.join()
    assert not frame.TURN.locked()


def test_a_long_run_holds_nobody_up_for_long():
    first, entered, leave = held()
    assert entered.wait(5)
    began = perf_counter()
    with frame.turn():
        assert perf_counter() - began >= 0.9 * frame.LONGEST_TURN
    assert frame.TURN.locked(), "who had no turn gives none back"
    leave.set()
    first.join()
    assert not frame.TURN.locked()


def test_a_run_that_fails_gives_its_turn_back():
    with pytest.raises(RuntimeError), frame.turn():
        raise RuntimeError
    assert not frame.TURN.locked()
