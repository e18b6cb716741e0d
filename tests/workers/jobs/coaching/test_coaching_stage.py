"""Who reads a text aloud is told how each word was said, once, whoever dies."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest

from common.identity import Meeting, Speaker, Track
from common.messages import SpeechChunk
from common.results import Coaching, Reference, Status, Transcript
from common.stage import Entry, EntryId, Stream
from workers.engines.pronunciation import AlignedWord
from workers.jobs.coaching.stage import PATIENCE_MS, CoachingStage

MEETING = Meeting("default", "lesson")
ANN = Track(MEETING, "ann", Speaker("ann", "Ann"))
BEN = Track(MEETING, "ben", Speaker("ben", "Ben"))
TEXT = "The quick brown fox jumps over the lazy dog"


class Strict:
    """An engine to which brown is never right; each word takes 100 ms."""

    def align(self, words: Sequence[str], pcm: bytes) -> list[AlignedWord]:
        assert pcm
        return [
            AlignedWord(i, 1600 * i, 1600 * (i + 1), -6.0 if w == "brown" else -0.5)
            for i, w in enumerate(words)
        ]


def common(track: Track, start_ms: int, end_ms: int) -> dict:
    return {
        "tenant": "default", "meeting": "lesson", "track": track.id, "speaker": track.speaker,
        "start_ms": start_ms, "end_ms": end_ms,
    }  # fmt: skip


def reference(text: str = TEXT, speaker: str = "") -> Reference:
    whole = {**common(ANN, 0, 0), "track": "", "speaker": Speaker(speaker, "")}
    return Reference(id=f"reference/{text}", text=text, **whole)


def speech(start_ms: int, end_ms: int, track: Track = ANN) -> list[SpeechChunk]:
    edges = list(pairwise(range(start_ms * 16, end_ms * 16 + 1, 1600)))
    return [
        SpeechChunk(
            track, track.utterance_id(start_ms * 16), start_ms * 16, a, b, b // 16, bytes(2 * (b - a)),
            "endpoint" if b == end_ms * 16 else "",
        )
        for a, b in edges
    ]  # fmt: skip


def final(start_ms: int, end_ms: int, text: str, track: Track = ANN, status: str = "final") -> Transcript:
    utterance = track.utterance_id(start_ms * 16)
    return Transcript(
        id=f"{utterance}/{status}", utterance=utterance, status=status, text=text, stable=text,
        **common(track, start_ms, end_ms),
    )  # fmt: skip


class Lesson:
    def __init__(self, ledger: type) -> None:
        self.ledger = ledger(lambda: CoachingStage(Strict()))
        self._numbers = 0

    def give(self, *messages: object, now_ms: int = 0) -> list[Coaching]:
        before = len(self.ledger.out)
        self.ledger.deliver([self._entry(message) for message in messages], now_ms=now_ms)
        while self.ledger.busy:
            self.ledger.deliver([], now_ms=now_ms)
        return self.ledger.messages()[before:]

    def _entry(self, message: object) -> Entry:
        self._numbers += 1
        stream = Stream.SPEECH if isinstance(message, SpeechChunk) else Stream.RESULTS
        return Entry(EntryId(0, stream, f"{self._numbers}-0"), message)

    @property
    def pending(self) -> int:
        return len(self.ledger.pending)


@pytest.fixture
def lesson(ledger: Callable) -> Lesson:
    return Lesson(ledger)


def test_each_word_that_was_read_is_judged_at_its_place(lesson: Lesson) -> None:
    (told,) = lesson.give(reference(), *speech(1000, 1600), final(1000, 1600, "The quick brawn fox"))
    assert [word.text for word in told.words] == ["The", "quick", "brown", "fox"]
    assert [word.score > 0.5 for word in told.words] == [True, True, False, True]
    assert (told.words[1].start_ms, told.words[1].end_ms) == (1100, 1200)
    assert (told.first_word, told.skipped_words, told.track) == (0, 0, "ann")
    assert lesson.pending == 1, "the reference text alone"


def test_the_next_utterance_goes_on_where_the_last_one_stopped(lesson: Lesson) -> None:
    lesson.give(reference(), *speech(1000, 1600), final(1000, 1600, "The quick brown fox"))
    (told,) = lesson.give(final(3000, 3600, "the lazy dog"), *speech(3000, 3600))
    assert (told.first_word, told.skipped_words) == (6, 2)


def test_after_a_crash_anywhere_every_utterance_is_judged_once(ledger: Callable) -> None:
    first = [*speech(1000, 1600), final(1000, 1600, "The quick brown fox")]
    second = [*speech(3000, 3600), final(3000, 3600, "jumps over the lazy dog")]
    messages = [reference(), *first, *second]
    for crash_after in range(len(messages)):
        lesson = Lesson(ledger)
        told = []
        for number, message in enumerate(messages):
            told += lesson.give(message)
            if number == crash_after:
                lesson.ledger.crash()
        told += lesson.give()
        assert [result.first_word for result in told] == [0, 4], crash_after


def test_only_who_reads_is_judged(lesson: Lesson) -> None:
    texts = [final(1000, 1600, "The quick brown fox", track) for track in (ANN, BEN)]
    told = lesson.give(reference(speaker="ben"), *speech(1000, 1600), *speech(1000, 1600, BEN), *texts)
    assert [result.track for result in told] == ["ben"]


def test_what_is_said_besides_the_text_is_no_reading(lesson: Lesson) -> None:
    assert lesson.give(reference(), *speech(1000, 1600), final(1000, 1600, "Could you open a window?")) == []
    assert lesson.pending == 1


def test_without_a_text_nothing_is_kept(lesson: Lesson) -> None:
    assert lesson.give(*speech(1000, 1600), final(1000, 1600, "The quick brown fox")) == []
    assert lesson.pending == 0


def test_an_empty_text_ends_it_and_another_takes_its_place(lesson: Lesson) -> None:
    lesson.give(reference(), reference("Row your boat"))
    (told,) = lesson.give(*speech(1000, 1600), final(1000, 1600, "row your boat"))
    assert len(told.words) == 3
    assert lesson.pending == 1
    lesson.give(reference(""))
    assert lesson.give(*speech(3000, 3600), final(3000, 3600, "row your boat")) == []
    assert lesson.pending == 0


@pytest.mark.parametrize("status", ["deferred", "lost"])
def test_without_a_final_in_time_the_audio_is_let_go(lesson: Lesson, status: str) -> None:
    assert lesson.give(reference(), *speech(1000, 1600), final(1000, 1600, "", status=status)) == []
    lesson.give(*speech(3000, 3600), now_ms=1000)
    lesson.give(now_ms=1000 + PATIENCE_MS)
    assert lesson.pending == 1


def test_it_ends_a_while_after_the_meeting(lesson: Lesson) -> None:
    over = Status(id="over", event="meeting_ended", **{**common(ANN, 0, 0), "track": ""})
    lesson.give(reference(), *speech(1000, 1600), over, now_ms=0)
    assert len(lesson.give(final(1000, 1600, "The quick brown fox"), now_ms=5000)) == 1
    lesson.give(now_ms=PATIENCE_MS)
    assert lesson.pending == 0
