"""A crash loses nothing and doubles nothing, and how entries are batched changes nothing."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.identity import Meeting, Speaker, Track
from common.messages import AudioChunk, SpeechChunk
from common.settings import VadSettings
from common.stage import Acknowledge, Append, Effect, Entry, EntryId, Forget, Stream, Tally
from workers.vad.stage import VadStage

MS = 16
VAD = VadSettings(endpoint_ms=400, tail_ms=160, preroll_ms=200, max_utterance_ms=3000)
NOISE = np.random.default_rng(7).normal(size=60_000)
VOICE = (NOISE * 3000 * np.clip(np.sin(np.arange(60_000) / 1500) + 0.7, 0, 1)).astype("<i2")
QUIET = (NOISE * 3).astype("<i2")


class MoodySilero:
    """Takes loud hops for speech, most of the time; its mood comes from all it heard since its reset."""

    def __init__(self) -> None:
        self.state: list[float] = []

    def open_lane(self) -> int:
        self.state.append(0.0)
        return len(self.state) - 1

    def reset(self, lane: int) -> None:
        self.state[lane] = 0.0

    def close_lane(self, lane: int) -> None:
        self.state[lane] = float("nan")

    def probabilities(self, lanes: np.ndarray, hops: np.ndarray) -> np.ndarray:
        assert len(set(lanes)) == len(lanes) == len(hops)
        return np.array([self._hear(lane, hop) for lane, hop in zip(lanes, hops, strict=True)], np.float32)

    def _hear(self, lane: int, hop: np.ndarray) -> float:
        level = float(np.abs(hop.astype(float)).mean())
        self.state[lane] = 0.9 * self.state[lane] + level
        return 0.95 if level > 100 and int(self.state[lane]) % 7 else 0.05


@dataclass
class Shard:
    """What Redis holds: entries nobody acknowledged, watermarks, and what was committed."""

    pending: dict[EntryId, Entry] = field(default_factory=dict)
    watermarks: dict[str, int] = field(default_factory=dict)
    passed_on: dict[str, list[object]] = field(default_factory=lambda: defaultdict(list))
    counters: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def commit(self, effects: Sequence[Effect]) -> None:
        """As the commit script does, with the loop's filter before it."""
        reached = dict(self.watermarks)
        for effect in effects:
            match effect:
                case Acknowledge(entry):
                    del self.pending[entry]
                case Forget(_, key):
                    reached.pop(key, None)
                case Append() | Tally():
                    self._apply(effect, reached)
        self.watermarks = reached

    def _apply(self, effect: Append | Tally, reached: dict[str, int]) -> None:
        if effect.at is not None:
            if effect.at.value <= self.watermarks.get(effect.at.key, -1):
                return
            assert effect.at.value >= reached.get(effect.at.key, -1), "positions went backwards"
            reached[effect.at.key] = effect.at.value
        if isinstance(effect, Tally):
            self.counters[effect.counter] += effect.amount
        else:
            track = effect.message.track
            key = track if isinstance(track, str) else track.id
            self.passed_on[key].append((effect.stream, effect.message, effect.captured_ms))


def run(entries: Sequence[Entry], batches: Sequence[int], crashes: Sequence[int], silero: bool) -> Shard:
    """Feed the entries in batches. A crash 2n is before the commit of batch n, and 2n + 1 after it."""
    shard, stage = Shard(), new_stage(silero)
    for number, batch in enumerate(in_batches(entries, batches)):
        shard.pending.update((entry.id, entry) for entry in batch)
        step = stage.process(batch, 0)
        crashes_here = {2 * number, 2 * number + 1}
        if 2 * number not in crashes:
            shard.commit(step.effects)
        if crashes_here.isdisjoint(crashes):
            continue
        stage = new_stage(silero)
        for again in in_batches(list(shard.pending.values()), batches[::-1]):
            shard.commit(stage.process(again, 0).effects)
    shard.commit(stage.process([], 60_000).effects)
    return shard


def new_stage(silero: bool) -> VadStage:
    return VadStage(VAD, MoodySilero() if silero else None)


def in_batches(entries: Sequence[Entry], sizes: Sequence[int]) -> Iterator[list[Entry]]:
    rest, turn = iter(entries), 0
    while batch := list(islice(rest, sizes[turn % len(sizes)])):
        yield batch
        turn += 1


scene = st.tuples(
    st.sampled_from(["voice", "voice", "quiet", "quiet", "long quiet", "hole", "pause", "again", "overlap"]),
    st.integers(2, 30),
)


