from collections import Counter, deque
from dataclasses import replace
from functools import partial
from itertools import count, pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from common.errors import EngineError, InvalidMessage
from common.identity import Meeting, Speaker, Track
from common.messages import Window
from common.results import Status, Transcript
from common.stage import Acknowledge, Append, Entry, EntryId, Stream
from workers.emitter.batching import Limits
from workers.emitter.deferred import ROOM
from workers.emitter.effort import efforts
from workers.emitter.manner import Model
from workers.emitter.service import Rules
from workers.emitter.stage import EmitterStage, Policy
from workers.emitter.utterances import Utterances
from workers.engines.speech import Hypothesis, HypothesisWord

STEP = 4800
TRACKS = [
    Track(Meeting("default", meeting), name, Speaker(name, name.title()))
    for meeting, name in [("standup", "ana"), ("standup", "ben"), ("retro", "cy")]
]


class Parrot:
    """An engine that hears one word, the number of its step, in every 300 ms of samples."""

    encoding = "pcm_s16le"

    def __init__(self):
        self.batches = []

    def transcribe(self, windows, settings, *, word_times):
        self.batches.append((len(windows), settings, word_times))
        return [self._hear(window, word_times) for window in windows]

    def _hear(self, window, word_times):
        steps = [f"w{value}" for value in window[::STEP] if value]
        words = [HypothesisWord(word, i * 0.3, i * 0.3 + 0.3, 0.9) for i, word in enumerate(steps)]
        return Hypothesis(" ".join(steps), tuple(words) if word_times else (), -0.1, 0.0)


FOUR = Limits(windows=4, ms=1e9)


class Measure(Parrot):
    """Notes how long the windows of finals are, in steps; says nonsense in those of some length."""

    def __init__(self, nonsense_at=None):
        super().__init__()
        self.steps, self.nonsense_at = [], nonsense_at

    def _hear(self, window, word_times):
        steps = len(window) // STEP
        self.steps.append(steps)
        heard = super()._hear(window, word_times)
        if steps != self.nonsense_at:
            return heard
        words = tuple(replace(word, text="buzz") for word in heard.words)
        return replace(heard, text=" ".join(["buzz"] * len(words)), words=words)


class Babbler(Parrot):
    """Never says the same word twice."""

    def __init__(self):
        super().__init__()
        self.words = count()

    def _hear(self, window, word_times):
        heard = super()._hear(window, word_times)
        said = [f"b{next(self.words)}" for _ in heard.text.split()]
        words = tuple(
            replace(word, text=text) for word, text in zip(heard.words, said[: len(heard.words)], strict=True)
        )
        return replace(heard, text=" ".join(said), words=words)


def new_stage(
    engine=None,
    *,
    small=None,
    allowed=range(2),
    limits=FOUR,
    batch_s=0.0,
    priority=lambda meeting: 0,
    final_ms=1e9,
):
    engines = {Model.MAIN: engine or Parrot()} | ({Model.SMALL: small} if small else {})
    policy = Policy(
        efforts=efforts(300, final_ms=final_ms, drafts=True, last=Model.SMALL if small else Model.MAIN),
        rules=Rules(allowed, 5000, priority),
        limits=limits,
        budget_ms=1500,
        most_age_ms=3_600_000,
    )
    utterances = Utterances("pcm_s16le", mels=80, patience_ms=60_000)
    return EmitterStage(engines, utterances, policy, clock=partial(next, count(step=batch_s)))


def utterance(steps, *, track=TRACKS[0], start=16_000, silent=False):
    """Windows of 300 ms, a partial due from the second on, and a final without samples."""
    windows = []
    for i in range(steps):
        offset, end = start + i * STEP, start + (i + 1) * STEP
        samples = np.full(STEP, 0 if silent else i + 1, np.int16)
        windows.append(
            Window(
                track,
                track.utterance_id(start),
                start,
                offset,
                end,
                end,
                1_000_000 + end // 16,
                "pcm_s16le",
                samples.tobytes(),
                "partial" if i else "",
            )
        )
    end = start + steps * STEP
    last = replace(
        windows[-1], offset=end, end=end + 1600, captured_ms=1_000_000 + end // 16 + 100, payload=bytes(3200)
    )
    return [*windows, replace(last, due="final")]


def words(number):
    return " ".join(f"w{i + 1}" for i in range(number))


def superseded():
    return REGISTRY.get_sample_value("hubbub_emitter_partials_superseded_total")


