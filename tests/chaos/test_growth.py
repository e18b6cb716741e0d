"""Whether what is held grows: what the judge of long runs must notice, and what it must not mind."""

from collections.abc import Callable

from common.stage import Stream
from tests.chaos.growth import MB, Growth, growths
from tests.chaos.watching import CLIENTS, KEYS, MEMORY, RESULTS, Held, Sample

LOOKS = 40


def samples(
    *,
    rss_mb: Callable[[int], float] = lambda _: 100.0,
    files: Callable[[int], int] = lambda _: 20,
    waiting: Callable[[int], int] = lambda _: 50,
) -> list[Sample]:
    """A process that lives all the time and one that is replaced again and again."""
    server = {MEMORY: 10 * MB, RESULTS: MB, KEYS: 100, CLIENTS: 30}
    found = []
    for at in range(LOOKS):
        processes = {
            "vad 1 spared": Held(int(rss_mb(at) * MB), files(at)),
            f"vad {2 + at // 6}": Held((100 + 5 * at) * MB, 20 + at),
        }
        answered = at % 9 != 0
        lengths = {stream: waiting(at) for stream in Stream} if answered else {}
        found.append(Sample(float(at), processes, server if answered else {}, {}, {}, lengths))
    return found


def named(unit: str, found: list[Growth], whose: str = "vad 1 spared") -> Growth:
    return next(growth for growth in found if growth.whose == whose and growth.unit == unit)


def test_what_stays_the_same_is_flat() -> None:
    assert {growth.verdict for growth in growths(samples())} == {"flat", "kept"}


def test_what_grows_as_long_as_it_runs_is_noticed() -> None:
    assert named("memory, MB", growths(samples(rss_mb=lambda at: 100 + at / 2))).verdict == "grows"
    assert named("files", growths(samples(files=lambda at: 20 + at))).verdict == "grows"


def test_a_stream_that_nobody_keeps_up_with_is_noticed() -> None:
    backlog = growths(samples(waiting=lambda at: 50 * at))
    assert named("entries", backlog, whose=Stream.WINDOWS).verdict == "grows"


def test_what_came_to_its_size_in_the_first_quarter_is_flat() -> None:
    warm = named("memory, MB", growths(samples(rss_mb=lambda at: min(300, 100 + 30 * at))))
    assert warm.verdict == "flat"


def test_a_moment_in_which_much_waits_is_not_growth() -> None:
    assert (
        named("memory, MB", growths(samples(rss_mb=lambda at: 150 if 32 < at < 36 else 100))).verdict
        == "flat"
    )
