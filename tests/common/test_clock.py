"""A clock that passes as time does, whatever the wall clock is set to."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from common.clock import SteadyClock

HOUR_MS = 3_600_000


@dataclass
class Hands:
    """A wall clock and a monotonic one, both set by the test."""

    wall_ms: int = 1_760_000_000_000
    steady_ms: int = 5_000

    def pass_by(self, ms: int, jump_ms: int = 0) -> None:
        self.wall_ms += ms + jump_ms
        self.steady_ms += ms

    def clock(self) -> SteadyClock:
        return SteadyClock(lambda: self.wall_ms, lambda: self.steady_ms)


def test_it_shows_the_time_of_day_while_nothing_jumps() -> None:
    hands = Hands()
    clock = hands.clock()
    for _ in range(100):
        hands.pass_by(137)
        assert abs(clock.now_ms() - hands.wall_ms) <= 1


@given(st.integers(-2 * HOUR_MS, 2 * HOUR_MS), st.integers(0, 60_000))
def test_a_jump_of_the_wall_clock_is_no_time_that_passed(jump_ms: int, ms: int) -> None:
    hands = Hands()
    clock = hands.clock()
    before = clock.now_ms()
    hands.pass_by(ms, jump_ms)
    assert abs(clock.now_ms() - before - ms) <= 1 + ms / 1000


def test_in_the_long_run_it_follows_the_wall_clock() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.pass_by(0, jump_ms=1_000)
    for _ in range(3_000):
        hands.pass_by(1_000)
        clock.now_ms()
    assert abs(clock.now_ms() - hands.wall_ms) <= 1
