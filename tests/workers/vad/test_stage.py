"""What the stage puts out for one track; crashes and batches are in test_replay."""

from collections.abc import Sequence

import numpy as np
import pytest

from common.identity import Meeting, Speaker, Track
from common.messages import AudioChunk, SpeechChunk, TrackPause
from common.results import Activity
from common.settings import VadSettings
from common.stage import Acknowledge, Append, Effect, Entry, EntryId, Forget, Stream, Tally
from workers.vad.stage import VadStage

TRACK = Track(Meeting("default", "standup"), "ada", Speaker("ada", "Ada"))
SETTINGS = VadSettings(silero="off", quiet_source_ms=1000)
CHUNK = 1600
WEBRTC_HANGOVER_MS = 160
NOISE = np.random.default_rng(3).normal(size=CHUNK)
SOUND = {"#": (NOISE * 3000).astype("<i2").tobytes(), ".": (NOISE * 2).astype("<i2").tobytes(), "": b""}


class Line:
    """A track that is played to a stage in chunks of 100 ms: `#` is loud, `.` is quiet."""

    def __init__(self) -> None:
        self.stage = VadStage(SETTINGS, None)
        self.at = 0
        self.sent = 0
        self.effects: list[Effect] = []

    def play(self, sounds: str, pause: TrackPause = "") -> "Line":
        for number, sound in enumerate(sounds or [""], 1):
            last = number >= len(sounds)
            self.put(SOUND[sound], pause if last else "")
        return self

    def put(self, pcm: bytes, pause: TrackPause = "") -> None:
        chunk = AudioChunk(TRACK, self.at, self.captured_ms + len(pcm) // 32, pcm, pause)
        self.at = chunk.end
        entry = Entry(EntryId(0, Stream.AUDIO, f"{self.sent}-0"), chunk)
        self.sent += 1
        self.effects += self.stage.process([entry], self.captured_ms).effects

    @property
    def captured_ms(self) -> int:
        return self.at // 16

    def wait(self, ms: int) -> None:
        self.effects += self.stage.process([], self.captured_ms + ms).effects

    def speech(self) -> list[SpeechChunk]:
        messages = [effect.message for effect in self.effects if isinstance(effect, Append)]
        return [message for message in messages if isinstance(message, SpeechChunk)]

    def activity(self) -> list[tuple[str, int, int]]:
        messages = [effect.message for effect in self.effects if isinstance(effect, Append)]
        return [(m.state, m.start_ms, m.end_ms) for m in messages if isinstance(m, Activity)]

    def tally(self, counter: str) -> int:
        return sum(e.amount for e in self.effects if isinstance(e, Tally) and e.counter == counter)

    def unacknowledged(self) -> list[int]:
        acknowledged = {int(e.entry.id[:-2]) for e in self.effects if isinstance(e, Acknowledge)}
        return sorted(set(range(self.sent)) - acknowledged)


@pytest.fixture
def line() -> Line:
    return Line()


def pcm(chunks: Sequence[SpeechChunk]) -> bytes:
    return b"".join(chunk.pcm for chunk in chunks)


def test_speech_is_passed_on_while_it_is_spoken(line: Line) -> None:
    line.play("......####")
    assert [chunk.end for chunk in line.speech()] == [7 * CHUNK, 8 * CHUNK, 9 * CHUNK, 10 * CHUNK]
    first = line.speech()[0]
    assert (first.start, first.captured_ms) == (6 * CHUNK - 6400, 700)
    assert pcm(line.speech()) == (SOUND["."] * 6 + SOUND["#"] * 4)[first.start * 2 :]


def test_an_utterance_ends_after_silence_and_says_so(line: Line) -> None:
    line.play("......####" + "." * 9)
    assert [chunk.closed for chunk in line.speech()][-1] == "endpoint"
    (speaking, start, _), (silent, same_start, end) = line.activity()
    assert (speaking, silent) == ("speaking", "silent")
    assert start == same_start == 200
    assert end == line.speech()[-1].end // 16
    assert 0 <= end - (1000 + SETTINGS.tail_ms) <= WEBRTC_HANGOVER_MS


def test_the_meeting_is_told_what_was_speech(line: Line) -> None:
    line.play("......####" + "." * 9)
    assert line.tally("utterances") == 1
    assert line.tally("speech_samples") == line.speech()[-1].end - line.speech()[0].start


def test_audio_counts_as_heard_once_nothing_more_can_come_of_it(line: Line) -> None:
    line.play("......####")
    assert line.tally("heard_samples") == 0
    line.play("." * 9)
    assert line.tally("heard_samples") == (19 - len(line.unacknowledged())) * CHUNK > 0
    line.at -= CHUNK // 2
    line.play("..", pause="end")
    assert line.tally("heard_samples") == 21 * CHUNK


@pytest.mark.parametrize("pause", ["pause", "end"])
@pytest.mark.parametrize("sound", ["#", ""])
def test_a_pause_closes_at_once_and_keeps_nothing(line: Line, pause: TrackPause, sound: str) -> None:
    line.play("....####").play(sound, pause=pause)
    assert line.speech()[-1].closed == pause
    assert line.speech()[-1].end == line.at
    assert line.unacknowledged() == []


def test_an_end_forgets_the_track(line: Line) -> None:
    line.play("....####").play("", pause="end")
    assert line.effects[-1] == Forget(0, TRACK.key)


def test_a_hole_closes_and_what_follows_is_another_utterance(line: Line) -> None:
    line.play("....####")
    line.at += 10 * CHUNK
    line.play("####")
    closed = next(chunk for chunk in line.speech() if chunk.closed)
    assert (closed.closed, closed.end) == ("pause", 8 * CHUNK)
    assert line.speech()[-1].start == 18 * CHUNK


def test_a_source_that_goes_quiet_is_closed_by_time(line: Line) -> None:
    line.play("....####")
    line.wait(900)
    assert not line.speech()[-1].closed
    line.wait(1100)
    assert line.speech()[-1].closed == "timeout"
    assert line.unacknowledged() == []
    assert line.effects[-1] == Forget(0, TRACK.key)


def test_what_was_heard_before_is_ignored(line: Line) -> None:
    line.play("....####")
    line.at -= 2 * CHUNK
    line.play("####")
    assert pcm(line.speech()) == SOUND["."] * 4 + SOUND["#"] * 6


def test_half_heard_audio_counts_from_where_it_is_new(line: Line) -> None:
    line.play("....####")
    line.at -= CHUNK // 2
    line.play("#")
    assert line.speech()[-1].offset == 8 * CHUNK
    assert line.speech()[-1].pcm == SOUND["#"][CHUNK:]


def test_long_silence_keeps_only_seconds_unacknowledged(line: Line) -> None:
    line.play("." * 300)
    assert len(line.unacknowledged()) <= 40
    assert line.speech() == []


def test_after_an_utterance_its_entries_can_go(line: Line) -> None:
    line.play("......" + "#" * 40 + "." * 10)
    assert min(line.unacknowledged()) >= 46


def test_nobody_speaks_without_a_break_for_longer_than_an_utterance_may_be(line: Line) -> None:
    line.play("#" * 400)
    closed = [chunk for chunk in line.speech() if chunk.closed]
    assert [chunk.closed for chunk in closed] == ["split"] * len(closed)
    assert len(closed) >= 2
    assert all(chunk.end - chunk.start <= 15_000 * 16 for chunk in closed)
    firsts = [chunk for chunk in line.speech() if chunk.offset == chunk.start]
    assert [chunk.continues for chunk in firsts] == [False] + [True] * (len(firsts) - 1)
    assert pcm(line.speech()) == SOUND["#"] * 400
    assert len(line.unacknowledged()) <= 160


def test_a_released_shard_is_heard_afresh(line: Line) -> None:
    line.play("....####")
    line.stage.release(0)
    line.at = 0
    line.effects = []
    line.play("....####")
    assert line.speech()[0].start == 0