def backlog_s():
    return REGISTRY.get_sample_value("hubbub_emitter_backlog_seconds")


@pytest.fixture
def shard(ledger):
    return ledger(new_stage)


LATER_MS = 20_000
"""When no utterance can any more be left context to another."""


def play(shard, windows, as_entries):
    for entry in as_entries(windows, Stream.WINDOWS):
        shard.deliver([entry])
        shard.settle()
    return shard.messages()


def test_an_utterance_forms_while_it_is_spoken_and_ends_with_its_final(shard, as_entries):
    texts = [(t.status, t.text, t.stable) for t in play(shard, utterance(4), as_entries)]
    assert texts == [
        ("partial", words(2), ""),
        ("partial", words(3), words(2)),
        ("partial", words(4), words(3)),
        ("final", words(4), words(4)),
    ]
    assert shard.tallies == {"finals": 1, "transcribed_samples": 4 * STEP + 1600}
    shard.settle(now_ms=LATER_MS)
    assert not shard.pending
    assert not shard.watermarks


def test_times_are_on_the_timeline_of_the_meeting(shard, as_entries):
    *_, final = play(shard, utterance(4), as_entries)
    assert (final.start_ms, final.end_ms) == (1000, 2200)
    assert [(w.text, w.start_ms, w.end_ms) for w in final.words][:2] == [
        ("w1", 1000, 1300),
        ("w2", 1300, 1600),
    ]
    assert (final.track, final.speaker.name, final.meeting) == ("ana", "Ana", "standup")


def test_latency_counts_from_the_end_of_speech_for_finals_and_from_the_newest_sample_for_partials(
    shard, as_entries
):
    play(shard, utterance(2), as_entries)
    assert [append.captured_ms - 1_000_000 for append in shard.out] == [1600, 1600]


def test_ids_are_unique(shard, as_entries):
    ids = [t.id for t in play(shard, utterance(6), as_entries)]
    assert len(set(ids)) == len(ids)


def test_a_long_utterance_keeps_its_text_while_its_partials_stay_short(as_entries, ledger):
    engine = Parrot()
    shard = ledger(lambda: new_stage(engine))
    transcripts = play(shard, utterance(80), as_entries)
    assert transcripts[-2].text == words(80)
    for before, after in pairwise(transcripts):
        assert after.text.startswith(before.stable)
        assert after.stable.startswith(before.stable)
    assert max(settings.context_s for _, settings, _ in engine.batches[:-1]) <= 12


def test_partials_stay_short_even_where_the_engine_never_agrees_with_itself(as_entries, ledger):
    engine = Babbler()
    shard = ledger(lambda: new_stage(engine))
    transcripts = play(shard, utterance(80), as_entries)
    assert max(settings.context_s for _, settings, _ in engine.batches[:-1]) <= 12
    for before, after in pairwise(transcripts[:-1]):
        assert after.stable.startswith(before.stable)


def test_the_backlog_counts_every_final_that_waits_on_a_track(as_entries, ledger):
    first, second = utterance(2), utterance(2, start=16_000 + 3 * STEP)
    alone, both = (ledger(lambda: new_stage(limits=Limits(1, 1e9))) for _ in range(2))
    alone.deliver(as_entries(first, Stream.WINDOWS))
    one = backlog_s()
    both.deliver(as_entries([*first, *second], Stream.WINDOWS))
    assert backlog_s() == pytest.approx(2 * one)


def test_finals_are_served_in_the_order_in_which_speech_ended(as_entries, ledger):
    first, second = utterance(2, start=0), utterance(2, track=TRACKS[2], start=800)
    first[-1] = replace(first[-1], end=first[-1].end + 4000, captured_ms=first[-1].captured_ms + 250)
    shard = ledger(lambda: new_stage(limits=Limits(1, 1e9)))
    shard.deliver(as_entries([*second, *first], Stream.WINDOWS))
    shard.settle()
    assert [t.track for t in shard.messages()] == ["ana", "cy"]


def test_partials_that_newer_audio_superseded_are_not_computed(as_entries, ledger):
    engine = Parrot()
    shard = ledger(lambda: new_stage(engine))
    before = superseded()
    shard.deliver(as_entries(utterance(9), Stream.WINDOWS)[:-1])
    shard.settle()
    assert superseded() - before == 7
    assert [(t.status, t.text) for t in shard.messages()] == [("partial", words(9))]
    assert len(engine.batches) == 1


