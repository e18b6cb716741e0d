"""Placing a signal on the timeline: contiguous as long as it keeps up, a hole where it does not."""

from hypothesis import given
from hypothesis import strategies as st

from common.audio import sample_count
from ingest.clock import Clock
from ingest.feed import LONGEST_HOLE, Feed, Moment, Stretch
from ingest.formats.values import Audio
from ingest.pcm import PcmFormat

FORMAT = PcmFormat(16_000)
GAP = 32_000
NOW = 1_700_000_000_000


class Source:
    """Sends 100 ms messages to a feed that began at sample 0, and moves time."""

    def __init__(self, pcm_format: PcmFormat = FORMAT) -> None:
        self.feed = Feed(pcm_format, 0, GAP)
        self.format = pcm_format
        self.ms = NOW
        self.stretches: list[Stretch] = []

    def send(
        self, *, after_ms: int = 100, seq: int | None = None, stamp: int | None = None, missing: int = 0
    ) -> None:
        self.ms += after_ms
        pcm = bytes(self.format.rate // 10 * self.format.frame_bytes)
        audio = Audio(pcm, self.format, None, seq, stamp)
        self.stretches += self.feed.push(audio, Moment(self.ms, missing))

    def holes(self) -> list[tuple[int, int]]:
        return [(s.start - s.hole, s.start) for s in self.stretches if s.hole]


def test_audio_in_time_has_no_holes() -> None:
    source = Source()
    for _ in range(50):
        source.send()
    assert [s.start for s in source.stretches] == [1600 * n for n in range(50)]


def test_silence_of_the_socket_becomes_a_hole_as_long() -> None:
    source = Source()
    source.send()
    source.send(after_ms=5_100)
    source.send()
    assert source.holes() == [(1_600, 1_600 + 5_000 * 16)]
    assert source.stretches[-1].start == 1_600 + 5_000 * 16 + 1_600


def test_a_short_stall_is_no_hole() -> None:
    source = Source()
    source.send()
    source.send(after_ms=2_000)
    for _ in range(20):
        source.send(after_ms=0)
    assert source.holes() == []


def test_a_file_sent_faster_than_time_has_no_holes() -> None:
    source = Source()
    for _ in range(500):
        source.send(after_ms=1)
    source.send(after_ms=30_000)
    assert source.holes() == []


def test_a_slow_sound_card_is_followed() -> None:
    """0.05 % slow for two hours is 3.6 s, more than a gap."""
    clock = Clock(0, 0)
    assert max(clock.lag(2_001 * n, 32_000 * n) for n in range(3_600)) < 100


def test_the_wait_for_redis_is_excused() -> None:
    source = Source()
    source.send()
    source.feed.excuse(5_000)
    source.send(after_ms=5_100)
    for _ in range(50):
        source.send(after_ms=0)
    assert source.holes() == []
    source.send(after_ms=5_000)
    assert len(source.holes()) == 1


def test_time_stamps_tell_a_late_burst_from_a_hole() -> None:
    late, lost = Source(), Source()
    for source, stamps in ((late, range(0, 2_000, 100)), (lost, [*range(0, 1_000, 100), 7_000])):
        for number, stamp in enumerate(stamps):
            source.send(after_ms=6_000 if number == 10 else 100, stamp=stamp)
    assert late.holes() == []
    assert len(lost.holes()) == 1


def test_absurd_time_stamps_move_nothing() -> None:
    source = Source()
    for stamp in (5, 2**62, 0, 10**15, 7):
        source.send(stamp=stamp)
    assert source.holes() == []
    assert source.stretches[-1].captured_ms == source.ms


def test_numbers_without_time_are_trusted() -> None:
    source = Source()
    source.send(seq=1)
    source.send(seq=2, after_ms=60_000)
    assert source.holes() == []


def test_missing_numbers_are_a_hole_of_as_many_messages() -> None:
    source = Source()
    source.send(seq=1)
    source.send(seq=4, missing=2)
    assert source.holes() == [(1_600, 4_800)]
    source.send(seq=2**60, missing=2**60)
    assert source.stretches[-1].hole == LONGEST_HOLE


def test_a_lost_connection_leaves_a_hole_of_any_length() -> None:
    source = Source()
    source.send()
    source.stretches.append(source.feed.flush())
    source.feed.resume(FORMAT)
    source.send(after_ms=600)
    source.send(after_ms=300)
    assert source.holes() == [(1_600, 1_600 + 500 * 16)]


def test_capture_times_allow_for_what_the_resampler_holds() -> None:
    source = Source(PcmFormat(48_000))
    for _ in range(30):
        source.send()
    for stretch in source.stretches:
        captured = NOW + 100 + (stretch.end - 1_600) / 16
        assert abs(stretch.captured_ms - captured) <= 1


@given(
    st.lists(st.integers(1, 5_000), min_size=1, max_size=40), st.sampled_from([8_000, 16_000, 44_100, 48_000])
)
def test_stretches_follow_each_other(sizes: list[int], rate: int) -> None:
    feed = Feed(PcmFormat(rate), 7, GAP)
    stretches = [
        stretch
        for size in sizes
        for stretch in feed.push(Audio(bytes(2 * size), PcmFormat(rate)), Moment(NOW))
    ]
    stretches.append(feed.flush())
    position = 7
    for stretch in stretches:
        assert stretch.start == position
        position += sample_count(stretch.pcm)
    assert position == 7 + sum(sizes) * 16_000 // rate


def test_clock_says_how_much_is_missing() -> None:
    clock = Clock(0, 0)
    assert clock.lag(1_000, 16_000) == 0
    assert clock.lag(3_000, 32_000) == 16_000
