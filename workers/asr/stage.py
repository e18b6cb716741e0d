"""The asr pool: speech in, windows of features out."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from common.errors import InvalidMessage
from common.messages import SpeechChunk, Window
from common.stage import Acknowledge, Append, Effect, Entry, EntryId, Forget, Position, Step, Stream
from workers.asr.frontend import Frontend
from workers.asr.metrics import UTTERANCES_ABANDONED
from workers.asr.schedule import Schedule
from workers.asr.utterance import Utterance


@dataclass(slots=True)
class _Open:
    utterance: Utterance
    heard_ms: int


class AsrStage:
    """Windows of every open utterance.

    A watermark belongs to an utterance, not to its track: an utterance that continues a split one
    may begin before the end of the one before. It is forgotten in the commit that finishes the
    utterance and acknowledges the last of its entries.
    """

    name = "asr"
    inputs = (Stream.SPEECH,)

    def __init__(self, frontend: Frontend, schedule: Schedule, *, patience_ms: int) -> None:
        self._frontend, self._schedule, self._patience_ms = frontend, schedule, patience_ms
        self._open: defaultdict[int, dict[str, _Open]] = defaultdict(dict)

    def process(self, entries: Sequence[Entry], now_ms: int) -> Step:
        """Turn chunks into windows; finish what fell silent without an end."""
        effects = [effect for entry in entries for effect in self._take(entry, now_ms)]
        return Step([*effects, *self._abandon(now_ms)])

    def release(self, shard: int) -> None:
        """Forget the shard's utterances."""
        self._open.pop(shard, None)

    def _take(self, entry: Entry, now_ms: int) -> Iterator[Effect]:
        chunk = entry.message
        if not isinstance(chunk, SpeechChunk):
            raise InvalidMessage(f"{type(chunk).__name__} on the stream {entry.id.stream}")
        utterances = self._open[entry.id.shard]
        if chunk.utterance not in utterances:
            utterances[chunk.utterance] = _Open(Utterance(chunk, self._frontend, self._schedule), now_ms)
        opened = utterances[chunk.utterance]
        opened.heard_ms = now_ms
        windows = opened.utterance.push(entry.id, chunk)
        yield from (_append(entry.id.shard, window) for window in windows)
        if chunk.closed:
            yield from self._close(entry.id.shard, windows[-1])
        else:
            yield from _acknowledge(opened.utterance.spare())

    def _abandon(self, now_ms: int) -> Iterator[Effect]:
        for shard, utterances in self._open.items():
            for opened in list(utterances.values()):
                if now_ms - opened.heard_ms > self._patience_ms:
                    UTTERANCES_ABANDONED.inc()
                    final = opened.utterance.finish()
                    yield _append(shard, final)
                    yield from self._close(shard, final)

    def _close(self, shard: int, final: Window) -> Iterator[Effect]:
        opened = self._open[shard].pop(final.utterance)
        yield from _acknowledge(opened.utterance.entries())
        yield Forget(shard, _key(final))


def _append(shard: int, window: Window) -> Append:
    """A final may end where the window before it does, and still comes after it."""
    value = 2 * window.end + (window.due == "final")
    return Append(shard, Stream.WINDOWS, window, at=Position(_key(window), value))


def _acknowledge(entries: Iterable[EntryId]) -> Iterator[Acknowledge]:
    return (Acknowledge(entry) for entry in entries)


def _key(window: Window) -> str:
    return f"{window.track.key}/{window.start}"
