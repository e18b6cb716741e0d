"""What the keyword stage puts out, what it keeps pending, and what it forgets."""

from collections.abc import Callable, Sequence

import pytest
from scripted_speech import ANN, BOB, MEETING_BEGAN_MS, PHRASE_MS, new_stage, spoken, transcript

from common.messages import Message
from common.results import Activity, Keyword, Result
from common.stage import Entry, Stage, Stream


class Shard:
    """Gives a stage what comes, through the shared ledger."""

    def __init__(self, ledger: type, as_entries: Callable, stage: Callable[[], Stage]) -> None:
        self._entries = as_entries
        self._count = 0
        self.ledger = ledger(stage)
        self.now_ms = 0

    def give(self, *messages: Message | Result) -> list[Keyword]:
        """The events that these messages cause."""
        before = len(self.ledger.out)
        for message in messages:
            self.ledger.deliver([self.entry(message)], now_ms=self.now_ms)
        self.ledger.settle(now_ms=self.now_ms)
        return [append.message for append in self.ledger.out[before:]]

    def wait(self, ms: int) -> None:
        self.now_ms += ms
        self.ledger.settle(now_ms=self.now_ms)

    def entry(self, message: Message | Result) -> Entry:
        self._count += 1
        stream = Stream.RESULTS if isinstance(message, Result) else Stream.SPEECH
        return self._entries([message] * (self._count + 1), stream)[self._count]

    @property
    def pending(self) -> list[str]:
        return [entry.stream for entry in self.ledger.pending]


@pytest.fixture
def shard(ledger: type, as_entries: Callable) -> Shard:
    return Shard(ledger, as_entries, new_stage)


def phrases(events: Sequence[Keyword]) -> list[tuple[str, str]]:
    return [(event.phrase, event.source) for event in events]


def test_a_phrase_is_told_while_the_utterance_goes_on(shard: Shard) -> None:
    chunks = spoken(ANN, 5000, [400, "next slide", 2000])
    (event,) = shard.give(*chunks[:11])
    assert (event.phrase, event.category, event.source) == ("next slide", "navigation", "acoustic")
    assert (event.start_ms, event.end_ms) == (5400, 5400 + PHRASE_MS)
    assert (event.meeting, event.track, event.speaker) == ("weekly", "ann", ANN.speaker)
    assert event.utterance == chunks[0].utterance
    assert 0 < event.score <= 1
    assert shard.ledger.out[0].captured_ms == MEETING_BEGAN_MS + event.end_ms


def test_a_candidate_that_is_not_confirmed_is_not_told_but_a_later_one_is(shard: Shard) -> None:
    assert shard.give(*spoken(ANN, 0, [200, "-mute", 1500])) == []
    (event,) = shard.give(*spoken(ANN, 9000, [200, "-mute", 1500, "mute", 900]))
    assert event.start_ms == 9000 + 200 + 310 + 1500


def test_what_is_doubtful_is_looked_into_again(ledger: type, as_entries: Callable) -> None:
    stage = new_stage()
    shard = Shard(ledger, as_entries, lambda: stage)
    chunks = spoken(ANN, 0, [300, "~mute", 900])
    assert shard.give(*chunks[:7]) == []
    assert phrases(shard.give(*chunks[7:])) == [("mute", "acoustic")]
    assert stage._verifier.batches == [1, 1, 1], "scored twice, and then read"


@pytest.mark.parametrize("said", ["mute", "-mute"])
def test_what_is_certain_is_not_looked_into_again(ledger: type, as_entries: Callable, said: str) -> None:
    stage = new_stage()
    shard = Shard(ledger, as_entries, lambda: stage)
    shard.give(*spoken(ANN, 0, [300, said, 900]))
    assert stage._verifier.batches == [1]
    assert shard.pending == []


def test_both_looks_at_once_still_come_one_after_the_other(ledger: type, as_entries: Callable) -> None:
    shard = Shard(ledger, as_entries, new_stage)
    shard.ledger.deliver([shard.entry(chunk) for chunk in spoken(ANN, 0, [300, "~mute", 900])])
    assert shard.ledger.busy
    shard.ledger.settle()
    assert len(shard.ledger.out) == 1


def test_a_phrase_at_the_very_end_is_told(shard: Shard) -> None:
    assert phrases(shard.give(*spoken(ANN, 0, [500, "deadline"]))) == [("deadline", "acoustic")]


def test_a_final_transcript_tells_what_was_not_spotted(shard: Shard) -> None:
    (event,) = shard.give(transcript(ANN, 2000, "I will follow up today"))
    assert (event.phrase, event.source, event.start_ms, event.end_ms) == (
        "follow up",
        "transcript",
        2400,
        2800,
    )
    assert event.score == pytest.approx(0.9)
    assert shard.ledger.out[0].captured_ms == MEETING_BEGAN_MS + 2800


