"""The wait between two looks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.cadence import Backoff, Cadence


def _waits(cadence: Cadence, count: int, **said: bool) -> list[float]:
    return [cadence.after(**{"working": False, "failed": False, **said}) for _ in range(count)]


def test_idle_looks_grow_apart_up_to_their_limit() -> None:
    """From the busy wait to the idle one, and no further."""
    assert _waits(Cadence(4, 30), 7) == [4, 6, 9, 13.5, 20.25, 30, 30]


def test_work_and_a_call_bring_them_together_again() -> None:
    """Both reset what had grown."""
    cadence = Cadence(4, 30)
    _waits(cadence, 7)
    assert _waits(cadence, 1, working=True) == [4]
    assert _waits(cadence, 2) == [4, 6]
    cadence.reset()
    assert _waits(cadence, 1) == [4]


def test_failing_looks_back_off_even_while_there_is_work() -> None:
    """A Notion that is down is not asked at the busy pace."""
    assert _waits(Cadence(4, 30), 6, working=True, failed=True) == [4, 8, 16, 32, 60, 60]


def test_a_busy_wait_above_the_idle_one_counts_for_both() -> None:
    """Who asks for a look every minute does not get one every half."""
    assert _waits(Cadence(60, 30), 2) == [60, 60]


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_every_wait_lies_between_the_busy_one_and_the_limit(said: list[tuple[bool, bool]]) -> None:
    """Whatever happens, it neither spins nor falls asleep."""
    cadence = Cadence(2, 30)
    for working, failed in said:
        assert 2 <= cadence.after(working=working, failed=failed) <= 60


def test_after_trouble_ends_the_pace_is_the_usual_one() -> None:
    """What grew while Notion was away does not outlast it by more than an idle wait."""
    cadence = Cadence(2, 30)
    _waits(cadence, 9, failed=True)
    assert cadence.after(working=False, failed=False) == 30
    assert cadence.after(working=True, failed=False) == 2


def test_a_backoff_doubles_up_to_its_limit_for_each_name_alone() -> None:
    """One name's trouble is not another's."""
    now = 0.0
    backoff = Backoff(2, 10, clock=lambda: now)
    waits = []
    for _ in range(5):
        assert backoff.is_due("a")
        backoff.postpone("a")
        began = now
        while not backoff.is_due("a"):
            now += 1
        waits.append(now - began)
    assert waits == [2, 4, 8, 10, 10]
    assert backoff.is_due("b")
    assert (backoff.count("a"), backoff.count("b")) == (5, 0)


def test_what_is_over_begins_anew() -> None:
    """Forgotten by name, or because only others are kept."""
    backoff = Backoff(1000, 1000)
    for name in ("a", "b", "c"):
        backoff.postpone(name)
    backoff.forget("a")
    backoff.keep({"b"})
    assert [backoff.is_due(name) for name in ("a", "b", "c")] == [True, False, True]