def chunks(track: Track, scenes: Sequence[tuple[str, int]], chunk_ms: Sequence[int]) -> Iterator[AudioChunk]:
    """A track's audio as ingest would put it on the stream, with everything that may go wrong."""
    at, number = 0, 0
    last = AudioChunk(track, 0, 0, b"")
    for what, tenths in scenes:
        if what == "hole":
            at += tenths * 200 * MS
        elif what == "pause":
            # Nothing is kept across a pause, and ingest repeats nothing from before it.
            at = max(at, last.end)
            last = AudioChunk(track, at, at // MS, b"", pause="pause")
            yield last
        elif what == "again":
            yield last
        elif what == "overlap":
            at = max(last.offset, at - tenths * MS)
        else:
            sound = VOICE if what == "voice" else QUIET
            until = at + tenths * 100 * MS * (6 if what == "long quiet" else 1)
            while at < until:
                samples = chunk_ms[number % len(chunk_ms)] * MS
                piece = np.take(sound, range(at, at + samples), mode="wrap")
                last = AudioChunk(track, at, (at + samples) // MS, piece.tobytes())
                yield last
                at, number = at + samples, number + 1
    yield AudioChunk(track, at, at // MS, b"", pause="end")


@st.composite
def stories(draw: st.DrawFn) -> list[Entry]:
    """The entries of one shard: up to three tracks of a meeting, in turn."""
    meeting = Meeting("default", "standup")
    tracks = [Track(meeting, name, Speaker(name, name)) for name in draw(st.sampled_from(["a", "ab", "abc"]))]
    sizes = st.lists(st.sampled_from([40, 60, 85, 100]), min_size=1, max_size=4)
    parts = [list(chunks(t, draw(st.lists(scene, min_size=2, max_size=9)), draw(sizes))) for t in tracks]
    rows = [part[i] for i in range(max(map(len, parts))) for part in parts if i < len(part)]
    return [Entry(EntryId(0, Stream.AUDIO, f"{i}-0"), chunk) for i, chunk in enumerate(rows)]


sizes = st.lists(st.integers(1, 40), min_size=1, max_size=5)
slow = settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.parametrize("silero", [True, False])
@slow
@given(entries=stories(), batches=sizes)
def test_batches_change_nothing(silero: bool, entries: list[Entry], batches: list[int]) -> None:
    one_by_one = run(entries, [1], [], silero)
    assert run(entries, batches, [], silero) == one_by_one
    assert not one_by_one.pending
    assert not one_by_one.watermarks


@pytest.mark.parametrize("silero", [True, False])
@slow
@given(entries=stories(), batches=sizes, crashes=st.lists(st.integers(0, 120), min_size=1, max_size=4))
def test_a_crash_anywhere_loses_nothing_and_doubles_nothing(
    silero: bool, entries: list[Entry], batches: list[int], crashes: list[int]
) -> None:
    undisturbed = run(entries, batches, [], silero)
    assert run(entries, batches, crashes, silero) == undisturbed


MONOLOGUE = [("quiet", 3), ("voice", 34), ("quiet", 47)]


def test_a_crash_before_or_after_each_single_commit() -> None:
    track = Track(Meeting("default", "standup"), "a", Speaker("a", "a"))
    story = [
        Entry(EntryId(0, Stream.AUDIO, f"{i}-0"), c) for i, c in enumerate(chunks(track, MONOLOGUE, [100]))
    ]
    undisturbed = run(story, [1], [], silero=True)
    pieces = [m for stream, m, _ in undisturbed.passed_on["a"] if stream is Stream.SPEECH]
    assert [m.closed for m in pieces if m.closed] == ["split", "endpoint"]
    assert [m.continues for m in pieces if m.offset == m.start] == [False, True]
    for crash in range(2 * len(story)):
        assert run(story, [1], [crash], silero=True) == undisturbed, f"crash {crash}"


@slow
@given(entries=stories())
def test_pieces_join_and_utterances_follow_each_other(entries: list[Entry]) -> None:
    passed_on = run(entries, [7], [], silero=True).passed_on
    for messages in passed_on.values():
        pieces = [m for stream, m, _ in messages if isinstance(m, SpeechChunk)]
        before = None
        for piece in pieces:
            opens = before is None or before.closed
            assert piece.offset == (piece.start if opens else before.end)
            assert opens or piece.utterance == before.utterance
            assert before is None or piece.start >= (before.end if opens else before.start)
            assert piece.start <= piece.voiced_end
            assert piece.end - piece.start <= (VAD.max_utterance_ms + 100) * MS
            before = piece
        assert before is None or before.closed