def test_text_is_timed_by_its_capture_where_nobody_listened(shard: Shard) -> None:
    missed_its_start = spoken(ANN, 2000, [3000])[1:]
    (event,) = shard.give(*missed_its_start, transcript(ANN, 2000, "I will follow up today"))
    assert event.source == "transcript"
    assert shard.ledger.out[0].captured_ms == MEETING_BEGAN_MS + event.end_ms


def test_without_word_times_they_are_estimated(shard: Shard) -> None:
    (event,) = shard.give(transcript(ANN, 2000, "I will follow up today", times=False))
    assert (event.start_ms, event.end_ms) == (2400, 2800)


def test_of_a_partial_only_the_stable_words_count(shard: Shard) -> None:
    said = {"status": "partial", "times": False}
    assert shard.give(transcript(ANN, 0, "the next slide", stable="the next", **said)) == []
    (event,) = shard.give(transcript(ANN, 0, "the next slide is", stable="the next slide", **said))
    assert event.phrase == "next slide"
    assert shard.give(transcript(ANN, 0, "the next slide is on", stable="the next slide is", **said)) == []


@pytest.mark.parametrize("spoken_first", [True, False])
def test_one_event_whichever_source_is_first(shard: Shard, *, spoken_first: bool) -> None:
    speech = spoken(ANN, 0, [400, "mute", 900])
    text = [transcript(ANN, 0, "you are on mute")]
    events = shard.give(*(speech + text if spoken_first else text + speech))
    assert phrases(events) == [("mute", "acoustic" if spoken_first else "transcript")]


def test_one_event_for_a_phrase_said_twice_in_one_utterance_two_in_two(shard: Shard) -> None:
    assert len(shard.give(*spoken(ANN, 0, [200, "mute", 4000, "mute", 500]))) == 1
    assert len(shard.give(*spoken(ANN, 9000, [200, "mute", 500]))) == 1


def test_ids_are_the_same_for_the_same_phrase_and_no_other(shard: Shard) -> None:
    events = shard.give(
        *spoken(ANN, 0, [200, "mute", 900, "deadline", 500]), *spoken(BOB, 0, [200, "mute", 500])
    )
    assert len({event.id for event in events}) == 3
    again = new_stage()
    (other,) = shard.__class__(type(shard.ledger), shard._entries, lambda: again).give(
        transcript(ANN, 0, "mute")
    )
    assert other.id == events[0].id


def test_speech_stays_pending_until_it_is_closed_and_verified(shard: Shard) -> None:
    chunks = spoken(ANN, 0, [400, "mute", 900])
    shard.give(*chunks[:-1])
    assert shard.pending == [Stream.SPEECH] * (len(chunks) - 1)
    shard.give(chunks[-1])
    assert shard.pending == []


def test_speech_stays_pending_while_a_candidate_waits(ledger: type, as_entries: Callable) -> None:
    shard = Shard(ledger, as_entries, lambda: new_stage(batch=1))
    chunks = spoken(ANN, 0, [400, "mute", 1500, "deadline"])
    for chunk in chunks[:-1]:
        shard.give(chunk)
    rest = [shard.entry(chunks[-1])] + [shard.entry(c) for c in spoken(BOB, 0, [100, "mute", 100])]
    shard.ledger.deliver(rest)
    assert shard.ledger.busy
    assert shard.pending
    shard.ledger.settle()
    assert shard.pending == []
    assert len(shard.ledger.out) == 3


def test_what_is_of_no_use_is_acknowledged_at_once(shard: Shard) -> None:
    activity = Activity(
        id="a",
        tenant="default",
        meeting="weekly",
        track="ann",
        speaker=ANN.speaker,
        start_ms=0,
        end_ms=0,
        state="speaking",
        utterance="u",
    )
    assert shard.give(activity) == []
    assert shard.pending == []


def test_an_utterance_begun_before_we_listened_is_only_read(shard: Shard) -> None:
    chunks = spoken(ANN, 0, [400, "mute", 900])
    assert shard.give(*chunks[2:]) == []
    assert shard.pending == []
    assert phrases(shard.give(transcript(ANN, 0, "mute"))) == [("mute", "transcript")]


def test_a_hole_ends_listening(shard: Shard) -> None:
    chunks = spoken(ANN, 0, [400, "mute", 900, "deadline", 900])
    events = shard.give(*chunks[:10], *chunks[12:])
    assert phrases(events) == [("mute", "acoustic")]
    assert shard.pending == []


def test_an_utterance_that_never_ends_is_given_up(shard: Shard) -> None:
    shard.give(*spoken(ANN, 0, [400, "mute", 900])[:-1])
    shard.wait(14_000)
    assert shard.pending
    shard.wait(2000)
    assert shard.pending == []


