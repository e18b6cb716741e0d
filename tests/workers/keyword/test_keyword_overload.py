"""When there is more speech than can be listened to: who goes without, who is told, and what comes back."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

import pytest
from scripted_speech import MEETING_BEGAN_MS, Machine, new_stage, spoken, transcript

from common.identity import Meeting, Speaker, Track
from common.messages import SpeechChunk
from common.results import Keyword, Status, Transcript
from common.stage import Append, Entry, EntryId, Stream

SLOW = 150.0  # ms for a second of audio: 6.7 people at once, at most
LATEST_MS = 500


def person(name: str) -> Track:
    return Track(Meeting("default", name), "t", Speaker("s", "S"))


def talk(track: Track, start_ms: int, end_ms: int) -> list[SpeechChunk]:
    """Utterances of four seconds, a phrase near the end of each, without a pause."""
    script = [3000, "mute", 690]
    return [c for at in range(start_ms, end_ms, 4000) for c in spoken(track, at, script)]


def said(*chunks: Iterable[SpeechChunk]) -> list[SpeechChunk]:
    return sorted((c for some in chunks for c in some), key=lambda c: c.captured_ms)


class Shard:
    """Gives a stage what has arrived; time goes on as its machine works."""

    def __init__(self, ledger: type, machine: Machine, **limits: int) -> None:
        self.machine = machine
        self.ledger = ledger(lambda: new_stage(machine=machine, **limits))
        self.now_ms = float(MEETING_BEGAN_MS)
        self.events: list[tuple[float, Keyword]] = []
        self.changes: list[tuple[float, Status]] = []
        self._numbers = Counter[Stream]()

    def play(self, chunks: Sequence[SpeechChunk]) -> None:
        waiting = list(chunks)
        while waiting or self.ledger.busy:
            if not self.ledger.busy:
                self.now_ms = max(self.now_ms, waiting[0].captured_ms)
            arrived = [chunk for chunk in waiting if chunk.captured_ms <= self.now_ms]
            waiting = waiting[len(arrived) :]
            self.give(Stream.SPEECH, arrived)

    def give(self, stream: Stream, messages: Sequence[SpeechChunk | Status | Transcript]) -> None:
        before, spent_ms = len(self.ledger.out), self.machine.spent_ms
        self.ledger.deliver([self._entry(stream, m) for m in messages], now_ms=int(self.now_ms))
        self.now_ms += self.machine.spent_ms - spent_ms
        new = self.ledger.out[before:]
        self._note(new)
        back = [append.message for append in new if isinstance(append.message, Status)]
        if back:
            self.give(Stream.RESULTS, back)

    def wait(self, ms: int) -> None:
        for _ in range(ms // 1000):
            self.now_ms += 1000
            self.give(Stream.SPEECH, [])

    def lags(self) -> list[float]:
        return [at - MEETING_BEGAN_MS - event.end_ms for at, event in self.events]

    def levels(self, meeting: str) -> list[int]:
        return [status.level for _, status in self.changes if status.meeting == meeting]

    def _entry(self, stream: Stream, message: SpeechChunk | Status | Transcript) -> Entry:
        self._numbers[stream] += 1
        return Entry(EntryId(0, stream, f"{self._numbers[stream]}-0"), message)

    def _note(self, appends: Iterable[Append]) -> None:
        for append in appends:
            if isinstance(append.message, Keyword):
                self.events.append((self.now_ms, append.message))
            elif isinstance(append.message, Status):
                self.changes.append((self.now_ms, append.message))


@pytest.fixture
def shard(ledger: type) -> Shard:
    return Shard(ledger, Machine(SLOW))


def test_as_many_as_the_machine_can_take_are_all_listened_to(shard: Shard) -> None:
    shard.play(said(*(talk(person(f"m{n}"), 37 * n, 20_000) for n in range(4))))
    assert len(shard.events) == 4 * 5
    assert shard.changes == []


def test_beyond_that_some_are_skipped_and_the_others_stay_early(shard: Shard) -> None:
    shard.play(said(*(talk(person(f"m{n}"), 37 * n, 60_000) for n in range(12))))
    heard = len(shard.events) / (12 * 15)
    assert 0.3 < heard < 0.6, "half of it is what the machine could take"
    assert max(shard.lags()) <= LATEST_MS
    assert {status.level for _, status in shard.changes} == {4}


def test_everybody_gets_a_share(shard: Shard) -> None:
    shard.play(said(*(talk(person(f"m{n}"), 37 * n, 120_000) for n in range(12))))
    shares = Counter(event.meeting for _, event in shard.events)
    assert len(shares) == 12
    assert max(shares.values()) <= 3 * min(shares.values())


def test_a_loud_meeting_takes_nothing_from_the_others(shard: Shard) -> None:
    crowd = Meeting("default", "crowd")
    loud = [Track(crowd, f"t{n}", Speaker("s", "S")) for n in range(12)]
    quiet = [talk(person(f"m{n}"), 37 * n, 60_000) for n in range(3)]
    shard.play(said(*quiet, *(talk(track, 11 * n, 60_000) for n, track in enumerate(loud))))
    told = defaultdict(int, Counter(event.meeting for _, event in shard.events))
    assert all(told[f"m{n}"] >= 13 for n in range(3)), told


def test_priority_is_never_skipped(shard: Shard) -> None:
    names = ["board-1", "board-2", *(f"m{n}" for n in range(10))]
    shard.play(said(*(talk(person(name), 37 * n, 60_000) for n, name in enumerate(names))))
    told = Counter(event.meeting for _, event in shard.events)
    assert (told["board-1"], told["board-2"]) == (15, 15)
    assert shard.levels("board-1") == shard.levels("board-2") == []


def test_who_was_skipped_is_told_so_and_when_it_is_over_once(shard: Shard) -> None:
    shard.play(said(*(talk(person(f"m{n}"), 37 * n, 30_000) for n in range(12))))
    reduced = {status.meeting for _, status in shard.changes}
    assert {s.level for at, s in shard.changes if at < MEETING_BEGAN_MS + 28_000} == {4}
    shard.wait(20_000)
    assert all(shard.levels(name) == [4, 3] for name in reduced)
    shard.wait(20_000)
    assert len(shard.changes) == 2 * len(reduced)
    assert len({status.id for _, status in shard.changes}) == len(shard.changes)
    assert {status.track for _, status in shard.changes} == {""}
    assert not shard.ledger.pending


def test_the_level_that_comes_back_is_that_of_the_transcripts(shard: Shard) -> None:
    shard.play(said(*(talk(person(f"m{n}"), 37 * n, 30_000) for n in range(12))))
    reduced = shard.changes[0][1].meeting
    shard.give(Stream.RESULTS, [transcript(person(reduced), 90_000, "well then", level=1)])
    shard.wait(20_000)
    assert shard.levels(reduced) == [4, 1]


def test_afterwards_all_are_listened_to_again(shard: Shard) -> None:
    shard.play(said(*(talk(person(f"m{n}"), 37 * n, 30_000) for n in range(12))))
    shard.wait(20_000)
    shard.events.clear()
    start_ms = int(shard.now_ms) - MEETING_BEGAN_MS
    shard.play(said(*(talk(person(f"m{n}"), start_ms + 37 * n, start_ms + 12_000) for n in range(5))))
    assert len(shard.events) == 5 * 3


def test_a_new_owner_takes_back_what_the_former_one_said(shard: Shard) -> None:
    shard.play(said(*(talk(person(f"m{n}"), 37 * n, 30_000) for n in range(12))))
    reduced = {status.meeting for _, status in shard.changes}
    shard.ledger.crash()
    shard.wait(20_000)
    assert all(shard.levels(name) == [4, 3] for name in reduced)
    assert not shard.ledger.pending


def test_what_ended_meanwhile_is_left_alone(shard: Shard) -> None:
    shard.play(said(*(talk(person(f"m{n}"), 37 * n, 30_000) for n in range(12))))
    name = shard.changes[0][1].meeting
    over = Status(
        id="over", tenant="default", meeting=name, track="", speaker=Speaker("", ""), start_ms=0, end_ms=0,
        event="meeting_ended",
    )  # fmt: skip
    shard.give(Stream.RESULTS, [over])
    shard.wait(20_000)
    assert shard.levels(name) == [4]
    assert not shard.ledger.pending


def test_one_slow_moment_skips_nobody(shard: Shard) -> None:
    chunks = said(*(talk(person(f"m{n}"), 37 * n, 20_000) for n in range(3)))
    shard.play(chunks[:200])
    shard.now_ms += 2000
    shard.play(chunks[200:])
    assert len(shard.events) == 3 * 5
    assert shard.changes == []


def test_after_a_standstill_the_first_new_phrases_are_early_again(shard: Shard) -> None:
    chunks = said(*(talk(person(f"m{n}"), 37 * n, 40_000) for n in range(12)))
    began = len([chunk for chunk in chunks if chunk.captured_ms < MEETING_BEGAN_MS + 10_000])
    shard.play(chunks[:began])
    shard.now_ms += 20_000  # in which forty seconds of work arrive
    shard.play(chunks[began:])
    late = [at - MEETING_BEGAN_MS - event.end_ms for at, event in shard.events if event.end_ms > 31_000]
    assert late, "somebody is listened to"
    assert max(late) <= LATEST_MS


def test_what_was_skipped_is_found_in_its_text(shard: Shard) -> None:
    shard.play(said(*(talk(person(f"m{n}"), 37 * n, 30_000) for n in range(12))))
    told = {event.utterance for _, event in shard.events}
    chunks = said(*(talk(person(f"m{n}"), 37 * n, 30_000) for n in range(12)))
    missed = next(c for c in chunks if c.utterance not in told)
    shard.events.clear()
    text = transcript(missed.track, missed.start // 16, "you are on mute", backfilled=True)
    shard.give(Stream.RESULTS, [text])
    assert [event.source for _, event in shard.events] == ["transcript"]


def test_with_the_quality_pinned_nobody_is_skipped(ledger: type, as_entries: Callable) -> None:
    shard = ledger(new_stage)
    chunks = said(*(talk(person(f"m{n}"), 37 * n, 8000) for n in range(12)))
    shard.deliver(as_entries(chunks, Stream.SPEECH), now_ms=MEETING_BEGAN_MS + 60_000)
    shard.settle(now_ms=MEETING_BEGAN_MS + 70_000)
    assert sum(isinstance(message, Keyword) for message in shard.messages()) == 24
