"""The vad stage: audio of all tracks in, the speech in it out."""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from common.messages import AudioChunk
from common.settings import VadSettings
from common.stage import Effect, Entry, Step, Stream
from workers.engines.silero import Silero
from workers.engines.silero_graph import HOP
from workers.vad.take import Setup, Take
from workers.vad.track import TrackVad

_SWEEP_MS = 100
"""How often tracks are looked through for sources that went quiet."""
_FULL_POWER = np.float32(32_768.0**2)


class _Listener:
    """A track, the entries it has yet to hear in this call, and its lane in Silero."""

    __slots__ = ("entries", "lane", "seen_ms", "vad")

    def __init__(self, vad: TrackVad, lane: int) -> None:
        self.vad = vad
        self.lane = lane
        self.entries: deque[Entry] = deque()
        self.seen_ms = 0

    @property
    def busy(self) -> bool:
        return self.vad.restless or bool(self.entries)

    def begin_turn(self) -> list[Effect]:
        if self.vad.restless:
            self.vad.hear_again()
            return []
        entry = self.entries.popleft()
        assert isinstance(entry.message, AudioChunk)
        return self.vad.hear(entry.id, entry.message)


class VadStage:
    """Takes turns: one entry of every track that has any, and one Silero run for all of them per hop.

    Without `silero`, webrtcvad decides alone.
    """

    name = "vad"
    inputs = (Stream.AUDIO,)

    def __init__(self, settings: VadSettings, silero: Silero | None) -> None:
        self._setup = Setup.of(settings, silero=silero is not None)
        self._quiet_source_ms = settings.quiet_source_ms
        self._silero = silero
        self._shards: dict[int, dict[str, _Listener]] = defaultdict(dict)
        self._swept_ms = 0

    def process(self, entries: Sequence[Entry], now_ms: int) -> Step:
        """See `common.stage.Stage`."""
        effects: list[Effect] = []
        turn = self._assign(entries, now_ms)
        while turn:
            for listener in turn:
                effects += listener.begin_turn()
            if self._silero:
                _listen(self._silero, turn)
            for listener in turn:
                effects += listener.vad.conclude()
            turn = [listener for listener in turn if listener.busy]
        effects += self._sweep(now_ms)
        return Step(effects)

    def release(self, shard: int) -> None:
        """See `common.stage.Stage`."""
        for listener in self._shards.pop(shard, {}).values():
            self._give_up(listener)

    def _assign(self, entries: Sequence[Entry], now_ms: int) -> list[_Listener]:
        """Hand the entries to their tracks; these are the tracks that are to take turns."""
        turn: dict[_Listener, None] = {}
        for entry in entries:
            chunk, shard = entry.message, entry.id.shard
            assert isinstance(chunk, AudioChunk)
            tracks, key = self._shards[shard], chunk.track.key
            listener = tracks.get(key)
            if listener is None:
                lane = self._silero.open_lane() if self._silero else 0
                listener = tracks[key] = _Listener(TrackVad(self._setup, shard, chunk), lane)
            listener.seen_ms = now_ms
            listener.entries.append(entry)
            turn[listener] = None
        return list(turn)

    def _sweep(self, now_ms: int) -> list[Effect]:
        """Drop tracks that are over or whose source went quiet."""
        if 0 <= now_ms - self._swept_ms < _SWEEP_MS:
            return []
        self._swept_ms = now_ms
        effects: list[Effect] = []
        for tracks in self._shards.values():
            for key, listener in list(tracks.items()):
                quiet = now_ms - listener.seen_ms >= self._quiet_source_ms
                if quiet and not listener.vad.over:
                    effects += listener.vad.time_out(now_ms)
                if quiet or listener.vad.over:
                    self._give_up(tracks.pop(key))
        return effects

    def _give_up(self, listener: _Listener) -> None:
        if self._silero:
            self._silero.close_lane(listener.lane)


def _listen(silero: Silero, turn: Sequence[_Listener]) -> None:
    """Let Silero hear the hops that this turn has made complete, one hop of every track at a time."""
    takes: list[Take] = []
    lanes: list[int] = []
    audio: list[bytes] = []
    for listener in turn:
        take = listener.vad.take
        hops, afresh = take.hops() if take else (b"", False)
        if take and hops:
            takes.append(take)
            lanes.append(listener.lane)
            audio.append(hops)
        if afresh:
            silero.reset(listener.lane)
    if takes:
        for take, answer in zip(takes, _ask(silero, lanes, audio), strict=True):
            take.answer(answer)


def _ask(silero: Silero, lanes: list[int], audio: list[bytes]) -> Iterable[list[tuple[float, float]]]:
    """For each lane, the probability of speech and the mean power of each of its hops."""
    hops = np.frombuffer(b"".join(audio), np.int16).reshape(-1, HOP)
    counts = np.array([len(pcm) // (HOP * hops.itemsize) for pcm in audio])
    starts = np.cumsum(counts) - counts
    probabilities = np.empty(len(hops), np.float32)
    for step in range(counts.max()):
        lasting = counts > step
        rows: NDArray[np.intp] = starts[lasting] + step
        probabilities[rows] = silero.probabilities(np.array(lanes, np.intp)[lasting], hops[rows])
    powers = np.square(hops, dtype=np.float32).mean(axis=1) / _FULL_POWER
    pairs = list(zip(probabilities.tolist(), powers.tolist(), strict=True))
    return [pairs[start : start + count] for start, count in zip(starts, counts, strict=True)]