def test_a_final_supersedes_its_partials(shard, as_entries):
    shard.deliver(as_entries(utterance(9), Stream.WINDOWS))
    shard.settle()
    assert [t.status for t in shard.messages()] == ["final"]


def test_silence_gives_no_partial_but_a_final(shard, as_entries):
    transcripts = play(shard, utterance(5, silent=True), as_entries)
    assert [(t.status, t.text, t.words) for t in transcripts] == [("final", "", ())]


def test_a_call_runs_one_forward_pass_and_says_whether_more_waits(as_entries):
    engine = Parrot()
    stage = new_stage(engine, limits=Limits(2, 1e9))
    windows = [w for i, track in enumerate(TRACKS) for w in utterance(2, track=track, start=i)]
    assert stage.process(as_entries(windows, Stream.WINDOWS), 0).busy
    assert [n for n, *_ in engine.batches] == [2]
    stage.process([], 0)
    assert [n for n, *_ in engine.batches] == [2, 1]
    assert not stage.process([], 0).busy
    assert not stage.process([], 0).effects


def test_the_next_utterance_of_a_track_waits_for_the_final_of_the_one_before(as_entries, ledger):
    shard = ledger(lambda: new_stage(limits=Limits(1, 1e9)))
    both = [*utterance(3, start=0), *utterance(3, start=50_000)[:-1]]
    shard.deliver(as_entries(both, Stream.WINDOWS))
    shard.settle()
    assert [(t.status, t.start_ms) for t in shard.messages()] == [("final", 0), ("partial", 3125)]


def test_it_waits_even_where_that_final_has_to_be_supplied_by_time(shard, as_entries):
    broken = utterance(3, start=0)[:-1]
    following = [*utterance(3, start=50_000), *utterance(3, start=90_000)[:-1]]
    shard.deliver(as_entries([*broken, *following], Stream.WINDOWS), now_ms=0)
    shard.settle(now_ms=0)
    assert [(t.status, t.start_ms) for t in shard.messages()] == [("partial", 0)]
    shard.settle(now_ms=60_001)
    assert [(t.status, t.start_ms) for t in shard.messages()][1:] == [
        ("final", 0),
        ("final", 3125),
        ("final", 5625),
    ]


def test_an_utterance_may_begin_before_the_end_of_the_one_it_continues(shard, as_entries):
    transcripts = play(shard, [*utterance(4, start=0), *utterance(2, start=9000)], as_entries)
    assert [t.text for t in transcripts if t.status == "final"] == [words(4), words(2)]
    assert [t.text for t in transcripts if t.status == "partial"][-1] == words(2)


@pytest.mark.parametrize(("level", "speaking", "beam"), [(0, 0, 5), (0, 2, 1), (1, 0, 1)])
def test_a_final_has_a_wide_beam_unless_others_wait_for_their_partials(
    level, speaking, beam, as_entries, ledger
):
    engine = Parrot()
    shard = ledger(lambda: new_stage(engine, allowed=range(level, level + 1), final_ms=250))
    open_ones = [window for track in TRACKS[:speaking] for window in utterance(3, track=track)[:-1]]
    shard.deliver(as_entries([*open_ones, *utterance(3, track=TRACKS[2])], Stream.WINDOWS))
    (_, settings, _), *_ = engine.batches
    assert settings.beam == beam


@pytest.mark.parametrize(("level", "beam"), [(0, 5), (1, 1)])
def test_a_pinned_quality_does_not_follow_the_load(level, beam, as_entries, ledger):
    engine = Parrot()
    shard = ledger(lambda: new_stage(engine, allowed=range(level, level + 1)))
    windows = [w for i in range(40) for w in utterance(2, start=i * 20_000)]
    shard.deliver(as_entries(windows, Stream.WINDOWS))
    shard.settle()
    assert {settings.beam for _, settings, _ in engine.batches} == {beam}
    assert {t.level for t in shard.messages()} == {level}


def with_pause(windows, *, silent=3):
    """The windows, and before the last so many of 100 ms in which nobody speaks."""
    before, last = windows[-2], windows[-1]
    pause = [
        replace(
            before,
            offset=before.end + i * 1600,
            end=before.end + (i + 1) * 1600,
            captured_ms=before.captured_ms + (i + 1) * 100,
            payload=bytes(3200),
            due="",
        )
        for i in range(silent)
    ]
    end = pause[-1].end
    return [
        *windows[:-1],
        *pause,
        replace(last, offset=end, end=end, captured_ms=pause[-1].captured_ms, payload=b""),
    ]


