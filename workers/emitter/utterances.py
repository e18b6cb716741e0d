"""All open utterances of the shards this process owns, in order within each track."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import takewhile
from typing import Any

from numpy.typing import NDArray

from common.errors import InvalidMessage
from common.messages import Payload, Window
from common.stage import EntryId
from workers.emitter.metrics import PARTIALS_SUPERSEDED, UTTERANCES_ABANDONED
from workers.emitter.utterance import Utterance
from workers.engines.speech import decode_payload


class Utterances:
    """Open utterances by shard, in the order in which they began within each track."""

    def __init__(self, encoding: Payload, *, mels: int, patience_ms: int) -> None:
        self._encoding, self._mels, self._patience_ms = encoding, mels, patience_ms
        self._open: defaultdict[int, dict[str, Utterance]] = defaultdict(dict)

    def take(self, entry: EntryId, window: Window, frames: NDArray[Any], now_ms: int) -> None:
        """Add a window. Raises InvalidMessage where it does not fit the utterance."""
        utterances = self._open[entry.shard]
        utterance = utterances.get(window.utterance) or Utterance(entry.shard, window)
        superseded = window.due and utterance.partial_since_ms is not None
        utterance.add(entry, window, frames)
        utterance.heard_ms = now_ms
        utterances[window.utterance] = utterance
        PARTIALS_SUPERSEDED.inc(bool(superseded))

    def in_turn(self) -> Iterator[list[Utterance]]:
        """For each track, the utterances that were spoken to their end, and the first that was not.

        A track's results follow the order of its utterances, so nothing of an utterance may come
        before the final of the one before it.
        """
        for utterances in self._open.values():
            for track in _by_track(utterances.values()):
                spoken = sum(1 for _ in takewhile(lambda utterance: utterance.final, track))
                yield track[: spoken + 1]

    def close(self, utterance: Utterance) -> None:
        """Its final is out."""
        del self._open[utterance.shard][utterance.newest.utterance]

    def finish_abandoned(self, now_ms: int) -> None:
        """Make the final due of utterances of which nothing has come for too long."""
        for utterances in self._open.values():
            for utterance in utterances.values():
                if not utterance.final and now_ms - utterance.heard_ms > self._patience_ms:
                    utterance.final = True
                    UTTERANCES_ABANDONED.inc()

    def release(self, shard: int) -> None:
        """Forget everything about a shard."""
        self._open.pop(shard, None)

    def frames(self, window: Window) -> NDArray[Any]:
        """The frames of a window. Raises InvalidMessage for what this process cannot transcribe."""
        if window.encoding != self._encoding:
            raise InvalidMessage(f"a window in {window.encoding}: this engine takes {self._encoding}")
        try:
            return decode_payload(window.payload, window.encoding, self._mels)
        except ValueError as error:
            raise InvalidMessage(f"a payload of {len(window.payload)} bytes in {window.encoding}") from error


def _by_track(utterances: Iterable[Utterance]) -> Iterable[list[Utterance]]:
    tracks: defaultdict[str, list[Utterance]] = defaultdict(list)
    for utterance in utterances:
        tracks[utterance.newest.track.key].append(utterance)
    return tracks.values()
