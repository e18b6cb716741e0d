"""All open utterances of the shards this process owns, in order within each track."""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from common.errors import InvalidMessage
from common.messages import Payload, Window
from common.stage import Entry
from workers.emitter.metrics import PARTIALS_SUPERSEDED, UTTERANCES_ABANDONED
from workers.emitter.utterance import Utterance
from workers.engines.speech import decode_payload


class Utterances:
    """Open utterances by shard and track, each track's in the order in which they began."""

    def __init__(self, encoding: Payload, *, mels: int, patience_ms: int) -> None:
        self._encoding, self._mels, self._patience_ms = encoding, mels, patience_ms
        self._tracks: defaultdict[int, dict[str, dict[str, Utterance]]] = defaultdict(dict)

    def take(self, entry: Entry, now_ms: int) -> None:
        """Add a window. Raises InvalidMessage for what this process cannot transcribe."""
        window = entry.message
        if not isinstance(window, Window):
            raise InvalidMessage(f"{type(window).__name__} on the stream {entry.id.stream}")
        frames = self._frames(window)
        track = self._tracks[entry.id.shard].setdefault(window.track.key, {})
        utterance = track.get(window.utterance) or Utterance(entry.id.shard, window)
        superseded = window.due and utterance.partial_since_ms is not None
        utterance.add(entry.id, window, frames)
        utterance.heard_ms = now_ms
        track[window.utterance] = utterance
        PARTIALS_SUPERSEDED.inc(bool(superseded))

    def in_turn(self) -> Iterator[list[Utterance]]:
        """For each track, what may be transcribed next: finals that wait, or else a partial.

        A track's results follow the order of its utterances, so nothing of an utterance comes
        before the final of the one before it.
        """
        for tracks in self._tracks.values():
            for track in tracks.values():
                waiting: list[Utterance] = []
                for utterance in track.values():
                    if not utterance.final:
                        if not waiting and utterance.partial_since_ms is not None:
                            waiting.append(utterance)
                        break
                    waiting.append(utterance)
                if waiting:
                    yield waiting

    def close(self, utterance: Utterance) -> None:
        """Its final is out."""
        tracks = self._tracks[utterance.shard]
        track = tracks[utterance.newest.track.key]
        del track[utterance.newest.utterance]
        if not track:
            del tracks[utterance.newest.track.key]

    def finish_abandoned(self, now_ms: int) -> None:
        """Make the final due of utterances of which nothing has come for too long."""
        for tracks in self._tracks.values():
            for track in tracks.values():
                for utterance in track.values():
                    if not utterance.final and now_ms - utterance.heard_ms > self._patience_ms:
                        utterance.final = True
                        UTTERANCES_ABANDONED.inc()

    def release(self, shard: int) -> None:
        """Forget everything about a shard."""
        self._tracks.pop(shard, None)

    def _frames(self, window: Window) -> NDArray[np.float16] | NDArray[np.int16]:
        if window.encoding != self._encoding:
            raise InvalidMessage(f"a window in {window.encoding}: this engine takes {self._encoding}")
        try:
            return decode_payload(window.payload, window.encoding, self._mels)
        except ValueError as error:
            raise InvalidMessage(f"a payload of {len(window.payload)} bytes in {window.encoding}") from error