def test_the_final_is_computed_at_the_pause_and_put_out_once_the_utterance_has_ended(as_entries, ledger):
    engine = Parrot()
    shard = ledger(lambda: new_stage(engine))
    entries = as_entries(with_pause(utterance(4)), Stream.WINDOWS)
    for entry in entries[:-1]:
        shard.deliver([entry])
        shard.settle()
    passes = len(engine.batches)
    shard.deliver(entries[-1:])
    assert len(engine.batches) == passes
    assert [(t.status, t.text) for t in shard.messages()][-1] == ("final", words(4))


def test_a_pause_in_which_all_that_was_said_is_not_yet_shown_gives_a_partial(as_entries, ledger):
    shard = ledger(new_stage)
    shard.deliver(as_entries(with_pause(utterance(4)), Stream.WINDOWS)[:-1])
    shard.settle()
    assert [(t.status, t.text) for t in shard.messages()] == [("partial", words(4))]


def resumed(first, steps):
    """An utterance that goes on after its pause."""
    *before, _ = with_pause(first)
    last = before[-1]
    on = [
        replace(
            last,
            offset=last.end + i * STEP,
            end=last.end + (i + 1) * STEP,
            voiced_end=last.end + (i + 1) * STEP,
            captured_ms=last.captured_ms + 300 * (i + 1),
            payload=np.full(STEP, 50 + i, np.int16).tobytes(),
            due="partial",
        )
        for i in range(steps)
    ]
    end = on[-1].end
    return [*before, *on, replace(on[-1], offset=end, payload=b"", due="final")]


def test_a_draft_is_worth_nothing_once_speech_has_gone_on(as_entries, ledger):
    shard = ledger(new_stage)
    transcripts = play(shard, resumed(utterance(4), 2), as_entries)
    assert [t.status for t in transcripts].count("final") == 1
    assert transcripts[-1].text.split()[-1] == "w51"


@pytest.mark.parametrize("drafted", [True, False])
def test_a_final_rests_on_the_same_audio_whether_it_was_drafted_or_not(drafted, as_entries, ledger):
    class Exact(Parrot):
        def _hear(self, window, word_times):
            heard.append(len(window))
            return super()._hear(window, word_times)

    heard = []
    shard = ledger(lambda: new_stage(Exact(), allowed=range(1) if drafted else range(1, 2)))
    play(shard, with_pause(utterance(4), silent=5), as_entries)
    assert heard[-1] == 4 * STEP + 960


def test_in_a_long_utterance_a_draft_says_only_what_is_new(as_entries, ledger):
    shard = ledger(new_stage)
    transcripts = play(shard, with_pause(utterance(60)), as_entries)
    assert [t.text for t in transcripts][-2:] == [words(60), words(60)]


def two_utterances(pause):
    second = 16_000 + 4 * STEP + 1600 + pause
    return [*utterance(4), *utterance(3, start=second)]


@pytest.mark.parametrize(("pause", "steps"), [(4800, 4 + 3), (40_000, 3)])
def test_a_final_is_heard_together_with_what_was_said_just_before(pause, steps, as_entries, ledger):
    engine = Measure()
    shard = ledger(lambda: new_stage(engine))
    transcripts = play(shard, two_utterances(pause), as_entries)
    assert engine.steps[-1] == steps
    assert [t.text for t in transcripts if t.status == "final"] == [words(4), words(3)]
    assert transcripts[-1].words[0].start_ms == transcripts[-1].start_ms


