"""Wherever the stage crashes, every phrase is told once, and nothing is left behind."""

from collections.abc import Callable, Sequence
from itertools import zip_longest

import pytest
from scripted_speech import ANN, BOB, new_stage, spoken, transcript

from common.messages import Message
from common.results import Result, Transcript
from common.stage import Entry, Stream


def meeting(chunk_ms: int = 100) -> tuple[list[Message], list[Result]]:
    """Two tracks, a split, phrases heard by one source or both or twice, and what is mistaken."""
    ann = [
        *spoken(ANN, 0, [400, "mute", 700, "-deadline", 900, "next slide", 500], chunk_ms=chunk_ms),
        *spoken(ANN, 6000, [200, "mute", 1500, "mute", 300, "deadline"], chunk_ms=chunk_ms, closed="split"),
        *spoken(ANN, 12_000, [900], chunk_ms=chunk_ms),
    ]
    bob = spoken(BOB, 500, [300, "follow up", 400, "follow up", 200, "~mute", 1200], chunk_ms=chunk_ms)
    texts = [
        transcript(BOB, 500, "we follow up and", status="partial", stable="we follow", times=False),
        transcript(BOB, 500, "we follow up and then mute", status="partial", stable="we follow up"),
        transcript(ANN, 0, "you are on mute next slide please"),
        transcript(BOB, 500, "", status="deferred"),
        transcript(ANN, 6000, "mute the follow up"),
        transcript(ANN, 12_000, "nothing of interest"),
        transcript(BOB, 500, "we follow up the deadline and then mute"),
    ]
    merged = [chunk for pair in zip_longest(ann, bob) for chunk in pair if chunk is not None]
    return merged, texts


EXPECTED = {
    ("ann", 0, "mute"),
    ("ann", 0, "next slide"),
    ("ann", 6000, "mute"),
    ("ann", 6000, "deadline"),
    ("ann", 6000, "follow up"),
    ("bob", 500, "follow up"),
    ("bob", 500, "mute"),
    ("bob", 500, "deadline"),
}


def interleaved(as_entries: Callable, *, text_after: int, chunk_ms: int = 100) -> list[Entry]:
    """Each text follows so many chunks after the one before."""
    speech, texts = meeting(chunk_ms)
    spoken_entries = as_entries(speech, Stream.SPEECH)
    written = iter(as_entries(texts, Stream.RESULTS))
    entries: list[Entry] = []
    for number, entry in enumerate(spoken_entries, 1):
        entries.append(entry)
        if number % text_after == 0:
            entries += [text for text in [next(written, None)] if text is not None]
    return [*entries, *written]


def told(ledger: object) -> list[tuple[str, int, str]]:
    return sorted(
        (event.track, int(event.utterance.rsplit("-", 1)[1]) // 16, event.phrase)
        for event in ledger.messages()
    )


def batches(entries: Sequence[Entry], size: int) -> list[Sequence[Entry]]:
    return [entries[at : at + size] for at in range(0, len(entries), size)]


@pytest.mark.parametrize("text_after", [1, 5, 19, 1000])
def test_once_whichever_stream_is_ahead(ledger: type, as_entries: Callable, text_after: int) -> None:
    shard = ledger(new_stage)
    for batch in batches(interleaved(as_entries, text_after=text_after), 3):
        shard.deliver(batch)
    shard.settle()
    assert told(shard) == sorted(EXPECTED)
    assert not shard.pending
    assert not shard.watermarks


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("text_after", [1, 7, 1000])
@pytest.mark.parametrize("lost", [True, False])
def test_once_wherever_it_crashes(
    ledger: type, as_entries: Callable, size: int, text_after: int, *, lost: bool
) -> None:
    """`lost`: the effects of the call at which it crashed were not committed."""
    calls = batches(interleaved(as_entries, text_after=text_after, chunk_ms=200), size)
    for crash_at in range(len(calls)):
        shard = ledger(lambda: new_stage(batch=2))
        for number, batch in enumerate(calls):
            shard.deliver(batch, lost=lost and number == crash_at)
            if number == crash_at and not lost:
                shard.crash()
        shard.settle()
        assert told(shard) == sorted(EXPECTED), f"crash at call {crash_at}"
        assert not shard.pending, f"crash at call {crash_at}"
        shard.settle(now_ms=3_700_000)
        assert not shard.watermarks, f"crash at call {crash_at}"


def test_once_though_it_crashes_all_the_time(ledger: type, as_entries: Callable) -> None:
    shard = ledger(lambda: new_stage(batch=1))
    for number, batch in enumerate(batches(interleaved(as_entries, text_after=5), 2)):
        shard.deliver(batch, lost=number % 2 == 0)
        if number % 3 == 0:
            shard.crash()
    shard.settle()
    assert told(shard) == sorted(EXPECTED)
    assert not shard.pending


def test_a_release_without_a_crash_changes_nothing(ledger: type, as_entries: Callable) -> None:
    """The loop replays a shard within one process after a stage failed."""
    stage = new_stage()
    shard = ledger(lambda: stage)
    for number, batch in enumerate(batches(interleaved(as_entries, text_after=5), 4)):
        shard.deliver(batch)
        if number % 5 == 2:
            stage.release(0)
            shard.crash()
    shard.settle()
    assert told(shard) == sorted(EXPECTED)


@pytest.mark.parametrize("chunk_ms", [20, 50, 100, 730])
def test_events_do_not_depend_on_how_audio_was_cut(ledger: type, as_entries: Callable, chunk_ms: int) -> None:
    shards = []
    for size in (100, chunk_ms):
        shard = ledger(new_stage)
        for entry in interleaved(as_entries, text_after=1000, chunk_ms=size):
            if not isinstance(entry.message, Transcript):
                shard.deliver([entry])
        shard.settle()
        shards.append(sorted((e.id, e.start_ms, e.end_ms, e.score) for e in shard.messages()))
    assert shards[0] == shards[1]


def test_what_a_partial_told_before_a_crash_is_not_told_again_when_the_deferred_text_comes(
    ledger: type, as_entries: Callable
) -> None:
    shard = ledger(new_stage)
    texts = [
        transcript(BOB, 500, "you are on mute now", status="partial", stable="you are on mute"),
        transcript(BOB, 500, "", status="deferred"),
        transcript(BOB, 500, "you are on mute now"),
    ]
    partial, deferred, final = as_entries(texts, Stream.RESULTS)
    speech = as_entries(spoken(BOB, 500, [300, "-mute", 900]), Stream.SPEECH)
    shard.deliver([*speech[:5], partial])
    shard.crash()
    shard.deliver([*speech[5:], deferred])
    shard.settle(now_ms=600_000)
    shard.deliver([final], now_ms=600_000)
    assert told(shard) == [("bob", 500, "mute")]
    assert not shard.watermarks