def test_watermarks_go_with_the_last_transcript(shard: Shard) -> None:
    shard.give(*spoken(ANN, 0, [400, "mute", 900]))
    assert len(shard.ledger.watermarks) == 1
    shard.give(transcript(ANN, 0, "you are on mute"))
    assert shard.ledger.watermarks == {}


def test_a_deferred_transcript_tells_late_what_is_new(shard: Shard) -> None:
    shard.give(*spoken(ANN, 0, [400, "mute", 900]), transcript(ANN, 0, "", status="deferred"))
    shard.wait(1_800_000)
    events = shard.give(transcript(ANN, 0, "mute and follow up"))
    assert phrases(events) == [("follow up", "transcript")]
    assert shard.ledger.watermarks == {}


def test_a_text_that_was_deferred_for_long_tells_nothing_twice(shard: Shard) -> None:
    shard.give(*spoken(ANN, 0, [400, "mute", 900]), transcript(ANN, 0, "", status="deferred"))
    shard.wait(30_000_000)
    events = shard.give(transcript(ANN, 0, "mute and follow up", backfilled=True))
    assert phrases(events) == [("follow up", "transcript")]
    shard.wait(3_700_000)
    assert shard.ledger.watermarks == {}


def test_nor_when_its_utterance_was_forgotten_for_lack_of_room(ledger: type, as_entries: Callable) -> None:
    shard = Shard(ledger, as_entries, lambda: new_stage(remembered=5))
    shard.give(*spoken(ANN, 0, [400, "mute", 900]), transcript(ANN, 0, "", status="deferred"))
    for number in range(1, 10):
        at_ms = 3000 * number
        shard.give(*spoken(ANN, at_ms, [400, "deadline", 900]), transcript(ANN, at_ms, "", status="deferred"))
    shard.wait(5000)
    assert len(shard.ledger.stage._utterances) == 5
    events = shard.give(transcript(ANN, 0, "you are on mute", backfilled=True))
    assert events == []
    shard.wait(3_700_000)
    assert len(shard.ledger.watermarks) == 9, "those of what is still deferred stay"


def test_without_any_transcript_watermarks_go_in_the_end(shard: Shard) -> None:
    shard.give(*spoken(ANN, 0, [400, "mute", 900]))
    shard.wait(3_700_000)
    assert shard.ledger.watermarks == {}


def test_text_that_is_ahead_of_its_speech_still_counts_once(shard: Shard) -> None:
    assert len(shard.give(transcript(ANN, 0, "you are on mute"))) == 1
    shard.wait(120_000)
    assert shard.give(*spoken(ANN, 0, [400, "mute", 900])) == []
    assert shard.ledger.watermarks == {}


def test_verification_takes_candidates_of_all_meetings_in_one_batch(
    ledger: type, as_entries: Callable
) -> None:
    stage = new_stage(batch=4)
    shard = Shard(ledger, as_entries, lambda: stage)
    ends = [spoken(track, 0, [100, "mute"]) for track in (ANN, BOB)]
    shard.ledger.deliver([shard.entry(chunk) for chunks in ends for chunk in chunks])
    assert len(shard.ledger.out) == 2
    assert stage._verifier.batches == [2]


def test_when_verification_does_not_keep_up_the_oldest_go(ledger: type, as_entries: Callable) -> None:
    shard = Shard(ledger, as_entries, lambda: new_stage(batch=1, waiting=2))
    script = [100, "mute", 800, "deadline", 800, "next slide", 800]
    shard.ledger.deliver([shard.entry(chunk) for chunk in spoken(ANN, 0, script)])
    shard.ledger.settle()
    assert [append.message.phrase for append in shard.ledger.out] == ["deadline", "next slide"]
    assert shard.pending == []


def test_beyond_the_limit_utterances_are_only_read_and_it_is_said(ledger: type, as_entries: Callable) -> None:
    shard = Shard(ledger, as_entries, lambda: new_stage(listening=1))
    shard.give(spoken(ANN, 0, [400, "mute", 900])[0])
    (status,) = shard.give(*spoken(BOB, 0, [400, "mute", 900]))
    assert (status.type, status.event, status.level, status.meeting) == (
        "status",
        "level_changed",
        4,
        "weekly",
    )
    assert len(shard.give(transcript(BOB, 0, "mute"))) == 1


def test_release_frees_the_decoders_of_that_shard(as_entries: Callable) -> None:
    stage = new_stage()
    for number, track in enumerate((ANN, BOB)):
        chunk = spoken(track, 0, [400, "mute", 900])[0]
        stage.process(as_entries([chunk], Stream.SPEECH, number), 0)
    stage.release(0)
    assert stage._spotter.listening == 1
    stage.release(1)
    assert stage._spotter.listening == 0