def partials_of_the_second(nonsense_at, as_entries, ledger):
    engine = Measure(nonsense_at)
    shard = ledger(lambda: new_stage(engine))
    first, second = utterance(4), utterance(3, start=16_000 + 4 * STEP + 1600 + 4800)
    play(shard, first, as_entries)
    engine.steps.clear()
    transcripts = play(shard, [replace(w, voiced_end=w.end) for w in second[:-1]], as_entries)
    own = [t for t in transcripts if t.start_ms == second[0].start // 16]
    return engine.steps, [t.text for t in own]


def test_the_partials_of_a_young_utterance_are_heard_together_with_what_was_said_just_before(
    as_entries, ledger
):
    assert partials_of_the_second(None, as_entries, ledger) == ([4 + 2, 4 + 3], [words(2), words(3)])


def test_where_they_cannot_be_told_from_those_before_the_next_partial_is_heard_alone(as_entries, ledger):
    assert partials_of_the_second(4 + 2, as_entries, ledger) == ([4 + 2, 3], [words(3)])


def test_where_its_own_words_cannot_be_told_from_those_before_it_is_heard_alone(as_entries, ledger):
    engine = Measure(nonsense_at=4 + 3)
    shard = ledger(lambda: new_stage(engine))
    transcripts = play(shard, two_utterances(4800), as_entries)
    assert engine.steps[-2:] == [4 + 3, 3]
    assert [t.text for t in transcripts if t.status == "final"] == [words(4), words(3)]


def test_a_new_owner_has_the_same_left_context(as_entries, ledger):
    engine = Measure()
    shard = ledger(lambda: new_stage(engine))
    entries = as_entries(two_utterances(4800), Stream.WINDOWS)
    shard.deliver(entries[:-1])
    shard.settle()
    shard.crash()
    shard.deliver(entries[-1:])
    shard.settle()
    assert engine.steps[-1] == 4 + 3
    finals = [t.text for t in shard.messages() if t.status == "final"]
    assert finals == [words(4), words(3)]


def test_a_standstill_costs_no_left_context(as_entries, ledger):
    engine = Measure()
    shard = ledger(lambda: new_stage(engine))
    entries = as_entries(two_utterances(4800), Stream.WINDOWS)
    shard.deliver(entries[:5])
    shard.settle()
    shard.settle(now_ms=LATER_MS)
    shard.deliver(entries[5:], now_ms=LATER_MS)
    shard.settle(now_ms=LATER_MS)
    assert engine.steps[-1] == 4 + 3


def test_while_the_next_utterance_is_spoken_a_new_owner_has_left_context_too(as_entries, ledger):
    engine = Measure()
    shard = ledger(lambda: new_stage(engine))
    entries = as_entries(two_utterances(4800), Stream.WINDOWS)
    shard.deliver(entries[:-1])
    shard.settle()
    shard.settle(now_ms=LATER_MS)
    shard.crash()
    shard.deliver(entries[-1:], now_ms=LATER_MS)
    shard.settle(now_ms=LATER_MS)
    assert engine.steps[-1] == 4 + 3


def overloaded(stage, as_entries, *, meetings=6):
    """A busy hour: several meetings of whom a window comes every 300 ms, and 1 s for each pass.

    Returns what came out until all had come, and when that was.
    """
    talk = {}
    for m in range(meetings):
        track = Track(Meeting("default", f"m{m}"), "ana", Speaker("ana", ""))
        talk[m] = [w for i in range(20) for w in utterance(6, track=track, start=i * 40_000)]
    coming = deque(enumerate(zip(*talk.values(), strict=True), 1))
    out, now_ms = [], 0
    while coming:
        now_ms += 1000
        entries = []
        while coming and coming[0][0] * 300 <= now_ms:
            number, windows = coming.popleft()
            entries += [
                Entry(EntryId(m, Stream.WINDOWS, f"{number}-0"), window) for m, window in enumerate(windows)
            ]
        out += stage.process(entries, now_ms).effects
    return out, now_ms


def results(effects, kind=Transcript):
    return [e.message for e in effects if isinstance(e, Append) and isinstance(e.message, kind)]


def kept(effects):
    return [e for e in effects if isinstance(e, Append) and e.stream is Stream.DEFERRED]


def test_overloaded_it_puts_utterances_aside_and_says_so(as_entries):
    stage = new_stage(allowed=range(4), limits=Limits(2, 1e9), batch_s=0.9)
    effects, _ = overloaded(stage, as_entries)
    deferred = [t for t in results(effects) if t.status == "deferred"]
    assert deferred
    assert {t.level for t in deferred} == {3}
    assert [e.message.utterance for e in kept(effects)] == [t.utterance for t in deferred]
    whole = kept(effects)[0].message
    assert (whole.offset, whole.due) == (whole.start, "final")
    assert len(whole.payload) == 2 * (whole.end - whole.start)
    changes = results(effects, Status)
    assert {s.event for s in changes} == {"level_changed"}
    assert {s.level for s in changes} >= {1, 3}


def test_it_knows_that_it_is_overloaded_however_little_of_the_time_its_passes_take(as_entries):
    """Where other pools take the processor, taking in what comes is most of what the emitter does."""
    stage = new_stage(allowed=range(4), limits=Limits(2, 1e9), batch_s=0.5)
    effects, _ = overloaded(stage, as_entries)
    assert [t for t in results(effects) if t.status == "deferred"]


def test_every_utterance_has_a_final_or_is_put_aside_and_nothing_stays_pending(as_entries):
    stage = new_stage(allowed=range(4), limits=Limits(2, 1e9), batch_s=0.9)
    effects, now_ms = overloaded(stage, as_entries)
    for at_ms in (now_ms, now_ms + LATER_MS):
        while (step := stage.process([], at_ms)).busy:
            effects += step.effects
    settled = [t.utterance for t in results(effects) if t.status in ("final", "deferred")]
    assert len(settled) == len(set(settled)) == 6 * 20
    acknowledged = [e.entry for e in effects if isinstance(e, Acknowledge)]
    assert len(acknowledged) == len(set(acknowledged)) == 6 * 20 * 7


def test_a_smaller_model_makes_the_finals_where_there_are_finals_only(as_entries, ledger):
    main, small = Measure(), Measure()
    shard = ledger(lambda: new_stage(main, small=small, allowed=range(2, 3)))
    transcripts = play(shard, utterance(4), as_entries)
    assert [(t.status, t.text, t.level) for t in transcripts] == [("final", words(4), 2)]
    assert (len(main.steps), len(small.steps)) == (0, 1)
    above = Measure()
    shard = ledger(lambda: new_stage(main, small=above, allowed=range(1, 2)))
    assert play(shard, utterance(4), as_entries)[-1].text == words(4)
    assert above.steps == []


def test_meetings_of_high_priority_keep_their_service(as_entries):
    important = Meeting("default", "m4")
    stage = new_stage(
        allowed=range(4),
        limits=Limits(2, 1e9),
        batch_s=0.9,
        priority=lambda meeting: meeting == important,
    )
    effects, _ = overloaded(stage, as_entries)
    deferred = Counter(t.meeting for t in results(effects) if t.status == "deferred")
    assert len(deferred) >= 4
    assert deferred["m4"] < min(count for meeting, count in deferred.items() if meeting != "m4")


def come_back(number, *, track=TRACKS[0], start=None):
    start = 16_000 * number if start is None else start
    whole = utterance(3, track=track, start=start)
    window = replace(
        whole[-1], offset=start, payload=b"".join(w.payload for w in whole), captured_ms=1000 * number
    )
    return Entry(EntryId(number % 4, Stream.DEFERRED, f"{number}-0"), window)


def test_deferred_utterances_are_asked_for_when_there_is_time_and_transcribed(ledger):
    shard = ledger(new_stage)
    step = shard.stage.process([], 0)
    assert step.recall == ROOM
    shard.deliver([come_back(1)])
    shard.settle()
    [final] = shard.messages()
    assert (final.status, final.text, final.backfilled) == ("final", words(3), True)
    assert final.utterance == TRACKS[0].utterance_id(16_000)
    assert shard.tallies == {"finals": 1, "transcribed_samples": 3 * STEP + 1600}
    assert not shard.pending


def test_no_more_are_asked_for_than_there_is_room():
    stage = new_stage(limits=Limits(1, 1e9))
    step = stage.process([come_back(i) for i in range(3)], 0)
    assert step.recall == ROOM - 3 + 1


def test_deferred_utterances_are_asked_for_when_the_meetings_fall_silent_and_not_before(as_entries):
    stage = new_stage(allowed=range(4), limits=Limits(2, 1e9), batch_s=0.9)
    _, now_ms = overloaded(stage, as_entries)
    while (step := stage.process([], now_ms)).busy:
        assert step.recall == 0
    assert step.recall == 0
    while (step := stage.process([], now_ms + 4000)).busy:
        pass
    assert step.recall == ROOM


def test_what_waits_to_be_backfilled_comes_after_what_is_said_now(as_entries, ledger):
    shard = ledger(lambda: new_stage(limits=Limits(1, 1e9)))
    shard.deliver([come_back(9), *as_entries(utterance(3), Stream.WINDOWS)])
    shard.settle()
    assert [t.backfilled for t in shard.messages()] == [False, True]


def test_utterances_kept_too_long_or_handed_back_unasked_are_lost_and_that_is_said(ledger):
    shard = ledger(lambda: new_stage(limits=Limits(1, 1e9)))
    shard.deliver([come_back(1)], now_ms=3_601_001)
    shard.settle()
    assert [t.status for t in shard.messages()] == ["lost"]
    assert shard.tallies == {"lost_samples": 3 * STEP + 1600}
    shard.deliver([replace(come_back(2), unasked=True)])
    shard.settle()
    assert [t.status for t in shard.messages()] == ["lost", "lost"]
    assert not shard.pending


def test_after_a_takeover_what_had_come_back_is_transcribed_once(ledger):
    shard = ledger(lambda: new_stage(limits=Limits(1, 1e9)))
    shard.deliver([come_back(i) for i in range(4)])
    shard.crash()
    shard.settle()
    assert Counter(t.utterance for t in shard.messages()) == {
        TRACKS[0].utterance_id(16_000 * i): 1 for i in range(4)
    }


def test_an_utterance_whose_final_never_comes_is_finished_by_time(shard, as_entries):
    shard.deliver(as_entries(utterance(3), Stream.WINDOWS)[:-1], now_ms=0)
    shard.settle(now_ms=60_000)
    assert [t.status for t in shard.messages()] == ["partial"]
    shard.settle(now_ms=60_001)
    assert [(t.status, t.text) for t in shard.messages()][1:] == [("final", words(3))]
    shard.settle(now_ms=60_001 + LATER_MS)
    assert not shard.pending


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoding": "log_mel_f16"}, "this engine takes pcm_s16le"),
        ({"payload": b"odd"}, "a payload of 3 bytes"),
        ({"offset": 16_001}, "expected 16000"),
        ({"end": 16_000 + 30 * 16_000 + 1}, "longer than 30 s"),
    ],
)
def test_a_window_it_cannot_transcribe_is_refused(change, message, as_entries):
    window = replace(utterance(1)[0], **change)
    with pytest.raises(InvalidMessage, match=message):
        new_stage().process(as_entries([window], Stream.WINDOWS), 0)


def test_an_engine_that_loses_a_window_is_found_out(as_entries):
    engine = Parrot()
    engine.transcribe = lambda *_, **__: []
    with pytest.raises(EngineError, match="0 hypotheses for 1 windows"):
        new_stage(engine).process(as_entries(utterance(2), Stream.WINDOWS), 0)


def test_a_released_shard_is_forgotten_and_others_are_not():
    stage = new_stage()
    for number in (1, 2):
        stage.process([Entry(EntryId(number, Stream.WINDOWS, "1-0"), utterance(2)[0])], 0)
    stage.release(1)
    effects = stage.process([], 10**9).effects
    assert {effect.shard for effect in effects if hasattr(effect, "shard")} == {2}


talks = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 6)), min_size=1, max_size=8)
plans = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["", "", "before", "after"])), min_size=1)


@given(talk=talks, plan=plans, windows=st.integers(1, 4))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_crashes_every_utterance_has_one_final_and_tracks_are_in_order(
    *, ledger, as_entries, talk, plan, windows
):
    queues = {track: [] for track in TRACKS}
    for i, (track, steps) in enumerate(talk):
        queues[TRACKS[track]] += utterance(steps, track=TRACKS[track], start=i * 40_000)
    mixed = [w for i in range(99) for queue in queues.values() for w in queue[i : i + 1]]
    entries = as_entries(mixed, Stream.WINDOWS)
    shard = ledger(lambda: new_stage(limits=Limits(windows, 1e9)))
    at = 0
    for size, crash in plan[:40]:
        shard.deliver(entries[at : at + size], lost=crash == "before")
        if crash == "after":
            shard.crash()
        at += size
    shard.deliver(entries[at:])
    shard.settle()

    transcripts = [m for m in shard.messages() if isinstance(m, Transcript)]
    finals = {t.utterance: t.text for t in transcripts if t.status == "final"}
    assert finals == {
        TRACKS[track].utterance_id(i * 40_000): words(steps) for i, (track, steps) in enumerate(talk)
    }
    ids = Counter(t.id for t in transcripts)
    assert set(ids.values()) == {1}
    for track in TRACKS:
        own = [t for t in transcripts if (t.meeting, t.track) == (track.meeting.id, track.id)]
        for before, after in pairwise(own):
            assert (before.start_ms, before.end_ms) <= (after.start_ms, after.end_ms)
    assert shard.tallies["finals"] == len(talk)
    shard.settle(now_ms=LATER_MS)
    assert not shard.pending
    assert not shard.watermarks
